"""Timers of the state machine: what is to be done when, on the clock that is handed in."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

Action = Callable[[float], None]  # called with the time

MIN_RUBBISH: Final = 64  # cancelled timers are thrown out once they are more than the others, and than this


class Alarm:
    """One thing to be done; `cancel` it or let it happen."""

    __slots__ = ("_schedule", "action", "when")

    def __init__(self, schedule: "Schedule", when: float, action: Action) -> None:
        self._schedule = schedule
        self.when = when
        self.action: Action | None = action

    def cancel(self) -> None:
        if self.action is not None:
            self.action = None
            self._schedule.count_cancelled()


class Schedule:
    """A heap of alarms, in order of time and then of setting."""

    __slots__ = ("_cancelled", "_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._order = 0
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def at(self, when: float, action: Action) -> Alarm:
        alarm = Alarm(self, when, action)
        self._order += 1
        heappush(self._heap, (when, self._order, alarm))
        return alarm

    def count_cancelled(self) -> None:
        """Note that an alarm in the heap is void; acknowledged probes leave one behind each."""
        self._cancelled += 1
        if self._cancelled > MIN_RUBBISH and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapify(self._heap)
            self._cancelled = 0

    def next_when(self) -> float:
        """Return when something is to be done next; infinity if nothing is."""
        heap = self._heap
        while heap and heap[0][2].action is None:
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else float("inf")

    def run(self, now: float) -> None:
        """Do everything that was due when this was called.

        What is set meanwhile waits for the next call, or two timers could wake each other for ever.
        """
        last = self._order
        while self.next_when() <= now and self._heap[0][1] <= last:
            alarm = heappop(self._heap)[2]
            action, alarm.action = alarm.action, None
            if action is not None:
                action(now)
