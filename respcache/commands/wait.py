"""WAIT: until copies have what was written. In a cluster every node that serves anything is asked, and the least counts."""

from typing import cast

from ..protocol.replies import Reply
from . import arguments as arg
from .context import Context
from .errors import CommandError
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait
from .spread import Join, Over, Spread
from .waits import Wait

waiting = CommandGroup("generic")


def _timeout_ms(raw: bytes) -> int:
    timeout_ms = parse_integer(raw, "timeout is not an integer or out of range")
    if timeout_ms < 0:
        raise CommandError("timeout is negative")
    return timeout_ms


@waiting.command(
    "WAIT",
    since="3.0.0",
    complexity="O(1)",
    flags=Flag.NOSCRIPT,
    args=(arg.integer("numreplicas"), arg.integer("timeout", convert=bytes)),
    traits=Trait.LATE,
    acl=frozenset({"connection"}),
    tips=("request_policy:all_shards", "response_policy:agg_min"),
    spread=Spread(Over.NODES, Join.MIN),
)
def wait(context: Context, numreplicas: int, timeout: bytes) -> Reply:
    """Wait until so many copies have everything that was written, or so many milliseconds have passed; say how many have it.

    A timeout of 0 is for ever. A server that is alone has no copies. In a transaction nothing waits.

    >>> SET a 1
    OK
    >>> WAIT 0 100
    0
    """
    timeout_ms = _timeout_ms(timeout)
    node, client = context.node, context.client
    deadline_ms = node.clock.now_ms + timeout_ms if timeout_ms else None
    if node.holds is None:
        one = Wait(client, numreplicas, deadline_ms, _no_copies)
    else:
        mark = node.holds.mark()
        one = Wait(client, numreplicas, deadline_ms, mark.count)
        mark.when_more(lambda: node.waits.look(one))
    count = one.count()
    if count >= numreplicas or client.transaction is not None:
        return count
    node.waits.add(one)
    # The session takes a Pending wherever a handler may answer; only the type of replies does not say so.
    return cast(Reply, one.pending)


def _no_copies() -> int:
    return 0
