"""The usual frames between nodes are taken as they come; all else is left, and means what it meant."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED, confirmations_taker, effects_taker
from respcache.cluster.bus.frames import frame
from respcache.cluster.replication.records import (
    ACKNOWLEDGED,
    EFFECTS,
    REMOVED,
    Acknowledged,
    Effects,
    Record,
    effects_frame,
    encoded,
    records_of,
)
from respcache.cluster.replication.stream import Received, Stream
from respcache.cluster.security.frames import framed
from tests.cluster.replication.followers import Waiting, record
from tests.speedups.test_copied import PLACE, SERVER, Copy, P, string
from tests.thoroughness import examples

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")

DECODER = msgspec.msgpack.Decoder(Effects)
UNUSUAL = [REMOVED, PLACE, 0, b"a", 90, 9]


def wire(*frames: bytes) -> bytes:
    return b"".join(framed(frames))


def effects(
    sequence: int,
    *records: Record,
    generation: int = 5,
    operations: list[tuple[bytes, int, int, list[bytes]]] | None = None,
) -> bytes:
    return effects_frame(generation, sequence, [encoded(one) for one in records], operations or [])


class Taking:
    """A copy, and what takes its server's effects."""

    def __init__(self) -> None:
        self.copy = Copy()
        self.copy.write(string(1))  # its table is made by Python
        self.received = Received()
        self.received.generation, self.received.sequence = 5, 3
        self.heard_s: dict[bytes, float] = {}
        node = self.copy.node
        taker = effects_taker(
            SERVER,
            {SERVER: self.received},
            self.copy.writer,
            self.heard_s,
            now_s=lambda: 7.5,
            clock=node.harness.clock,
        )
        assert taker is not None
        self.taker = taker

    def value(self) -> object:
        return self.copy.node.recorder.parts[P].tables[0].entries[b"a"].value


@pytest.fixture
def taking() -> Taking:
    return Taking()


def test_strings_are_taken_and_acknowledged(taking: Taking) -> None:
    frames = effects(4, string(2, b"w"), string(3, b"x")), effects(5), effects(6, string(4, b"y"))
    assert taking.taker.take(wire(*frames)) == b""
    assert taking.taker.answers == [frame(ACKNOWLEDGED, Acknowledged(5, at, [])) for at in (4, 5, 6)]
    assert taking.received.sequence == 6
    assert taking.heard_s == {SERVER: 7.5}
    assert taking.value() == b"y"


@pytest.mark.parametrize(
    "left",
    [
        effects(3, string(2)),
        effects(5, string(2)),
        effects(4, string(2), generation=4),
        effects(4, string(2), generation=6),
        effects(4, string(2), operations=[(b"origin", 1, 0, [b"+OK\r\n"])]),
        effects(4, UNUSUAL, string(100)),
        effects(4, string(1, b"older")),
        effects(4, string(2))[:-1] + b"\xc0",
        effects(4, string(2))[:-2] + b"\x90",
        EFFECTS + b"\x93\x05\x04\x90",
        EFFECTS + b"\x94\x05\x04\xc0\x90",
        EFFECTS,
        b"R\x90",
        b"e\x93\x05\x04\x90",
    ],
)
def test_what_is_unusual_is_left_as_it_is(taking: Taking, left: bytes) -> None:
    data = wire(left, effects(4, string(3, b"x")))
    before = taking.copy.state()
    assert taking.taker.take(data) == data
    assert (taking.taker.answers, taking.received.sequence, taking.heard_s) == ([], 3, {})
    assert taking.copy.state() == before


def test_nothing_is_taken_of_a_node_that_has_told_nothing_yet(taking: Taking) -> None:
    stranger = effects_taker(
        b"?" * 20, {}, taking.copy.writer, {}, now_s=lambda: 0.0, clock=taking.copy.node.harness.clock
    )
    assert stranger is not None
    data = wire(effects(1, string(2)))
    assert stranger.take(data) == data


def test_a_frame_of_which_some_is_unusual_is_left_without_what_is_done(taking: Taking) -> None:
    after = wire(effects(5, string(101)))
    rest = taking.taker.take(wire(effects(4, string(2, b"w"), UNUSUAL, string(100))) + after)
    assert taking.value() == b"w"
    assert (taking.taker.answers, taking.received.sequence) == ([], 3)
    assert rest.endswith(after)
    size = int.from_bytes(rest[:4])
    assert len(rest) == 4 + size + len(after)
    body = DECODER.decode(rest[5 : 4 + size])
    assert (body.generation, body.sequence, body.operations) == (5, 4, [])
    assert records_of(body.records) == [UNUSUAL, string(100)]


@given(st.data())
@settings(max_examples=examples(100, 2000), deadline=None)
def test_however_it_is_cut_what_is_left_begins_with_a_frame(data: st.DataObject) -> None:
    taking = Taking()
    whole = wire(*[effects(4 + at, string(2 + at, b"v" * at)) for at in range(5)])
    cut = data.draw(st.integers(0, len(whole)))
    left = taking.taker.take(whole[:cut])
    assert taking.taker.take(left + whole[cut:]) == b""
    assert taking.received.sequence == 8
    assert len(taking.taker.answers) == 5
    assert taking.value() == b"vvvv"


class Confirming:
    """A stream with two frames on their way, each waited for."""

    def __init__(self) -> None:
        self.stream = Stream(5)
        self.stream.connect(lambda: None)
        self.waiting = [Waiting(), Waiting()]
        for one in self.waiting:
            self.stream.add(record(1))
            self.stream.wait(one)
            self.stream.take_frames()
        self.flushed = 0
        taker = confirmations_taker(b"peer", {b"peer": self.stream}.__getitem__, self.flush)
        assert taker is not None
        self.taker = taker

    def flush(self) -> None:
        self.flushed += 1

    def confirmations(self) -> list[int]:
        return [one.confirmations for one in self.waiting]


def acknowledged(sequence: int, generation: int = 5, told: list[tuple[int, int, int]] | None = None) -> bytes:
    return frame(ACKNOWLEDGED, Acknowledged(generation, sequence, told or []))


@pytest.mark.parametrize("frames", [[1, 2], [2]])
def test_confirmations_are_taken(frames: list[int]) -> None:
    confirming = Confirming()
    assert confirming.taker.take(wire(*map(acknowledged, frames))) == b""
    assert confirming.confirmations() == [1, 1]
    assert confirming.flushed == len(frames)
    assert confirming.stream.is_quiet


@pytest.mark.parametrize(
    "left",
    [
        acknowledged(0),
        acknowledged(3),
        acknowledged(1, generation=4),
        acknowledged(1, generation=6),
        acknowledged(1, told=[(1, 2, 3)]),
        acknowledged(1) + b"\x90",
        b"e\x94\x05\x01\x90",
        b"e\x93\xff\x01\x90",
        b"e",
        b"A\x93\x05\x01\x90",
    ],
)
def test_what_else_is_answered_is_left(left: bytes) -> None:
    confirming = Confirming()
    data = wire(left)
    assert confirming.taker.take(data) == data
    assert (confirming.confirmations(), confirming.flushed) == ([0, 0], 0)


def test_what_was_confirmed_before_is_left() -> None:
    confirming = Confirming()
    data = wire(acknowledged(1))
    confirming.taker.take(data)
    assert confirming.taker.take(data) == data
    assert confirming.confirmations() == [1, 0]
