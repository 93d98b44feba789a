"""``respcache cluster safe``: asks whether any one node of a cluster may be stopped now, once or until it may.

A node that cannot be reached is no reason to give up while there is time: it may be the one that restarts.
"""

from collections.abc import Callable
from typing import Final

from .client import Address, ClientError, Connection

UNSAFE: Final = "answered: UNSAFE "
"""What stands before the reasons in the client's error."""

PAUSE_S: Final = 0.5
"""Between two questions: a node starts in about as long, and each costs every member a millisecond."""


def ask(address: Address, least_members: int) -> str:
    """Return why the cluster is not safe; nothing when it is. Raises ClientError if that cannot be asked."""
    with Connection(address) as node:
        try:
            node.call("CLUSTER", "SAFE", "MEMBERS", least_members)
        except ClientError as error:
            _, unsafe, reasons = str(error).partition(UNSAFE)
            if not unsafe:
                raise
            return reasons
    return ""


def wait_until_safe(
    ask: Callable[[], str],
    wait_s: float,
    *,
    now_s: Callable[[], float],
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> bool:
    """Ask until it is safe or the time is up; say why it is not whenever that changes."""
    until_s = now_s() + wait_s
    told = ""
    while True:
        reasons = _asked(ask, is_last=now_s() >= until_s)
        if not reasons:
            return True
        if reasons != told:
            say(reasons)
            told = reasons
        left_s = until_s - now_s()
        if left_s <= 0:
            return False
        sleep(min(PAUSE_S, left_s))


def _asked(ask: Callable[[], str], *, is_last: bool) -> str:
    try:
        return ask()
    except ClientError as error:
        if is_last:
            raise
        return str(error)
