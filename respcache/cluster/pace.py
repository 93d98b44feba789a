"""How soon the next tick of a node must come: often while anything waits, rarely while all is calm. Does no I/O.

A tick gives up what has waited too long, tries again, and goes on with what moves. Where nothing waits, ticks may be rare:

- what has a time-out is seen by a rare tick well before that is over, and from then on ticks come often;
- what the very next tick has to do says so (``hurry``), and ends the pause.
"""

from collections.abc import Callable
from typing import Final

from .hub import Hub

TICK_S: Final = 0.02
"""How often forwards are looked at that wait: a fiftieth of their time-out."""

LONGEST_PAUSE_S: Final = 0.15
"""Between two ticks while nothing waits: half of the shortest time-out that the operator does not choose (0.3 s)."""

CALM_TICKS: Final = 10
"""So many ticks in a row must find nothing before they become rare: else each of a client's rare commands would end a pause."""


class Pace:
    """One node's."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._calm_ticks = 0
        self.on_hurry: Callable[[], None] = lambda: None
        """Called to end a pause."""
        hub.followers.append(lambda happened: self.hurry())
        hub.directory.rooms.on_rest = self.hurry
        hub.replication.on_work = self.hurry
        hub.streams.on_waited = self.hurry
        hub.mandating.on_work = self.hurry

    def look(self) -> None:
        """Look whether anything waits; called before each tick."""
        self._calm_ticks = self._calm_ticks + 1 if self._is_calm() else 0

    @property
    def is_quick(self) -> bool:
        """Whether the next tick comes after ``TICK_S``, rather than after ``pause_s`` or ``on_hurry``."""
        return self._calm_ticks < CALM_TICKS

    def pause_s(self) -> float:
        """Return for how long there need be no tick."""
        until_question_s = self._hub.mandating.mandate.next_question - self._hub.now_s()
        longest_s = min(LONGEST_PAUSE_S, self._hub.options.forward_timeout_s / 2)
        return max(TICK_S, min(longest_s, until_question_s))

    def hurry(self) -> None:
        """See that the next ticks come soon."""
        self._calm_ticks = 0
        self.on_hurry()

    def _is_calm(self) -> bool:
        hub, replication = self._hub, self._hub.replication
        serving = replication.serving
        return not (
            hub.directory.has_rooms
            or any(one.count for to in hub.directory.destinations.values() for one in to.channels)
            or serving.dirty
            or serving.suspended
            or serving.handed
            or replication.promotion.is_busy
            or replication.syncing.is_moving
            or replication.offers.waiting
            or hub.relay.is_waiting
            or not hub.mandating.mandate.is_calm(hub.now_s())
            or not all(stream.is_quiet for stream in hub.streams)
        )
