"""What stands in for compiled code leaves everything to Python, and no trace of itself."""

from respcache._speedups import plain


class Ready:
    """A poller with some events."""

    def __init__(self, events: list[tuple[int, int]]) -> None:
        self._events = events
        self.asked: list[tuple[float, int]] = []

    def fileno(self) -> int:
        return 0

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        self.asked.append((timeout, maxevents))
        return self._events


def test_the_plain_loop_waits_sets_the_clock_and_serves_nobody() -> None:
    poller = Ready([(7, 1), (8, 4)])
    ticks: list[str] = []
    path = plain.HotPath(poller, plain.DispatcherState(), lambda: ticks.append("tick"), (), 16)
    path.add(plain.ConnectionState())
    assert path.poll(0.5) == [(7, 1), (8, 4)]
    assert path.ready == 2
    assert poller.asked == [(0.5, 16)]
    assert ticks == ["tick"]


def test_what_somebody_else_waited_for_is_left_as_well() -> None:
    ticks: list[str] = []
    path = plain.HotPath(Ready([]), plain.DispatcherState(), lambda: ticks.append("tick"), (), 16)
    assert path.take([(3, 1)]) == [(3, 1)]
    assert (path.ready, ticks) == (1, ["tick"])


def test_plain_classes_have_places_for_their_attributes_only() -> None:
    assert not hasattr(plain.ClockState(), "__dict__")
    assert list(plain.CommandRecord().counts) == [0] * plain.SLOTS


def test_whoever_asks_for_the_better_gets_what_there_is() -> None:
    def plain_thing() -> None: ...

    assert plain.compiled_twin(plain_thing) is plain_thing
