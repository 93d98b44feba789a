"""What nodes tell each other, as bytes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.bus.frames import BrokenFrameError
from respcache.cluster.bus.outbox import frames_of
from respcache.cluster.pubsub.news import (
    Attention,
    Changed,
    Heard,
    Interest,
    Item,
    Message,
    ShardMessage,
    decode_news,
    encode_item,
)

ITEMS: list[Item] = [
    Message(b"c", b"m"),
    ShardMessage(b"c", b"\xff"),
    Interest(True, False, False, True, 3, {b"c": 1}, {b"p*": 2}, {b"s": 3}),
    Heard(3),
    Attention(1, True),
    Changed([b"k"]),
    Changed(None),
]


def test_what_is_told_is_what_is_read() -> None:
    [frame] = frames_of(9, [encode_item(item) for item in ITEMS])
    news = decode_news(frame)
    assert (news.generation, news.items) == (9, ITEMS)


@given(st.binary(max_size=60))
def test_garbage_is_a_broken_frame_and_nothing_else(garbage: bytes) -> None:
    try:
        decode_news(b"P" + garbage)
    except BrokenFrameError:
        pass


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: type(item).__name__)
def test_an_item_cut_anywhere_is_a_broken_frame(item: Item) -> None:
    [frame] = frames_of(1, [encode_item(item)])
    for end in range(1, len(frame)):
        with pytest.raises(BrokenFrameError):
            decode_news(frame[:end])


def test_an_unknown_kind_of_item_is_a_broken_frame() -> None:
    [frame] = frames_of(1, [msgspec.msgpack.encode([99, b"c"])])
    with pytest.raises(BrokenFrameError):
        decode_news(frame)
