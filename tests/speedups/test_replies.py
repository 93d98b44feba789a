"""The compiled encoder against the plain one; ``tests/protocol/test_encoder.py`` holds both against Redis."""

import socket
import sys
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.protocol import replies as classes
from respcache.protocol.encoder import PLAIN_ENCODERS, encode_plainly
from respcache.protocol.replies import (
    NO_REPLY,
    OK,
    BigNumber,
    ErrorReply,
    Pairs,
    Push,
    Raw,
    Several,
    SimpleString,
    Unordered,
    Verbatim,
)
from tests.protocol.test_encoder import WIRE
from tests.protocol.test_encoder import replies as short_replies
from tests.rows import every_row

if TYPE_CHECKING:
    from respcache._speedups.replies import Output, best_encoders
else:
    compiled = pytest.importorskip("respcache._speedups.replies")
    Output, best_encoders = compiled.Output, compiled.best_encoders

encode, ENCODERS = best_encoders(encode_plainly, PLAIN_ENCODERS, OK, vars(classes))

LONG_BYTES = 16 * 1024
"""Values from here on are kept instead of copied."""

DEEP = 200_000
"""Deeper than any C stack that is used once for each level."""

ALL_REPLIES = [reply for reply, *_ in WIRE]

long_texts = st.builds(
    lambda size, byte: bytes([byte]) * size, st.integers(LONG_BYTES - 2, LONG_BYTES + 2), st.integers(0, 255)
)
long_leaves: st.SearchStrategy[Any] = st.one_of(
    long_texts,
    long_texts.map(bytearray),
    long_texts.map(Raw),
    long_texts.map(Verbatim),
    long_texts.map(lambda text: text.decode("utf-8", "surrogateescape")),
    st.sampled_from(ALL_REPLIES),
)
replies = st.one_of(
    short_replies, long_leaves, st.lists(long_leaves, max_size=5), st.lists(short_replies).map(Several)
)
protocols = st.sampled_from([2, 3])


def written(several: list[Any], protocol: int) -> list[bytes]:
    out = Output()
    for reply in several:
        out.reply(reply, protocol)
    return out.take()


@given(replies, protocols)
def test_both_encoders_write_the_same(reply: Any, protocol: int) -> None:
    assert encode(reply, protocol) == encode_plainly(reply, protocol)


@given(st.lists(replies, max_size=6), protocols)
def test_replies_stand_one_after_another(several: list[Any], protocol: int) -> None:
    expected = b"".join(encode_plainly(reply, protocol) for reply in several)
    assert b"".join(written(several, protocol)) == expected


@given(st.integers(), protocols)
@example(2**63 - 1, 2)
@example(-(2**63), 2)
@example(2**63, 2)
@example(10**19, 3)
@example(-(10**18), 3)
def test_integers_of_any_size_are_written_as_by_the_plain_encoder(number: int, protocol: int) -> None:
    assert encode(number, protocol) == b":%d\r\n" % number
    assert b"".join(written([number, BigNumber(number)], protocol)) == encode_plainly(
        Several([number, BigNumber(number)]), protocol
    )


@given(st.floats(), protocols)
def test_doubles_are_written_as_by_the_plain_encoder(number: float, protocol: int) -> None:
    assert encode(number, protocol) == encode_plainly(number, protocol)


@every_row("protocol", [2, 3])
@every_row(
    "reply",
    [
        Unordered({1: 2, 3: 4}),  # type: ignore[arg-type]  # a dict's items are its keys
        Unordered({b"only"}),  # type: ignore[arg-type]
        Push(range(300)),
        Unordered(deque([b"a", [b"b"]])),
        Pairs([[1, 2], deque((3, 4)), b"\x05\x06"]),  # type: ignore[list-item]
        Pairs({(1, 2): None}),  # type: ignore[arg-type]
        Several((OK, Several([Several([])]), NO_REPLY)),
        {b"a": {b"b": {b"c": {}}}, "d": ({b"e": []},)},
        [[[], ()], [[[]]], ((), [()])],
    ],
    called=lambda reply: type(reply).__name__,
)  # fmt: skip
def test_whatever_can_be_walked_is_written_as_by_the_plain_encoder(reply: Any, protocol: int) -> None:
    assert encode(reply, protocol) == encode_plainly(reply, protocol)


NO_REPLIES: list[Any] = [
    {1, 2},
    object(),
    OrderedDict(),
    type("Text", (bytes,), {})(b"x"),
    ErrorReply,
    Verbatim("x"),  # type: ignore[arg-type]
    BigNumber("x"),  # type: ignore[arg-type]
    Raw("x"),  # type: ignore[arg-type]
    Raw(None),  # type: ignore[arg-type]
    Unordered(1),  # type: ignore[arg-type]
    Unordered(iter([1])),  # type: ignore[arg-type]
    Pairs([1]),  # type: ignore[list-item]
    Several(None),  # type: ignore[arg-type]
    "\ud800",
]


@every_row("protocol", [2, 3])
@every_row("value", NO_REPLIES, called=lambda value: type(value).__name__)
def test_what_is_no_reply_raises_and_leaves_nothing_behind(value: Any, protocol: int) -> None:
    kept = b"k" * LONG_BYTES
    count = sys.getrefcount(kept)
    for reply in (value, [b"before", kept, {b"key": [kept, value]}, kept]):
        out = Output()
        out.reply([1, kept], protocol)
        with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
            out.reply(reply, protocol)
        assert b"".join(out.take()) == b"*2\r\n:1\r\n$%d\r\n%b\r\n" % (len(kept), kept)
        with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
            encode(reply, protocol)
    del out, reply
    assert sys.getrefcount(kept) == count
    assert encode([1], protocol) == b"*1\r\n:1\r\n"


@pytest.mark.parametrize("value", [{1, 2}, object(), OrderedDict()])
def test_a_class_that_is_none_of_ours_is_the_same_error_as_plainly(value: Any) -> None:
    with pytest.raises(KeyError):
        encode(value, 3)
    with pytest.raises(KeyError):
        encode([value], 3)


@pytest.mark.parametrize("version", [0, 1, 4, -1])
def test_there_are_two_versions(version: int) -> None:
    with pytest.raises(KeyError):
        encode(b"x", version)


def test_no_reply_is_too_deep() -> None:
    reply: Any = b"x"
    for level in range(DEEP):
        reply = (reply,) if level % 2 else Unordered([reply])
    assert encode(reply, 3).startswith(b"*1\r\n~1\r\n*1\r\n")
    assert len(encode(reply, 3)) == 4 * DEEP + len(b"$1\r\nx\r\n")


def test_a_dict_that_changes_while_it_is_walked_is_an_error() -> None:
    growing: dict[bytes, Any] = {}

    class Items(list[Any]):
        def __iter__(self) -> Any:
            growing[b"more"] = 1
            return super().__iter__()

    growing.update({b"a": Unordered(Items()), b"b": 2})
    with pytest.raises(RuntimeError):
        encode(growing, 3)
    del growing[b"more"]
    with pytest.raises(RuntimeError):
        encode_plainly(growing, 3)


def test_a_list_that_changes_while_it_is_walked_is_read_to_its_end() -> None:
    shrinking: list[Any] = []

    class Items(list[Any]):
        def __iter__(self) -> Any:
            del shrinking[1:]
            return super().__iter__()

    shrinking.extend([Unordered(Items([1])), b"gone", b"gone"])
    assert encode(shrinking, 3) == b"*3\r\n~1\r\n:1\r\n"


def test_encoding_while_encoding_mixes_nothing_up() -> None:
    class Items(list[Any]):
        def __iter__(self) -> Any:
            assert encode([1, [b"within"]], 2) == b"*2\r\n:1\r\n*1\r\n$6\r\nwithin\r\n"
            return super().__iter__()

    assert (
        encode([b"around", Push(Items([1])), b"it"], 3) == b"*3\r\n$6\r\naround\r\n>1\r\n:1\r\n$2\r\nit\r\n"
    )


@pytest.mark.parametrize("size", [LONG_BYTES, LONG_BYTES + 1, 1 << 20])
def test_a_long_value_is_kept_and_a_changing_one_is_not(size: int) -> None:
    value, changing = b"v" * size, bytearray(b"c" * size)
    out = Output()
    out.reply([value, changing], 2)
    changing[:] = b"other"
    parts = out.take()
    assert parts[1] is value
    assert parts[3] == b"c" * size
    out.bulk_object(value)
    assert out.take()[1] is value


def test_a_value_that_is_not_long_is_copied() -> None:
    value = b"v" * (LONG_BYTES - 1)
    count = sys.getrefcount(value)
    out = Output()
    out.bulk_object(value)
    assert sys.getrefcount(value) == count
    assert out.take() == [b"$16383\r\n" + value + b"\r\n"]


def test_an_ok_that_is_not_the_usual_one_is_written_as_it_says() -> None:
    assert written([OK, SimpleString("OK"), SimpleString("FINE")], 2) == [b"+OK\r\n+OK\r\n+FINE\r\n"]


def test_references_are_returned() -> None:
    leaf = object()
    reply: list[Any] = [b"x", (leaf,), {b"k": leaf}, Pairs([(leaf, 1)]), Unordered([leaf])]  # type: ignore[list-item]
    count = sys.getrefcount(leaf)
    for _ in range(10):
        for item in reply[1:]:
            with pytest.raises(KeyError):
                encode([b"x", item], 3)
    assert sys.getrefcount(leaf) == count


def test_a_reply_is_sent_from_where_it_was_written() -> None:
    out = Output()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        out.reply([b"a", b"b" * LONG_BYTES, None], 3)
        assert out.send(ours.fileno()) == len(encode([b"a", b"b" * LONG_BYTES, None], 3))
        assert (out.total, out.send(ours.fileno())) == (0, 0)
        assert theirs.recv(1 << 20) == encode([b"a", b"b" * LONG_BYTES, None], 3)
