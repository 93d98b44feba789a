"""Compiled code makes and confirms a stream's frames as Python does, and leaves to it what is unusual."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED, confirm, plain_copies, seal
from respcache.cluster.replication import stream as module
from respcache.cluster.replication.stream import FRAME_BYTES, Stream
from tests.cluster.replication.followers import Follower, Waiting, record
from tests.thoroughness import examples

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")


class Side:
    """A stream on a clock of its own, with what it was asked for and what came of it."""

    def __init__(self) -> None:
        self.now_s = 1.0
        self.happened: list[object] = []
        self.stream = Stream(1, lambda: self.now_s)
        self.stream.on_reset = lambda: self.happened.append("reset")
        self.stream.on_waited = lambda: self.happened.append("waited")
        self.stream.on_room = lambda: self.happened.append("room")
        self.stream.on_lag = self.happened.append
        self.follower = Follower(self.stream)
        self.waiting: list[Waiting] = []

    def wait(self) -> None:
        self.waiting.append(Waiting())
        self.happened.append(self.stream.wait(self.waiting[-1]))

    def lose_connection(self) -> None:
        self.stream.disconnect()
        self.follower.connect()

    def tick(self, seconds: float, count: int = 1) -> None:
        for _ in range(count):
            self.now_s += seconds
            self.stream.tick(self.now_s)

    def state(self) -> object:
        stream, pace = self.stream, self.stream.pace
        return (
            self.happened,
            [(one.is_closed, one.confirmations) for one in self.waiting],
            (self.follower.records, self.follower.operations, self.follower.stirs),
            (stream.position, stream.sent, stream.kept_bytes, stream.is_quiet, stream.has_frames),
            (stream.confirmed, stream.handed, stream.handed_bytes, stream.largest_bytes, stream.is_lagging),
            (pace.bytes, pace.fastest_s, pace.next_fastest_s, pace.renewed_s, pace.piece()),
        )


ACTS: dict[str, Callable[[Side], object]] = {
    "add": lambda side: side.stream.add(record(1)),
    "add much": lambda side: side.stream.add(record(2, 70_000)),
    "add bulk": lambda side: side.stream.add_bulk(record(3), 100),
    "note": lambda side: side.stream.note(b"origin", 1, 0, [b"+OK\r\n"]),
    "wait": Side.wait,
    "send": lambda side: side.follower.take(side.stream.take_frames()),
    "acknowledge": lambda side: side.follower.acknowledge(),
    "acknowledge the first": lambda side: side.stream.acknowledged(
        1, min(side.stream.confirmed + 1, side.stream.sequence)
    ),
    "lose the connection": Side.lose_connection,
    "wait a moment": lambda side: side.tick(0.02),
    "wait long": lambda side: side.tick(0.05, 9),
    "wait a minute": lambda side: side.tick(61.0),
}


@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=60))
@settings(max_examples=examples(150, 5000), deadline=None)
def test_a_stream_is_the_same_whoever_makes_its_frames(acts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        compiled, plain = Side(), Side()
        for act in [*acts, "add", "wait", "send", "wait a moment", "acknowledge"]:
            ACTS[act](compiled)
            patched.setattr(module, "seal", plain_copies.seal)
            patched.setattr(module, "confirm", plain_copies.confirm)
            ACTS[act](plain)
            state = plain.state()
            patched.undo()
            assert compiled.state() == state


def test_records_alone_are_sealed_by_compiled_code_and_confirmed_there() -> None:
    side = Side()
    side.stream.add(record(1))
    side.wait()
    assert seal(side.stream)
    assert side.waiting[0].is_closed
    side.follower.take(side.stream.take_frames())
    assert confirm(side.stream, 1)
    assert side.waiting[0].confirmations == 1
    assert side.stream.is_quiet


@pytest.mark.parametrize("act", ["add bulk", "note"])
def test_what_is_unusual_is_left_as_it_is(act: str) -> None:
    side = Side()
    assert not seal(side.stream)
    ACTS[act](side)
    side.stream.add(record(1))
    assert not seal(side.stream)
    assert len(side.stream.take_frames()) == 1
    assert not confirm(side.stream, 2)
    assert confirm(side.stream, 1) == (act == "note")


def test_what_is_too_large_for_one_frame_is_left_as_it_is() -> None:
    side = Side()
    for _ in range(2):
        side.stream.add(record(1, FRAME_BYTES // 2))
    assert not seal(side.stream)
    assert len(side.stream.take_frames()) == 2
    side.stream.is_lagging = True
    assert not confirm(side.stream, 1)
