"""Clients that wait for copies to have what was written (WAIT), until their time is up.

They are looked at when a copy has more, by whoever is asked for the numbers, and by housekeeping, for those whose time is up.
"""

from collections.abc import Callable
from typing import Final

from .client import Client, Ending
from .pending import Pending

MOST: Final = 4096
"""Who comes on top is answered at once with the number there is: as many commands as may wait for one way to a node."""


class Wait:
    """One client that waits for a number to be reached."""

    __slots__ = ("client", "count", "deadline_ms", "pending", "wanted")

    def __init__(
        self, client: Client, wanted: int, deadline_ms: int | None, count: Callable[[], int]
    ) -> None:
        self.client = client
        self.wanted = wanted
        self.deadline_ms = deadline_ms
        """None: for ever."""
        self.count = count
        self.pending = Pending()


class Waits:
    """Everybody who waits so."""

    def __init__(self) -> None:
        self._waits: dict[Wait, None] = {}

    def __len__(self) -> int:
        return len(self._waits)

    def add(self, wait: Wait) -> None:
        """Let a client wait."""
        self._waits[wait] = None
        if len(self._waits) > MOST:
            self._end(wait, wait.count())

    def look(self, wait: Wait) -> None:
        """Look whether the number is reached."""
        if wait in self._waits and (count := wait.count()) >= wait.wanted:
            self._end(wait, count)

    def tick(self, now_ms: int) -> None:
        """Answer those whose number is reached or whose time is up, and forget clients that have gone."""
        for wait in list(self._waits):
            if wait.client.ending is Ending.AT_ONCE:
                del self._waits[wait]
                continue
            count = wait.count()
            if count >= wait.wanted or (wait.deadline_ms is not None and now_ms >= wait.deadline_ms):
                self._end(wait, count)

    def _end(self, wait: Wait, count: int) -> None:
        del self._waits[wait]
        wait.pending.resolve(count)
