"""Replies on the wire: each class under both versions, all of them together, and as redis-server writes them.

Every test meets the plain encoder, and the compiled one where there is one.
"""

import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import hiredis
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from respcache.protocol import encoder
from respcache.protocol.encoder import PLAIN_ENCODERS, encode_plainly, encode_strings, format_double
from respcache.protocol.replies import (
    NO_REPLY,
    NULL_ARRAY,
    OK,
    BigNumber,
    ErrorReply,
    NullArray,
    Pairs,
    Push,
    Raw,
    Reply,
    Several,
    SimpleString,
    Unordered,
    Verbatim,
)
from tests.conftest import StartServer
from tests.rows import every_row
from tests.servers import Server
from tests.thoroughness import examples

Encode = Callable[[Reply, int], bytes]

WAYS = {"plain": (encode_plainly, PLAIN_ENCODERS), "best": (encoder.encode, encoder.ENCODERS)}
if encoder.encode is encode_plainly:
    del WAYS["best"]


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def encode(way: str) -> Encode:
    return WAYS[way][0]


@pytest.fixture(scope="module")
def encoders(way: str) -> dict[int, dict[type, encoder.Encoder]]:
    return WAYS[way][1]


DEEP = 5000
"""Five times Python's recursion limit."""

HUGE_NUMBER = 1234567999999999999999999999999999999

# Reply, RESP2, RESP3.
WIRE: list[tuple[Reply, bytes, bytes]] = [
    (b"", b"$0\r\n\r\n", b"$0\r\n\r\n"),
    (b"a\r\nb\0", b"$5\r\na\r\nb\0\r\n", b"$5\r\na\r\nb\0\r\n"),
    (bytearray(b"ab"), b"$2\r\nab\r\n", b"$2\r\nab\r\n"),
    ("\u00e9\udcff", b"$3\r\n\xc3\xa9\xff\r\n", b"$3\r\n\xc3\xa9\xff\r\n"),
    (0, b":0\r\n", b":0\r\n"),
    (-17, b":-17\r\n", b":-17\r\n"),
    (1024, b":1024\r\n", b":1024\r\n"),
    (-(2**63), b":-9223372036854775808\r\n", b":-9223372036854775808\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (3.141, b"$5\r\n3.141\r\n", b",3.141\r\n"),
    (math.inf, b"$3\r\ninf\r\n", b",inf\r\n"),
    (None, b"$-1\r\n", b"_\r\n"),
    ([], b"*0\r\n", b"*0\r\n"),
    ([b"a", None, 1], b"*3\r\n$1\r\na\r\n$-1\r\n:1\r\n", b"*3\r\n$1\r\na\r\n_\r\n:1\r\n"),
    ((True, (2,)), b"*2\r\n:1\r\n*1\r\n:2\r\n", b"*2\r\n#t\r\n*1\r\n:2\r\n"),
    ({}, b"*0\r\n", b"%0\r\n"),
    ({b"a": 1, b"b": [2]}, b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*1\r\n:2\r\n", b"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*1\r\n:2\r\n"),
    (SimpleString("PONG"), b"+PONG\r\n", b"+PONG\r\n"),
    (ErrorReply("ERR", "no"), b"-ERR no\r\n", b"-ERR no\r\n"),
    (Verbatim(b"a\nb"), b"$3\r\na\nb\r\n", b"=7\r\ntxt:a\nb\r\n"),
    (Verbatim(b"# a", "mkd"), b"$3\r\n# a\r\n", b"=7\r\nmkd:# a\r\n"),
    (BigNumber(HUGE_NUMBER), b"$37\r\n%d\r\n" % HUGE_NUMBER, b"(%d\r\n" % HUGE_NUMBER),
    (Unordered([1, b"a"]), b"*2\r\n:1\r\n$1\r\na\r\n", b"~2\r\n:1\r\n$1\r\na\r\n"),
    (Push([b"message", 1]), b"*2\r\n$7\r\nmessage\r\n:1\r\n", b">2\r\n$7\r\nmessage\r\n:1\r\n"),
    (Pairs([([1], 2), (None, True)]), b"*4\r\n*1\r\n:1\r\n:2\r\n$-1\r\n:1\r\n", b"%2\r\n*1\r\n:1\r\n:2\r\n_\r\n#t\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (Several([Push([1]), 2]), b"*1\r\n:1\r\n:2\r\n", b">1\r\n:1\r\n:2\r\n"),
    (Several([]), b"", b""),
    (Raw(b"|1\r\n+a\r\n:1\r\n:2\r\n"), b"|1\r\n+a\r\n:1\r\n:2\r\n", b"|1\r\n+a\r\n:1\r\n:2\r\n"),
    (NO_REPLY, b"", b""),
]  # fmt: skip


@every_row(("reply", "resp2", "resp3"), WIRE)
def test_every_reply_has_one_form_for_each_version(
    encode: Encode, reply: Reply, resp2: bytes, resp3: bytes
) -> None:
    assert encode(reply, 2) == resp2
    assert encode(reply, 3) == resp3


@pytest.mark.parametrize("version", [2, 3])
def test_the_table_above_has_every_class_of_reply(
    encoders: dict[int, dict[type, encoder.Encoder]], version: int
) -> None:
    assert set(encoders[version]) == {reply.__class__ for reply, _, _ in WIRE}


@pytest.mark.parametrize("version", [2, 3])
def test_the_encoder_of_a_class_is_what_encode_uses(
    encode: Encode, encoders: dict[int, dict[type, encoder.Encoder]], version: int
) -> None:
    for reply, *_ in WIRE:
        assert encoders[version][reply.__class__](reply) == encode(reply, version)


@every_row("size", [*range(-20, 20), 1023, 1024, 1025, 10**6])
def test_small_integers_and_headers_are_no_exception(encode: Encode, size: int) -> None:
    assert encode(size, 3) == b":%d\r\n" % size
    text = b"x" * size
    assert encode([text], 2) == b"*1\r\n" + encode(text, 2) == b"*1\r\n$%d\r\n%b\r\n" % (len(text), text)


# -- all of them together -------------------------------------------------------

lines = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
big_numbers = st.integers(-(10**40), 10**40).map(BigNumber)
flat: st.SearchStrategy[Any] = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=40).map(bytearray),
    st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace").decode()),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    st.none(),
    lines.map(SimpleString),
    st.builds(ErrorReply, st.just("ERR"), lines),
    st.builds(Verbatim, st.binary(max_size=40), st.sampled_from(["txt", "mkd"])),
    big_numbers,
    st.just(NULL_ARRAY),
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, max_size=4)
    keys = st.binary(max_size=5)
    return st.one_of(
        some,
        some.map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        some.map(Unordered),
        some.map(Push),
        st.dictionaries(keys, inner, max_size=4).map(lambda pairs: Pairs(list(pairs.items()))),
    )


replies: st.SearchStrategy[Any] = st.recursive(flat, nested, max_leaves=25)


def read_back(wire: bytes) -> list[Any]:
    """Return what a client's parser makes of it; an error as its text."""
    unfinished = object()
    as_text: Any = (
        str.encode
    )  # Any: hiredis wants an exception, but takes anything, and texts can be compared
    reader = hiredis.Reader(replyError=as_text, notEnoughData=unfinished)
    reader.feed(wire)
    return list(iter(reader.gets, unfinished))


def understood(reply: Any, version: int) -> Any:  # noqa: C901, PLR0911, PLR0912  # a line for each class
    """Return what a client should make of a reply."""
    match reply:
        case bool():
            return reply if version == 3 else int(reply)
        case float():
            return reply if version == 3 else format_double(reply)
        case BigNumber():
            return b"%d" % reply.value
        case str():
            return reply.encode()
        case bytearray():
            return bytes(reply)
        case SimpleString():
            return reply.text.encode()
        case ErrorReply():
            return f"{reply.code} {reply.message}".encode()
        case Verbatim():
            return reply.text
        case NullArray():
            return None
        case list() | tuple():
            return [understood(item, version) for item in reply]
        case Unordered() | Push():
            return understood(reply.items, version)
        case Pairs():
            return understood(dict(reply.items), version)
        case dict() if version == 3:
            return {key: understood(value, version) for key, value in reply.items()}
        case dict():
            return [understood(part, version) for pair in reply.items() for part in pair]
    return reply


@settings(max_examples=examples(50, 200))
@given(replies, st.sampled_from([2, 3]))
def test_a_client_reads_what_was_meant(encode: Encode, reply: Any, version: int) -> None:
    assert read_back(encode(reply, version)) == [understood(reply, version)]


@settings(max_examples=examples(50, 200))
@given(st.lists(replies, max_size=4), st.sampled_from([2, 3]))
def test_several_replies_are_told_apart(encode: Encode, several: list[Any], version: int) -> None:
    expected = [understood(reply, version) for reply in several]
    assert read_back(encode(Several([*several, NO_REPLY]), version)) == expected


@given(st.text(), st.text())
@example("ERR", "no such key '\r\n+OK\r\n'")
def test_no_text_ends_its_reply_early(encode: Encode, code: str, message: str) -> None:
    texts = [
        text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") for text in (code, message)
    ]
    several: list[Reply] = [ErrorReply(*texts), SimpleString(texts[1]), b"last"]
    assert [len(read_back(encode(reply, 3))) for reply in several] == [1, 1, 1]
    assert read_back(encode(several, 3))[0][2] == b"last"


# -- cost -------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
def test_a_deep_reply_is_a_reply(encode: Encode, version: int) -> None:
    reply: Reply = b"x"
    for _ in range(DEEP):
        reply = [Unordered((1, reply)), Pairs([(2, None)])]
    wire = encode(reply, version)
    assert wire.count(b"*2\r\n" if version == 2 else b"~2\r\n") >= DEEP
    assert wire.count(b"$1\r\nx\r\n") == 1


def test_a_long_value_is_copied_once_however_deep_it_lies(encode: Encode) -> None:
    value = b"x" * 10_000_000
    reply: Reply = value
    for _ in range(20):
        reply = [reply]
    tracemalloc.start()
    try:
        encode(reply, 2)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1.1 * len(value)


def test_only_replies_are_encoded(encode: Encode) -> None:
    with pytest.raises(KeyError):
        encode({1, 2}, 3)  # type: ignore[arg-type]  # Unordered is meant: a set has no order to repeat


# -- as redis-server ----------------------------------------------------------------

DEBUG_PROTOCOL: dict[str, Reply] = {
    "string": b"Hello World",
    "integer": 12345,
    "double": 3.141,
    "null": None,
    "array": [0, 1, 2],
    "set": Unordered([0, 1, 2]),
    "map": Pairs([(0, False), (1, True), (2, False)]),
    "verbatim": Verbatim(b"This is a verbatim\nstring"),
    "bignum": BigNumber(HUGE_NUMBER),
    "true": True,
    "false": False,
}


@pytest.mark.redis
def test_each_type_is_written_as_redis_writes_it(encode: Encode, start_redis: StartServer) -> None:
    server = start_redis("--enable-debug-command", "yes")
    for version in (2, 3):
        with server.client(protocol=version) as client:
            written = {kind: client.call("DEBUG", "PROTOCOL", kind) for kind in DEBUG_PROTOCOL}
        assert {kind: encode(reply, version) for kind, reply in DEBUG_PROTOCOL.items()} == written


@pytest.mark.redis
def test_a_status_an_error_and_no_array_are_written_as_redis_writes_them(
    encode: Encode, redis_server: Server
) -> None:
    with redis_server.client() as client, redis_server.client() as other:
        assert client.call("SET", "k", "v") == encode(OK, 2)
        assert client.call("INCR", "k") == encode(
            ErrorReply("ERR", "value is not an integer or out of range"), 2
        )
        client.call("WATCH", "k")
        other.call("SET", "k", "w")
        client.call("MULTI")
        assert client.call("EXEC") == encode(NULL_ARRAY, 2)


def redis_double(server: Server, number: float, version: int) -> bytes:
    with server.client(protocol=version) as client:
        return bytes(client.call("EVAL", "return {double=tonumber(ARGV[1])}", "0", repr(number)))


@pytest.mark.redis
@given(number=st.floats(allow_nan=False), version=st.sampled_from([2, 3]))
@example(0.1, 3)
@example(-0.0, 3)
@example(1e15, 3)
@example(99999999999999984.0, 3)
@example(1e17, 3)
@example(1e-4, 3)
@example(1e-5, 3)
@example(5e-324, 3)
@example(1.7976931348623157e308, 3)
@example(-math.inf, 3)
@example(math.inf, 2)
def test_doubles_are_formatted_as_redis_formats_them(
    encode: Encode, redis_server: Server, number: float, version: int
) -> None:
    assert encode(number, version) == redis_double(redis_server, number, version)


@pytest.mark.redis
def test_a_score_is_formatted_as_redis_formats_it(encode: Encode, redis_server: Server) -> None:
    with redis_server.client(protocol=3) as client:
        for number in (1.5, 3.0, 3.14, 1e20, -1e-7):
            client.call("ZADD", "scores", repr(number), "a")
            assert client.call("ZSCORE", "scores", "a") == encode(number, 3)


@pytest.mark.parametrize("protocol", [2, 3])
@given(st.lists(st.one_of(st.none(), st.binary(max_size=9), st.sampled_from([b"x" * 1023, b"x" * 1024]))))
def test_strings_in_a_row_are_encoded_as_each_of_them(protocol: int, strings: list[bytes | None]) -> None:
    assert encode_strings(strings, protocol) == b"".join(encode_plainly(each, protocol) for each in strings)


@pytest.mark.parametrize("other", [7, [b"a"], {b"a": b"b"}])
def test_what_is_no_string_in_a_row_is_not_encoded(other: object) -> None:
    assert encode_strings([b"a", other], 2) is None
    assert encode_strings([b"a", other, None], 2) is None
