import pytest
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from .scenes import KEY, call, like_their_handlers, several
from .twins import State, Twins

CALLS = st.one_of(
    call(b"DEL", more=several(KEY)),
    call(b"UNLINK", more=several(KEY)),
    call(b"EXISTS", more=several(KEY)),
    call(b"TOUCH", more=several(KEY)),
    call(b"TYPE", KEY),
)

HERE = {
    b"a": State(b"one"),
    b"b": State(b"x" * 20_000, 1_500),
    b"c": State(b"x", 1_500, forgotten=True),
    b"h": State({b"f": b"v"}),
    b"old": State(b"1", life_ms=0),
}


test_they_do_what_their_handlers_do_or_nothing = like_their_handlers(CALLS)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("DEL a", 1),
        ("DEL none", 0),
        ("DEL a a b c h none old", 4),
        ("UNLINK b c", 2),
        ("EXISTS a a none old h", 3),
        ("TOUCH a b none old", 2),
    ],
)
def test_keys_of_any_type_are_counted(line: str, found: int) -> None:
    assert Twins(HERE).call(line.encode().split()) == b":%d\r\n" % found


@pytest.mark.parametrize(("key", "kind"), [("a", b"string"), ("none", b"none"), ("h", None), ("old", None)])
def test_a_type_is_told_of_strings_and_of_nothing(key: str, kind: bytes | None) -> None:
    assert Twins(HERE).call([b"TYPE", key.encode()]) == (None if kind is None else b"+%b\r\n" % kind)


def test_the_expired_are_deleted_by_nobody() -> None:
    twins = Twins(HERE)
    assert twins.call([b"DEL", b"old"]) == b":0\r\n"
    assert [context.node.statistics.expired_keys for context in twins.contexts] == [1, 1]
