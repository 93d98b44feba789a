import pytest
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from .scenes import KEY, NUMBERS, TEXTS, TIMES, call, in_any_spelling, like_their_handlers, pairs, several
from .twins import State, Twins

OPTION = (
    in_any_spelling(b"NX", b"XX", b"GET", b"KEEPTTL", b"EX", b"PX", b"EXAT", b"PXAT")
    | TIMES
    | st.just(b"NOPE")
)
TIMED = st.tuples(in_any_spelling(b"EX", b"PX", b"EXAT", b"PXAT"), TIMES).map(list)
OPTIONS = (
    several(OPTION, 0) | TIMED | st.tuples(TIMED, several(OPTION, 0)).map(lambda parts: parts[0] + parts[1])
)

CALLS = st.one_of(
    call(b"GET", KEY),
    call(b"MGET", more=several(KEY)),
    call(b"STRLEN", KEY),
    call(b"SET", KEY, TEXTS | NUMBERS),
    call(b"SET", KEY, TEXTS, more=OPTIONS),
    call(b"SETEX", KEY, TIMES, TEXTS),
    call(b"PSETEX", KEY, TIMES, TEXTS),
    call(b"SETNX", KEY, TEXTS),
    call(b"GETSET", KEY, TEXTS),
    call(b"GETDEL", KEY),
    call(b"GETEX", KEY, more=several(OPTION, 0) | TIMED | st.just([b"PERSIST"])),
    call(b"MSET", more=pairs(KEY, TEXTS)),
    call(b"MSET", KEY, TEXTS, KEY),
)

HERE = {
    b"a": State(b"one"),
    b"b": State(b"x" * 20_000, 1_500),
    b"h": State({b"f": b"v"}),
    b"w": State(bytearray(b"w")),
}


test_they_do_what_their_handlers_do_or_nothing = like_their_handlers(CALLS)


@every_row(
    "line",
    [
        *("GET a", "GET b", "GET none", "MGET a b none h w a", "STRLEN b", "STRLEN none"),
        *(
            "SET a 1",
            "SET none 1",
            "SET h 1",
            "SET w 1",
            "SET a 1 EX 10",
            "SET a 1 px 10 nx",
            "SET b 1 xx get keepttl",
        ),
        *("SET none 1 PXAT 1800000000000", "SET b 1 EXAT 1800000000 GET", "SET none 1 XX", "SETEX a 10 1"),
        *(
            "PSETEX none 10 1",
            "SETNX a 1",
            "SETNX none 1",
            "GETSET a 1",
            "GETSET none 1",
            "GETDEL a",
            "GETDEL b",
        ),
        *(
            "GETDEL none",
            "GETEX a",
            "GETEX b persist",
            "GETEX a EX 9",
            "GETEX none PX 9",
            "MSET a 1 none 2",
            "MSET none 1 none 2 h 3",
        ),
    ],
)
def test_what_is_common_is_answered(line: str) -> None:
    assert Twins(HERE).call(line.encode().split()) is not None


@pytest.mark.parametrize("line", ["GET h", "GETSET h 1", "GETDEL h", "STRLEN h", "SET h 1 GET"])
def test_a_wrong_type_is_left_to_the_handler(line: str) -> None:
    assert Twins(HERE).call(line.encode().split()) is None


@every_row(
    "line",
    [
        *(
            "SET a 1 EX",
            "SET a 1 EX 0",
            "SET a 1 EX x",
            "SET a 1 NX XX",
            "SET a 1 EX 1 PX 1",
            "SET a 1 KEEPTTL EX 1",
        ),
        *(
            "SET a 1 EX 9223372036854775807",
            "SET a 1 TTL",
            "SETEX a 0 1",
            "GETEX a EX",
            "GETEX a EX x",
            "GETEX a NX",
            "GETEX a PERSIST 1",
            "SETEX a -1 1",
            "MSET a 1 b",
        ),
    ],
)
def test_an_error_is_left_to_the_handler(line: str) -> None:
    assert Twins(HERE).call(line.encode().split()) is None


@every_row(
    "line", ["GET k", "SET k 1", "SETNX k 1", "GETSET k 1", "GETDEL k", "GETEX k", "STRLEN k", "SET k 1 GET"]
)
def test_a_key_past_its_deadline_is_left_to_the_handler(line: str) -> None:
    assert Twins({b"k": State(b"v", life_ms=0)}).call(line.encode().split()) is None


def test_several_keys_past_their_deadline_die_where_the_handler_lets_them_die() -> None:
    twins = Twins({b"k": State(b"v", life_ms=0), b"l": State(b"v", life_ms=-1), b"m": State(b"v")})
    assert twins.call([b"MGET", b"m", b"k"]) == b"*2\r\n$1\r\nv\r\n$-1\r\n"
    assert twins.call([b"MSET", b"m", b"1", b"l", b"2"]) == b"+OK\r\n"


def test_a_long_value_that_is_replaced_was_answered_whole_before() -> None:
    assert Twins(HERE).call([b"GETSET", b"b", b"1"]) == b"$20000\r\n" + b"x" * 20_000 + b"\r\n"


@pytest.mark.parametrize("name", [b"SET", b"GETDEL", b"MSET", b"SETNX", b"SETEX", b"GETSET"])
def test_nothing_is_changed_while_somebody_watches(name: bytes) -> None:
    twins = Twins(HERE)
    for context in twins.contexts:
        context.db.journal.watch(0, b"other", context.client)
    words = {b"GETDEL": 2, b"SETEX": 4}.get(name, 3)
    assert twins.call([name, b"a", b"1", b"1"][:words]) is None


def test_a_renewed_bucket_is_the_one_that_the_handler_would_choose() -> None:
    twins = Twins({b"k": State(b"v", 100_000)})
    for life in (b"200", b"50", b"51", b"300"):
        assert twins.call([b"SET", b"k", b"v", b"EX", life]) == b"+OK\r\n"
