"""An owner that is awake, and the commands that wait for it."""

import enum
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from ..commands.pending import Pending
from ..protocol.replies import Reply

OwnerKey: TypeAlias = tuple[int, bytes]
"""Database and key."""


class Again(enum.Enum):
    """What a command returns instead of a reply, when somebody works for one of its keys once more."""

    AGAIN = enum.auto()


AGAIN: Final = Again.AGAIN


class Job:
    """A command that waits for one or more owners; it runs when it stands first with all of them."""

    __slots__ = ("arrived", "is_over", "keys", "pending", "run", "since_ms", "stays")

    def __init__(
        self,
        keys: tuple[OwnerKey, ...],
        run: Callable[[], Reply | Pending | Again],
        since_ms: int,
        *,
        stays: bool = False,
    ) -> None:
        self.keys = keys
        self.stays = stays
        """Whether it is about all keys there are, and waits on when some of them go to another node."""
        self.run = run
        self.since_ms = since_ms
        self.pending = Pending()
        self.arrived: set[OwnerKey] = set()
        """Where it stands first already."""
        self.is_over = False
        """Answered before its turn: one of its owners has crashed, or one of its keys has gone."""


class Owner:
    """One key that is busy, or that a waiting command has reserved."""

    __slots__ = ("is_working", "key", "mailbox", "work")

    def __init__(self, key: OwnerKey) -> None:
        self.key = key
        self.mailbox: deque[Job] = deque()
        self.is_working = False
        """Whether its task runs; without one it waits for a job that other owners hold up."""
        self.work: Pending | None = None
        """The reply that its task will give."""
