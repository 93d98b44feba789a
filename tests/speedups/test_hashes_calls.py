import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from tests.thoroughness import examples

from .scenes import (
    FIELDS,
    KEY,
    NO_NUMBERS,
    NUMBERS,
    PROTOCOLS,
    TEXTS,
    call,
    like_their_handlers,
    pairs,
    several,
)
from .twins import State, Twins


def calls_of(
    key: st.SearchStrategy[bytes], fields: st.SearchStrategy[bytes]
) -> st.SearchStrategy[list[bytes]]:
    """Return calls of all commands for hashes, with one word too few now and then."""
    return st.one_of(
        call(b"HGET", key, fields),
        call(b"HMGET", key, more=several(fields)),
        call(b"HGETALL", key),
        call(b"HKEYS", key),
        call(b"HVALS", key),
        call(b"HSETNX", key, fields, TEXTS),
        call(b"HLEN", key),
        call(b"HEXISTS", key, fields),
        call(b"HSTRLEN", key, fields),
        call(b"HSET", key, more=pairs(fields, TEXTS | NUMBERS)),
        call(b"HSET", key, fields, TEXTS, fields),
        call(b"HMSET", key, more=pairs(fields, TEXTS)),
        call(b"HDEL", key, more=several(fields)),
        call(b"HINCRBY", key, fields, NUMBERS | NO_NUMBERS),
    )


CALLS = calls_of(KEY, FIELDS)

HERE = {
    b"h": State({b"f": b"v", b"n": b"41", b"most": b"9223372036854775807"}),
    b"big": State({b"f": b"x" * 20_000, b"g": b"2"}, 1_500, walked=True),
    b"s": State(b"one"),
    b"old": State({b"f": b"v"}, life_ms=0),
}


test_they_do_what_their_handlers_do_or_nothing = like_their_handlers(CALLS)


LARGE = {b"%d" % number: b"%d" % number for number in range(600)} | {
    b"long": b"x" * 20_000,
    b"wide": b"y" * 300,
}
LARGE_FIELDS = st.sampled_from([b"0", b"1", b"598", b"599", b"long", b"wide", b"none", b"", b"l" * 80])
LARGE_CALLS = calls_of(st.just(b"large"), LARGE_FIELDS)


@settings(max_examples=examples(25, 100))
@given(st.lists(LARGE_CALLS, min_size=1, max_size=6), PROTOCOLS)
def test_they_do_the_same_with_a_large_hash(calls: list[list[bytes]], protocol: int) -> None:
    twins = Twins({b"large": State(LARGE)})
    for words in calls:
        twins.call(words, protocol)


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_large_hash_is_answered_whole_and_what_is_kept_of_it_outlives_it(protocol: int) -> None:
    twins = Twins({b"large": State(LARGE)})
    wire = twins.call([b"HGETALL", b"large"], protocol)
    assert wire is not None
    assert wire.startswith(b"%602\r\n" if protocol == 3 else b"*1204\r\n")
    assert twins.call([b"HGET", b"large", b"long"]) == b"$20000\r\n" + b"x" * 20_000 + b"\r\n"
    assert twins.call([b"HDEL", b"large", b"long", b"7"]) == b":2\r\n"
    assert twins.call([b"HGET", b"large", b"long"]) == b"$-1\r\n"
    assert twins.call([b"HLEN", b"large"]) == b":600\r\n"


@every_row(
    ("line", "answer"),
    [
        ("HGET h f", b"$1\r\nv\r\n"),
        ("HGET h none", b"$-1\r\n"),
        ("HGET none f", b"$-1\r\n"),
        ("HMGET h f none", b"*2\r\n$1\r\nv\r\n$-1\r\n"),
        ("HMGET none f", b"*1\r\n$-1\r\n"),
        ("HGETALL none", b"*0\r\n"),
        ("HKEYS big", b"*2\r\n$1\r\nf\r\n$1\r\ng\r\n"),
        ("HVALS none", b"*0\r\n"),
        ("HSETNX h f w", b":0\r\n"),
        ("HSETNX h new w", b":1\r\n"),
        ("HSETNX none f w", b":1\r\n"),
        ("HLEN h", b":3\r\n"),
        ("HEXISTS h f", b":1\r\n"),
        ("HSTRLEN big f", b":20000\r\n"),
        ("HSET h f w new 1", b":1\r\n"),
        ("HSET none f w", b":1\r\n"),
        ("HMSET big new w", b"+OK\r\n"),
        ("HDEL h f none", b":1\r\n"),
        ("HDEL big g", b":1\r\n"),
        ("HDEL none f", b":0\r\n"),
        ("HINCRBY h n 1", b":42\r\n"),
        ("HINCRBY none n -1", b":-1\r\n"),
    ],
)
def test_what_is_common_is_answered(line: str, answer: bytes) -> None:
    assert Twins(HERE).call(line.encode().split()) == answer


@every_row(
    "line",
    [
        *(
            "HGET s f",
            "HSET s f v",
            "HGET old f",
            "HSET old f v",
            "HSET h f v g",
            "HINCRBY h f 1",
            "HINCRBY h most 1",
        ),
        *("HINCRBY h n x", "HDEL big f g", "HDEL s f", "HLEN s", "HGETALL s"),
    ],
)
def test_errors_and_what_is_rare_are_left_to_the_handler(line: str) -> None:
    assert Twins(HERE).call(line.encode().split()) is None


def test_a_hash_of_512_fields_is_compact_and_one_more_ends_that() -> None:
    twins = Twins(HERE)
    words = [word for number in range(512) for word in (b"%d" % number, b"v")]
    assert twins.call([b"HSET", b"new", *words]) == b":512\r\n"
    assert twins.call([b"HSET", b"new", b"another", b"v"]) == b":1\r\n"
    assert twins.call([b"HSET", b"new", b"another", b"w", b"third", b"v"]) == b":1\r\n"
    assert twins.call([b"HDEL", b"new", b"0"]) == b":1\r\n"
    assert twins.call([b"HGETALL", b"new"]) is not None


def test_a_long_word_ends_the_compact_form_as_the_setting_says() -> None:
    twins = Twins({b"h": State({b"f": b"v"})}, hash_max_listpack_value="8")
    assert twins.call([b"HSET", b"h", b"f", b"12345678"]) == b":0\r\n"
    assert twins.call([b"HINCRBY", b"h", b"g", b"123456789"]) == b":123456789\r\n"
