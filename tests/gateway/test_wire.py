import math
from typing import Any

import msgspec
import pytest

from respcache.gateway.messages import HttpError
from respcache.gateway.wire import as_json, fine, plain, plain_of_wire, words_of
from respcache.protocol.encoder import encode
from respcache.protocol.replies import (
    OK,
    BigNumber,
    ErrorReply,
    NullArray,
    Pairs,
    Push,
    Reply,
    SimpleString,
    Unordered,
    Verbatim,
)
from tests.rows import every_row

REPLIES: list[tuple[Reply, Any]] = [
    (b"\xff", b"\xff"),
    (bytearray(b"x"), b"x"),
    (7, 7),
    (1.5, 1.5),
    (True, True),
    (None, None),
    (NullArray(), None),
    ([b"a", [1, None], {b"k": 2}], [b"a", [1, None], {b"k": 2}]),
    ({b"a": 1}, {b"a": 1}),
    (BigNumber(10**30), b"1" + b"0" * 30),
]


@every_row(("reply", "expected"), REPLIES)
def test_a_reply_is_the_same_value_whichever_node_has_given_it(reply: Reply, expected: Any) -> None:
    assert plain(reply) == expected
    assert plain_of_wire(encode(reply, 3)) == expected


@pytest.mark.parametrize(
    "reply",
    [OK, SimpleString("QUEUED"), Verbatim(b"text"), Unordered([b"a"]), Pairs([(b"a", 1)]), Push([b"x"])],
)
def test_replies_of_every_class_can_be_json(reply: Reply) -> None:
    assert msgspec.json.encode(as_json(plain(reply)))


def test_an_error_of_another_node_is_an_error() -> None:
    found = plain_of_wire(b"-WRONGTYPE no\r\n")
    assert isinstance(found, ErrorReply)
    assert (found.code, found.message) == ("WRONGTYPE", "no")


@pytest.mark.parametrize(
    ("code", "status"), [("ERR", 400), ("OOM", 507), ("TRYAGAIN", 503), ("LOADFAILED", 502)]
)
def test_an_error_has_a_status(code: str, status: int) -> None:
    with pytest.raises(HttpError) as refused:
        fine(ErrorReply(code, "text"))
    assert refused.value.status == status
    assert refused.value.detail == f"{code} text"
    assert (refused.value.headers is not None) == (status == 503)


def test_bytes_that_are_no_text_are_base64_in_json() -> None:
    assert msgspec.json.encode(as_json([b"a", b"\xff"])) == b'["a",{"base64":"/w=="}]'
    assert as_json({b"\xff": 1}) == {"\\xff": 1}
    assert as_json(math.inf) == "inf"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("é", "é".encode()),
        (1, b"1"),
        (1.5, b"1.5"),
        (True, b"1"),
        (False, b"0"),
        ({"base64": "/w=="}, b"\xff"),
    ],
)
def test_a_word_of_a_command_may_be_told_in_several_ways(value: object, word: bytes) -> None:
    assert words_of(value) == word


@pytest.mark.parametrize("value", [None, [], {}, {"base64": "?"}, {"base64": 1}, {"base64": "", "x": 1}])
def test_other_words_are_refused(value: object) -> None:
    with pytest.raises(HttpError):
        words_of(value)


def test_what_is_told_can_be_sent_back() -> None:
    for word in (b"a", b"\xff\x00", b""):
        assert words_of(msgspec.json.decode(msgspec.json.encode(as_json(word)))) == word
