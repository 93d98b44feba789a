import random
import time
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.security.frames import FrameSplitter, MessageBuffer, framed

LONG = st.builds(
    lambda seed, size: random.Random(seed).randbytes(size), st.integers(), st.integers(4000, 9000)
)
FRAMES = st.lists(st.one_of(st.binary(min_size=1, max_size=20), LONG), max_size=8)
CUTS = st.lists(st.integers(1, 5000), max_size=30)


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut into pieces of these sizes, and the rest into one more."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


def split(pieces: Sequence[bytes], most_bytes: int = 10_000) -> tuple[list[bytes], bool]:
    splitter = FrameSplitter(most_bytes)
    frames: list[bytes] = []
    for piece in pieces:
        frames += splitter.split(piece)
        if splitter.is_broken:
            break
    return frames, splitter.is_broken


@given(frames=FRAMES, sizes=CUTS)
def test_any_cutting_gives_the_same_frames(frames: list[bytes], sizes: list[int]) -> None:
    assert split(cut(b"".join(framed(frames)), sizes)) == (frames, False)


@given(frames=st.lists(st.binary(min_size=1, max_size=20), max_size=8))
def test_single_bytes_give_the_same_frames(frames: list[bytes]) -> None:
    data = b"".join(framed(frames))
    assert split(cut(data, [1] * len(data))) == (frames, False)


@given(data=st.binary(max_size=300), sizes=st.lists(st.integers(1, 40), max_size=30))
def test_any_cutting_of_garbage_gives_the_same_frames_and_the_same_end(data: bytes, sizes: list[int]) -> None:
    assert split(cut(data, sizes), most_bytes=40) == split([data], most_bytes=40)


@given(tail=st.binary(max_size=9), sizes=st.lists(st.integers(1, 8), max_size=10))
def test_a_forbidden_length_breaks_behind_the_frames_before_it(tail: bytes, sizes: list[int]) -> None:
    data = b"".join(framed([b"one", b"two"])) + b"\x00\x00\x27\x11" + tail
    assert split(cut(data, sizes)) == ([b"one", b"two"], True)


@pytest.mark.parametrize("size_bytes", [0, 10_001, 2**31, 2**32 - 1])
def test_a_frame_must_be_of_an_allowed_size(size_bytes: int) -> None:
    assert split([size_bytes.to_bytes(4)]) == ([], True)


def test_the_largest_frame_is_allowed() -> None:
    assert split(framed([bytes(10_000)])) == ([bytes(10_000)], False)


def test_the_length_of_a_frame_stands_before_it_at_any_size() -> None:
    for size_bytes in (1, 1023, 1024, 70_000):
        assert b"".join(framed([bytes(size_bytes)])) == size_bytes.to_bytes(4) + bytes(size_bytes)


def test_a_frame_in_single_bytes_takes_no_more_memory_than_its_size() -> None:
    data = b"".join(framed([bytes(1 << 18)]))
    splitter = FrameSplitter(1 << 18)
    tracemalloc.start()
    for position in range(len(data) - 1):
        splitter.split(data[position : position + 1])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1.5 * (1 << 18)


def test_an_announced_frame_takes_memory_only_as_it_comes() -> None:
    tracemalloc.start()
    FrameSplitter(1 << 30).split((1 << 30).to_bytes(4) + b"x")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize("piece_bytes", [1000, 4096])
def test_a_large_frame_costs_linear_time(piece_bytes: int) -> None:
    # 16 MiB: copying all that has come with each of so many pieces would move 30 to 130 GiB
    frame = bytes(16 << 20)
    data = b"".join(framed([frame]))
    started = time.process_time()
    frames, _ = split(
        [data[start : start + piece_bytes] for start in range(0, len(data), piece_bytes)], len(frame)
    )
    assert frames == [frame]
    assert time.process_time() - started < 2


# -- before it is known what follows ---------------------------------------------------


@given(
    messages=st.lists(st.binary(min_size=1, max_size=20), max_size=5), rest=st.binary(max_size=30), sizes=CUTS
)
def test_messages_come_one_by_one_and_leave_the_rest(
    messages: list[bytes], rest: bytes, sizes: list[int]
) -> None:
    taken: list[bytes] = []
    buffer = MessageBuffer(20)
    for piece in cut(b"".join(framed(messages)) + rest, sizes):
        buffer.add(piece)
        while len(taken) < len(messages) and (message := buffer.next()) is not None:
            taken.append(message)
    assert taken == messages
    assert buffer.take_rest() == rest
    assert buffer.take_rest() == b""


@pytest.mark.parametrize("size_bytes", [0, 21, 2**32 - 1])
def test_a_message_must_be_of_an_allowed_size(size_bytes: int) -> None:
    buffer = MessageBuffer(20)
    buffer.add(size_bytes.to_bytes(4))
    with pytest.raises(ValueError, match="not allowed"):
        buffer.next()
