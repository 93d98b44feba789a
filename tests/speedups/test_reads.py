import pytest

from respcache._speedups import IS_COMPILED
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from .twins import State, Twins

HERE = {
    b"a": State(b"one"),
    b"h": State({b"f": b"v"}),
    b"w": State(bytearray(b"wide")),
    b"old": State(b"1", life_ms=0),
}


@every_row("line", ["GET a", "MGET a old", "EXISTS a", "TTL a", "TOUCH a", "HGET h f", "HLEN h", "STRLEN a"])
def test_nothing_is_read_while_somebody_listens_to_reads(line: str) -> None:
    twins = Twins(HERE)
    for context in twins.contexts:
        context.db.journal.wants_reads = True
    assert twins.call(line.encode().split()) is None


@pytest.mark.parametrize(
    "line", ["GET a", "GET none", "MGET a none old", "EXISTS a a none", "HMGET h f g", "TOUCH a none"]
)
def test_hits_misses_and_uses_are_counted_as_the_handlers_count(line: str) -> None:
    twins = Twins(HERE)
    for _ in range(3):
        assert twins.call(line.encode().split()) is not None


def test_a_string_that_may_change_in_place_is_copied_into_the_answer() -> None:
    assert Twins(HERE).call([b"MGET", b"w"]) == b"*1\r\n$4\r\nwide\r\n"


def test_what_is_no_string_is_nothing_among_strings() -> None:
    assert Twins(HERE).call([b"MGET", b"h", b"a"], protocol=3) == b"*2\r\n_\r\n$3\r\none\r\n"
