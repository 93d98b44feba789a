"""The compiled queue does what the plain one does, and owns what stands in it."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.entries import plain_twins
from respcache._speedups.entry import Entry
from respcache._speedups.fifos import Fifo
from respcache.keyspace.eviction import s3fifo


def entries(count: int) -> list[Entry]:
    return [Entry(b"%d" % number, b"v", 1000 + number) for number in range(count)]


TURNS = st.lists(st.tuples(st.sampled_from(["add", "take", "tidy", "kill", "use"]), st.integers(0, 2000)))


@given(first=st.integers(0, 1500), mark=st.integers(0, 3000), turns=TURNS)
def test_it_does_what_the_plain_queue_does(first: int, mark: int, turns: list[tuple[str, int]]) -> None:
    assert s3fifo.Fifo.__module__ == Fifo.__module__
    pool = entries(2001)
    plain: Fifo = plain_twins["Fifo"](pool[:first], mark)  # type: ignore[operator]  # it is a class
    compiled = Fifo(pool[:first], mark)
    for what, number in turns:
        entry = pool[number]
        if what == "add":
            plain.add(entry)
            compiled.add(entry)
        elif what == "take" and len(plain):
            assert compiled.take() == plain.take()
        elif what == "tidy":
            assert compiled.tidy(number) == plain.tidy(number)
        elif what == "kill":
            entry.value = None
        elif what == "use":
            entry.seen += 500
        assert len(compiled) == len(plain)


def test_nothing_comes_out_of_an_empty_queue() -> None:
    with pytest.raises(IndexError):
        Fifo().take()
    assert Fifo().tidy(5) == 0


def test_a_queue_owns_each_place_once() -> None:
    entry = Entry(b"k", b"v", 5)
    alone = sys.getrefcount(entry)
    queue = Fifo([entry], 7)
    queue.add(entry)
    assert sys.getrefcount(entry) == alone + 2
    assert queue.take() == (entry, False)
    del queue
    assert sys.getrefcount(entry) == alone


def test_only_entries_stand_in_a_queue() -> None:
    with pytest.raises(TypeError):
        Fifo([None])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        Fifo().add(b"k")  # type: ignore[arg-type]
