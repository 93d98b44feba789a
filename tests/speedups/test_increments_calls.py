import pytest
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from .scenes import KEY, NO_NUMBERS, NUMBERS, call, like_their_handlers
from .twins import State, Twins

CALLS = st.one_of(
    call(b"INCR", KEY),
    call(b"DECR", KEY),
    call(b"INCRBY", KEY, NUMBERS | NO_NUMBERS),
    call(b"DECRBY", KEY, NUMBERS | NO_NUMBERS),
)

HERE = {
    b"n": State(b"41"),
    b"most": State(b"9223372036854775807"),
    b"least": State(b"-9223372036854775808"),
    b"word": State(b"one"),
    b"h": State({b"f": b"v"}),
    b"old": State(b"1", life_ms=0),
    b"dying": State(b"99", life_ms=1_500),
}


test_they_do_what_their_handlers_do_or_nothing = like_their_handlers(CALLS)


@every_row(
    ("line", "sum_"),
    [
        ("INCR n", 42),
        ("DECR n", 40),
        ("INCRBY n -50", -9),
        ("DECRBY n -1", 42),
        ("INCR none", 1),
        ("DECR none", -1),
        ("INCR least", -(2**63) + 1),
        ("DECR most", 2**63 - 2),
        ("INCR dying", 100),
        ("DECRBY none 9223372036854775807", -(2**63) + 1),
    ],
)
def test_a_sum_is_answered(line: str, sum_: int) -> None:
    assert Twins(HERE).call(line.encode().split()) == b":%d\r\n" % sum_


@pytest.mark.parametrize(
    "line",
    [
        "INCR most",
        "DECR least",
        "INCR word",
        "INCR h",
        "INCR old",
        "INCRBY n x",
        "DECRBY n -9223372036854775808",
    ],
)
def test_what_is_no_integer_or_too_much_is_left_to_the_handler(line: str) -> None:
    assert Twins(HERE).call(line.encode().split()) is None


def test_a_counter_grows_beyond_its_first_room() -> None:
    twins = Twins()
    for _ in range(20):
        assert twins.call([b"INCRBY", b"n", b"444444444444444444"]) is not None
