"""Replies are cut and joined as bytes, whatever is in them."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.cluster.bus.joining import JOINS, Joining, cut, elements, end_of, in_key_order, summed_by_name
from respcache.commands.spread import Join

TEXT = st.binary(max_size=20) | st.sampled_from([b"\r\n", b"$-1\r\n", b"*2\r\n", b"_\r\n"])
LINE = st.text("abc 019-:", max_size=8).map(str.encode)


def bulk(kind: bytes) -> st.SearchStrategy[bytes]:
    return TEXT.map(lambda text: b"%b%d\r\n%b\r\n" % (kind, len(text), text))


LEAVES = st.one_of(
    bulk(b"$"),
    bulk(b"!"),
    TEXT.map(lambda text: b"=%d\r\ntxt:%b\r\n" % (len(text) + 4, text)),
    st.integers().map(lambda number: b":%d\r\n" % number),
    LINE.map(lambda line: b"+%b\r\n" % line),
    LINE.map(lambda line: b"-ERR %b\r\n" % line),
    LINE.map(lambda line: b"(12%b\r\n" % line),
    st.sampled_from([b"_\r\n", b"$-1\r\n", b"*-1\r\n", b"#t\r\n", b",1.5\r\n", b",inf\r\n"]),
)


def nested(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    lists = st.lists(children, max_size=4)
    return st.one_of(
        st.tuples(st.sampled_from([b"*", b"~", b">"]), lists).map(
            lambda made: b"%b%d\r\n%b" % (made[0], len(made[1]), b"".join(made[1]))
        ),
        st.lists(st.tuples(children, children), max_size=3).map(
            lambda pairs: b"%%%d\r\n%b" % (len(pairs), b"".join(one + two for one, two in pairs))
        ),
    )


VALUES = st.recursive(LEAVES, nested, max_leaves=12)


@settings(max_examples=60)
@given(VALUES, st.binary(max_size=8), st.binary(max_size=8))
def test_a_value_ends_where_it_ends(value: bytes, before: bytes, behind: bytes) -> None:
    assert end_of(before + value + behind, len(before)) == len(before) + len(value)


@settings(max_examples=60)
@given(st.lists(VALUES, max_size=6))
def test_an_array_is_cut_into_what_it_was_made_of(values: list[bytes]) -> None:
    assert elements(b"*%d\r\n%b" % (len(values), b"".join(values))) == values


class Whole:
    def __init__(self) -> None:
        self.wires: list[bytes] = []

    def fill(self, wire: bytes) -> None:
        self.wires.append(wire)


def joined(join: Callable[..., bytes], *wires: bytes) -> bytes:
    """Give the parts in the wrong order, and return the whole."""
    whole = Whole()
    joining = Joining(whole, len(wires), join)
    for index in reversed(range(len(wires))):
        assert whole.wires == []
        joining.part(index).fill(wires[index])
    [wire] = whole.wires
    return wire


@pytest.mark.parametrize(
    ("join", "wires", "expected"),
    [
        (Join.SUM, [b":1\r\n", b":0\r\n", b":40\r\n"], b":41\r\n"),
        (Join.ALL_OK, [b"+OK\r\n", b"+OK\r\n"], b"+OK\r\n"),
        (
            Join.CONCATENATION,
            [b"*1\r\n:1\r\n", b"*0\r\n", b"*2\r\n:1\r\n:3\r\n"],
            b"*3\r\n:1\r\n:1\r\n:3\r\n",
        ),
        (
            Join.UNION,
            [b"*1\r\n$1\r\na\r\n", b"*2\r\n$1\r\nb\r\n$1\r\na\r\n"],
            b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
        ),
        (
            Join.SUM_BY_NAME,
            [b"*2\r\n$1\r\na\r\n:1\r\n", b"*2\r\n$1\r\na\r\n:4\r\n"],
            b"*2\r\n$1\r\na\r\n:5\r\n",
        ),
        (Join.SUM_BY_NAME, [b"%1\r\n$1\r\na\r\n:1\r\n"] * 2, b"%1\r\n$1\r\na\r\n:2\r\n"),
        (Join.SUM_BY_NAME, [b"*0\r\n"] * 2, b"*0\r\n"),
        (Join.FIRST, [b"$1\r\nx\r\n"], b"$1\r\nx\r\n"),
    ],
)
def test_parts_become_one(join: Join, wires: list[bytes], expected: bytes) -> None:
    assert joined(JOINS[join], *wires) == expected


@pytest.mark.parametrize("error", [b"-ERR no\r\n", b"!6\r\nERR no\r\n"])
def test_an_error_in_any_part_is_the_whole(error: bytes) -> None:
    assert joined(JOINS[Join.SUM], b":1\r\n", error, b"-ERR another\r\n") == error


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20),
    st.integers(1, 3),
    st.sampled_from([[b"CMD"], [b"PARENT", b"CHILD"]]),
)
def test_what_is_cut_by_key_comes_back_in_the_order_of_the_keys(
    names: list[str], words_per_key: int, head: list[bytes]
) -> None:
    keys = [name.encode() for name in names]
    words = [word for key in keys for word in (key, *[b"v" + key] * (words_per_key - 1))]
    first = len(head)
    parts = list(cut([*head, *words], first, words_per_key, lambda key: key[0] % 3))
    assert all(argv[:first] == head for argv, _ in parts)
    wires = [
        b"*%d\r\n%b" % (len(order), b"".join(b"$1\r\n%b\r\n" % key for key in argv[first::words_per_key]))
        for argv, order in parts
    ]
    assert elements(joined(in_key_order([order for _, order in parts]), *wires)) == [
        b"$1\r\n%b\r\n" % key for key in keys
    ]


def test_names_are_summed_whatever_their_number() -> None:
    one = b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:2\r\n"
    assert summed_by_name([one, one, one]) == b"*4\r\n$1\r\na\r\n:3\r\n$1\r\nb\r\n:6\r\n"


def test_who_judges_the_parts_gets_the_errors_too() -> None:
    whole = Whole()
    joining = Joining(whole, 2, b" ".join, takes_errors=True)
    joining.part(1).fill(b"-ERR no\r\n")
    joining.part(0).fill(b":1\r\n")
    assert whole.wires == [b":1\r\n -ERR no\r\n"]
