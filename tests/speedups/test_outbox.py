"""What waits leaves in order, whole, and only once, however little a socket takes at a time."""

import os
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thoroughness import examples

if TYPE_CHECKING:
    from respcache._speedups.outbox import Outbox
else:
    Outbox = pytest.importorskip("respcache._speedups.outbox").Outbox

LONG_BYTES = 16 * 1024
"""Values from here on are kept instead of copied."""

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A socket to send by, which takes little at once, and its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        ours.setblocking(False)
        theirs.setblocking(False)
        yield ours, theirs


def long_value(index: int, more_bytes: int = 0) -> bytes:
    return bytes([index % 256]) * (LONG_BYTES + more_bytes)


def drain(theirs: socket.socket) -> bytes:
    received = b""
    try:
        while data := theirs.recv(1 << 20):
            received += data
    except BlockingIOError:
        pass
    return received


def send_all(box: Outbox, pair: Pair) -> bytes:
    """Send until nothing waits; return what came out at the other end."""
    ours, theirs = pair
    received = b""
    while box.total:
        waiting = box.total
        taken = box.send(ours.fileno())
        assert box.total == waiting - max(taken, 0)
        received += drain(theirs)
    return received


pieces = st.lists(
    st.one_of(st.binary(max_size=50), st.builds(long_value, st.integers(0, 255), st.integers(-1, 20_000))),
    max_size=20,
)


@settings(max_examples=examples(50, 200))
@given(pieces)
def test_everything_is_taken_in_order(several: list[bytes]) -> None:
    box = Outbox()
    for piece in several:
        box.raw_object(piece)
    assert box.total == sum(map(len, several))
    assert b"".join(box.take()) == b"".join(several)
    assert (box.total, box.take()) == (0, [])


@given(pieces)
def test_everything_is_sent_in_order(several: list[bytes]) -> None:
    box = Outbox()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        for piece in several:
            box.raw_object(piece)
        assert send_all(box, (ours, theirs)) == b"".join(several)


@given(pieces, pieces, st.integers(0, 8))
def test_what_a_socket_did_not_take_can_be_added_to_and_taken(
    several: list[bytes], more: list[bytes], sends: int
) -> None:
    box = Outbox()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for piece in several:
            box.raw_object(piece)
        received = b""
        for _ in range(sends):
            box.send(ours.fileno())
            received += drain(theirs)
        for piece in more:
            box.raw_object(piece)
        assert received + b"".join(box.take()) == b"".join(several + more)


def test_long_values_are_not_copied() -> None:
    box, value = Outbox(), long_value(1)
    box.raw_object(b"a")
    box.raw_object(value)
    parts = box.take()
    assert parts == [b"a", value]
    assert parts[1] is value


def test_a_value_is_let_go_as_soon_as_it_was_sent(pair: Pair) -> None:
    values = [long_value(index) for index in range(4)]
    counts = [sys.getrefcount(value) for value in values]
    box = Outbox()
    for index in range(4):
        box.raw_object(values[index])
    assert [sys.getrefcount(value) for value in values] == [count + 1 for count in counts]
    received = 0
    while received < 2 * LONG_BYTES + 1:
        box.send(pair[0].fileno())
        received += len(drain(pair[1]))
    assert [sys.getrefcount(value) for value in values][:2] == counts[:2]
    box.clear()
    assert [sys.getrefcount(value) for value in values] == counts


def test_values_are_let_go_with_the_box() -> None:
    value = long_value(1)
    count = sys.getrefcount(value)
    box = Outbox()
    box.raw_object(value)
    box.take()
    box.raw_object(value)
    del box
    assert sys.getrefcount(value) == count


def test_more_pieces_than_one_call_can_take_are_sent_by_the_next(pair: Pair) -> None:
    box = Outbox()
    several = [long_value(index) for index in range(300)]
    for value in several:
        box.raw_object(value)
        box.raw_object(b"\r\n")
    assert send_all(box, pair) == b"\r\n".join([*several, b""])


def test_a_full_socket_takes_nothing_and_nothing_is_lost(pair: Pair) -> None:
    box = Outbox()
    box.raw_object(long_value(1, 100_000))
    while box.send(pair[0].fileno()) > 0:
        pass
    waiting = box.total
    assert waiting > 0
    assert (box.send(pair[0].fileno()), box.total) == (-1, waiting)


def test_an_empty_box_sends_nothing(pair: Pair) -> None:
    assert Outbox().send(pair[0].fileno()) == 0


@pytest.mark.parametrize("is_long", [False, True])
def test_whoever_has_gone_is_an_error_and_no_signal(pair: Pair, *, is_long: bool) -> None:
    box = Outbox()
    box.raw_object(long_value(1) if is_long else b"x")
    pair[1].close()
    with pytest.raises(BrokenPipeError):
        box.send(pair[0].fileno())


def test_what_is_no_socket_is_an_error() -> None:
    box = Outbox()
    box.raw_object(b"x")
    read_end, write_end = os.pipe()
    os.close(read_end)
    os.close(write_end)
    with pytest.raises(OSError, match="Bad file descriptor"):
        box.send(write_end)
    assert box.total == 1


def test_a_box_that_had_much_to_hold_is_as_good_as_new() -> None:
    box = Outbox()
    for _ in range(300):
        box.raw_object(b"x" * (LONG_BYTES - 1))
    assert sum(map(len, box.take())) == 300 * (LONG_BYTES - 1)
    assert sys.getsizeof(box) < 2 << 20
    box.raw_object(b"y")
    assert box.take() == [b"y"]


def test_only_bytes_are_held() -> None:
    box = Outbox()
    for value in (None, "x", bytearray(b"x")):
        with pytest.raises(TypeError):
            box.raw_object(value)  # type: ignore[arg-type]
    assert box.total == 0
