import pytest
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from tests.commands.harness import START_MS

from .scenes import KEY, TIMES, call, in_any_spelling, like_their_handlers, several
from .twins import State, Twins

CONDITIONS = several(in_any_spelling(b"NX", b"XX", b"GT", b"LT") | st.sampled_from([b"NO", b""]), 0)

CALLS = st.one_of(
    [call(name, KEY, TIMES, more=CONDITIONS) for name in (b"EXPIRE", b"PEXPIRE", b"EXPIREAT", b"PEXPIREAT")]
    + [call(name, KEY) for name in (b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"PERSIST")]
)

HERE = {
    b"a": State(b"one"),
    b"b": State(b"x", 1_500),
    b"c": State(b"x", forgotten=True),
    b"h": State({b"f": b"v"}, 10_499),
    b"old": State(b"1", life_ms=0),
}


test_they_do_what_their_handlers_do_or_nothing = like_their_handlers(CALLS)


@every_row(
    ("line", "answer"),
    [
        ("EXPIRE a 10", 1),
        ("EXPIRE none 10", 0),
        ("PEXPIRE b 10 gt", 0),
        ("EXPIRE b 10 XX GT", 1),
        ("EXPIRE c 10 NX", 1),
        ("EXPIRE a 10 GT", 0),
        ("EXPIRE a 10 LT", 1),
        ("EXPIRE a -1", 1),
        ("EXPIREAT h 1", 1),
        ("PEXPIREAT b 1800000000000", 1),
        ("PERSIST a", 0),
        ("PERSIST b", 1),
        ("PERSIST none", 0),
        ("TTL a", -1),
        ("TTL none", -2),
        ("TTL b", 2),
        ("TTL h", 10),
        ("PTTL b", 1_500),
        ("EXPIRETIME h", (START_MS + 10_499 + 500) // 1000),
        ("PEXPIRETIME b", START_MS + 1_500),
    ],
)
def test_what_is_common_is_answered(line: str, answer: int) -> None:
    assert Twins(HERE).call(line.encode().split()) == b":%d\r\n" % answer


@every_row(
    "line",
    [
        "EXPIRE a x",
        "EXPIRE a 9223372036854775",
        "PEXPIRE a 9223372036854775807",
        "EXPIRE a 10 NX XX",
        "EXPIRE a 10 GT LT",
        "EXPIRE a 10 NO",
        "TTL old",
        "EXPIRE old 10",
        "PERSIST old",
    ],
)
def test_errors_and_keys_past_their_deadline_are_left_to_the_handler(line: str) -> None:
    assert Twins(HERE).call(line.encode().split()) is None


def test_the_longest_life_has_its_answer() -> None:
    twins = Twins(HERE)
    assert twins.call([b"PEXPIREAT", b"a", b"9223372036854775807"]) == b":1\r\n"
    assert twins.call([b"EXPIRETIME", b"a"]) == b":%d\r\n" % ((2**63 - 1 + 500) // 1000)


def test_a_life_that_is_renewed_keeps_its_bucket_and_one_that_is_cut_changes_it() -> None:
    twins = Twins(HERE)
    for life in (b"100", b"200", b"1", b"50", b"86400"):
        assert twins.call([b"EXPIRE", b"a", life]) == b":1\r\n"
