"""A key on its way from the database, and those who wait for it."""

import enum

from ..protocol.replies import ErrorReply


class Stage(enum.Enum):
    """Where a flight is."""

    QUEUED = enum.auto()
    """It waits for the next call."""
    CALLED = enum.auto()
    """A call for it runs."""
    RESTING = enum.auto()
    """It has failed and will be queued again."""


class Wait:
    """The time for which a key's owner is busy because the key is being loaded; commands stand in the owner's mailbox."""

    __slots__ = ("__weakref__", "error", "is_absent", "is_over", "key", "until_s")

    def __init__(self, key: bytes, until_s: float) -> None:
        self.key = key
        self.until_s = until_s
        """By trio's clock."""
        self.error: ErrorReply | None = None
        """What the commands that waited are answered; None: they run."""
        self.is_over = False
        self.is_absent = False
        """Whether there is nothing to be had, as those who have waited must take it; not if the key was written since."""


class Flight:
    """One key that is asked for: once, however many wait, and whether anybody waits or not."""

    __slots__ = (
        "begun_s",
        "contents",
        "is_overtaken",
        "is_refresh",
        "is_wanted_again",
        "key",
        "reason",
        "stage",
        "tries",
        "wait",
        "was_waited_for",
    )

    def __init__(self, key: bytes, begun_s: float) -> None:
        self.key = key
        self.contents: object = None
        """The table of entries when it was called for: another one has taken its place after FLUSHALL."""
        self.begun_s = begun_s
        self.is_refresh = False
        """Whether it shall replace a value, and end if that has gone."""
        self.stage = Stage.QUEUED
        self.is_overtaken = False
        """Whether the key was written or deleted since it was called for, so that what comes may be older than that."""
        self.is_wanted_again = False
        """Whether it was asked for since it was overtaken."""
        self.tries = 0
        self.reason = ""
        """Why the last try has failed."""
        self.wait: Wait | None = None
        self.was_waited_for = False

    @property
    def state(self) -> str:
        """In LOADER STATE's words."""
        if self.is_refresh and not self.is_overtaken:
            return "reloading"
        return "loading" if self.stage is Stage.CALLED else "requested"
