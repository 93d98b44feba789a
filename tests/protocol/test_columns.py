"""Reading alike requests by columns: what comes out is what the strict parser gives, or nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.protocol.columns import SHORT_WORD_BYTES, beginning_of, read_columns
from respcache.protocol.limits import Limits
from respcache.protocol.strict import StrictParser
from tests.protocol import streams
from tests.protocol.streams import ODD, Commands, request

GET = beginning_of(b"GET", 2)
SET = beginning_of(b"SET", 3)


def commands_of(name: bytes, columns: list[list[bytes]]) -> Commands:
    return [[name, *words] for words in zip(*columns, strict=True)]


def strictly(data: bytes) -> Commands:
    return StrictParser(Limits()).feed(data)


# What may confuse it: its own mark, the beginning within a value, headers as values.
words = st.one_of(
    streams.values,
    st.sampled_from([b"\0", b"\x004", b"GET", b"$3", b"*2", GET, SET, b"ab" + GET + b"c", b"\r\n" + GET]),
)
gets = words.map(lambda key: request(b"GET", key))
pieces = st.one_of(
    gets,
    gets,
    st.sampled_from([GET, b"\x004\r\nabcd\r\n", b"\x0016\r\nab", *ODD]),
    st.lists(words, min_size=1, max_size=4).map(lambda each: request(*each)),
)


@given(
    st.lists(gets, min_size=2).map(b"".join), st.lists(pieces, max_size=3).map(b"".join), st.integers(0, 40)
)
@example(request(b"GET", b"a") * 2, b"\x004\r\nab" + GET + b"c\r\n", 0)
@example(request(b"GET", b"a") + b"\x006\r\nab" + GET + b"1\r\nc\r\n", b"", 0)
@example(request(b"GET", b"ab" + GET + b"c") * 2, b"", 0)
@example(request(b"GET", b"a") * 2, GET + b"1\r\n" + GET + b"\r\n", 0)
@example(request(b"GET", b"a") * 2 + request(b"\0", b"GET"), b"", 0)
def test_what_comes_out_is_what_the_strict_parser_gives(alike: bytes, others: bytes, cut_bytes: int) -> None:
    data = (alike + others)[: len(alike + others) - cut_bytes]
    found = read_columns(data, GET, 2)
    if found is not None:
        columns, rest = found
        assert data.endswith(rest)
        assert commands_of(b"GET", columns) == strictly(data[: len(data) - len(rest)])


@pytest.mark.parametrize("count", [2, 3, 64, 500])
@pytest.mark.parametrize("cut_bytes", [0, 1, 2, 9, 30])
def test_a_pipeline_is_read_but_for_the_request_that_is_cut(count: int, cut_bytes: int) -> None:
    whole = [[b"SET", b"key:%04d" % number, b"v" * (number % 90)] for number in range(count)]
    begun = request(b"SET", b"last", b"x" * 30)
    data = b"".join(request(*each) for each in whole) + begun[: len(begun) - cut_bytes]
    found = read_columns(data, SET, 3)
    assert found is not None
    columns, rest = found
    assert commands_of(b"SET", columns)[:count] == whole
    assert (len(columns[0]), rest) == ((count, begun[:-cut_bytes]) if cut_bytes else (count + 1, b""))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        request(b"GET", b"a"),
        request(b"GET", b"a") + request(b"get", b"a"),
        request(b"GET", b"a") + request(b"SET", b"a", b"b") + request(b"GET", b"a"),
        request(b"GET", b"a", b"b") * 2,
        request(b"GET", b"x" * SHORT_WORD_BYTES) * 2,
        request(b"GET", b"a\r\nb") * 2,
        request(b"GET", b"\0") * 2,
        request(b"GET", b"a") + GET + b"3\r\nb" + GET + b"c\r\n",
        request(b"GET", b"a") + b"*2\r\n$3\r\nGET\r\n$2\r\na\r\n" * 2,
        request(b"GET", b"a") + b"*2\r\n$3\r\nGET\r\n$01\r\na\r\n" * 2,
    ],
)
def test_anything_else_is_left_alone(data: bytes) -> None:
    assert read_columns(data, GET, 2) is None


def test_a_value_that_looks_like_a_request_is_a_value() -> None:
    value = b"$3"
    assert read_columns(request(b"SET", b"k", value) * 3, SET, 3) == ([[b"k"] * 3, [value] * 3], b"")
