"""What waits for another node."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.bus.outbox import BYTES, FRAME_BYTES, Outbox


def items_of(frames: list[bytes]) -> list[object]:
    found: list[object] = []
    for frame in frames:
        assert frame[:1] == b"P"
        _, items = msgspec.msgpack.decode(frame[1:])
        found += items
    return found


def packed(item: object) -> bytes:
    return msgspec.msgpack.encode(item)


def test_everything_that_waits_leaves_in_order_and_once() -> None:
    outbox = Outbox()
    outbox.generation = 7
    for number in range(3):
        outbox.add(packed(number))
    [frame] = outbox.take_frames()
    assert msgspec.msgpack.decode(frame[1:]) == [7, [0, 1, 2]]
    assert (outbox.take_frames(), outbox.has_news, outbox.sent) == ([], False, 3)


@given(st.lists(st.binary(max_size=FRAME_BYTES // 2), max_size=20))
def test_frames_are_short_and_lose_nothing(items: list[bytes]) -> None:
    outbox = Outbox()
    for item in items:
        outbox.add(packed(item))
    frames = outbox.take_frames()
    assert items_of(frames) == items
    assert all(len(frame) <= FRAME_BYTES + 16 for frame in frames)


def test_what_is_too_much_is_dropped_and_counted() -> None:
    outbox = Outbox()
    for _ in range(10):
        outbox.add(packed(bytes(1 << 20)))
    assert outbox.dropped == 3
    assert len(items_of(outbox.take_frames())) == 7
    outbox.add(packed(b"again"))
    assert items_of(outbox.take_frames()) == [b"again"]


def test_many_small_items_are_too_much_as_well() -> None:
    outbox = Outbox()
    for _ in range(BYTES // 40):
        outbox.add(packed(b"x"))
    assert outbox.dropped > 0


def test_one_huge_item_goes_when_nothing_else_waits() -> None:
    outbox = Outbox()
    outbox.add(packed(bytes(BYTES + 1)))
    outbox.add(packed(b"x"))
    assert outbox.dropped == 1
    assert items_of(outbox.take_frames()) == [bytes(BYTES + 1)]


def test_the_prelude_is_asked_for_late_and_goes_first() -> None:
    outbox = Outbox()
    state = "old"
    outbox.prelude = lambda: [packed(state)]
    outbox.add(packed("message"))
    outbox.ask()
    state = "new"
    assert items_of(outbox.take_frames()) == ["new", "message"]
    outbox.add(packed("message"))
    assert items_of(outbox.take_frames()) == ["message"]


@pytest.mark.parametrize("act", [lambda outbox: outbox.add(b"\x00"), lambda outbox: outbox.ask()])
def test_the_connection_is_woken_once(act: Callable[[Outbox], None]) -> None:
    outbox = Outbox()
    woken: list[None] = []
    outbox.stir = lambda: woken.append(None)
    act(outbox)
    act(outbox)
    assert len(woken) == 1
    outbox.disconnect()
    outbox.take_frames()
    act(outbox)
    assert len(woken) == 1


def test_small_items_share_frames_however_many_have_left() -> None:
    outbox = Outbox()
    items = [bytes(1000)] * 200
    for item in items:
        outbox.add(packed(item))
    frames = outbox.take_frames()
    assert len(frames) == 4
    assert items_of(frames) == items
