"""What a frame says is what was meant, and what is none is refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.bus import inlet, lane
from respcache.cluster.bus.frames import (
    ANSWER,
    REQUEST,
    TRANSACTION,
    UNWATCH,
    WATCH,
    Answer,
    BrokenFrameError,
    Decoders,
    Request,
    TransactionRequest,
    Unwatch,
    Watch,
    frame,
)

REQUESTS: list[tuple[bytes, msgspec.Struct]] = [
    (REQUEST, Request(1, 0, 0, 3, 2, True, [5, 1024], [[b"GET", b"a"], [b"PING"]])),
    (TRANSACTION, TransactionRequest(1, 0, 9, True, 0, 3, False, [5], [[b"INCR", b"a"]])),
    (WATCH, Watch(1, 9, 0, [5], [b"a", b"b"])),
    (UNWATCH, Unwatch(9)),
]


@pytest.mark.parametrize(("kind", "body"), REQUESTS)
def test_a_frame_is_read_as_it_was_written(kind: bytes, body: msgspec.Struct) -> None:
    assert inlet.DECODERS.decode(frame(kind, body)) == body


def test_each_end_understands_what_the_other_says_only() -> None:
    with pytest.raises(BrokenFrameError):
        lane.DECODERS.decode(frame(*REQUESTS[0]))
    with pytest.raises(BrokenFrameError):
        inlet.DECODERS.decode(frame(ANSWER, Answer(1, 0, [])))


@given(st.sampled_from([b"", REQUEST, TRANSACTION, WATCH, UNWATCH, b"\xff"]), st.binary(max_size=60))
def test_garbage_is_a_broken_frame_or_a_frame(kind: bytes, body: bytes) -> None:
    try:
        inlet.DECODERS.decode(kind + body)
    except BrokenFrameError:
        pass


@given(st.sampled_from(REQUESTS), st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_frame_is_a_broken_frame_or_another(
    whole: tuple[bytes, msgspec.Struct], at: int, byte: int
) -> None:
    data = bytearray(frame(*whole))
    data[at % len(data)] = byte
    try:
        inlet.DECODERS.decode(bytes(data))
    except BrokenFrameError:
        pass


def test_nesting_without_end_is_a_broken_frame() -> None:
    with pytest.raises(BrokenFrameError):
        Decoders({REQUEST: Request}).decode(REQUEST + b"\x91" * 100_000)
