"""A bucket holds what was put in, and an entry and its bucket never disagree."""

import sys

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from respcache._speedups import IS_COMPILED
from respcache.keyspace.entry import Bucket, Entry
from tests.thoroughness import examples

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)


class Buckets(RuleBasedStateMachine):
    """Two buckets, and sets that say who is in them."""

    def __init__(self) -> None:
        super().__init__()
        self.buckets = [Bucket(1), Bucket(2)]
        self.members: list[set[Entry]] = [set(), set()]
        self.entries = [Entry(b"%d" % number, b"v", 0) for number in range(40)]

    @rule(which=st.integers(0, 1), number=st.integers(0, 39), by_name=st.booleans())
    def put(self, which: int, number: int, by_name: bool) -> None:
        entry = self.entries[number]
        if by_name:
            entry.bucket = self.buckets[which]
        else:
            self.buckets[which].add(entry)
        self.members[1 - which].discard(entry)
        self.members[which].add(entry)

    @rule(which=st.integers(0, 1), number=st.integers(0, 39))
    def discard(self, which: int, number: int) -> None:
        self.buckets[which].discard(self.entries[number])
        self.members[which].discard(self.entries[number])

    @rule(number=st.integers(0, 39))
    def leave(self, number: int) -> None:
        self.entries[number].bucket = None
        for members in self.members:
            members.discard(self.entries[number])

    @precondition(lambda self: self.members[0])
    @rule()
    def pop(self) -> None:
        self.members[0].remove(self.buckets[0].pop())

    @rule(which=st.integers(0, 1))
    def clear(self, which: int) -> None:
        self.buckets[which].clear()
        self.members[which].clear()

    @rule()
    def end(self) -> None:
        self.buckets[1] = Bucket(3)
        self.members[1] = set()

    @invariant()
    def all_agree(self) -> None:
        for bucket, members in zip(self.buckets, self.members, strict=True):
            assert set(bucket) == members
            assert len(bucket) == len(members)
            assert bool(bucket) == bool(members)
            for entry in self.entries:
                assert (entry in bucket) == (entry in members) == (entry.bucket is bucket)


Buckets.TestCase.settings = settings(Buckets.TestCase.settings, max_examples=examples(50, 300))
test_entries_and_buckets_agree = Buckets.TestCase


def test_nothing_can_be_popped_from_an_empty_bucket() -> None:
    with pytest.raises(KeyError):
        Bucket(1).pop()


def test_who_pops_and_adds_in_turns_meets_them_all() -> None:
    bucket = Bucket(1)
    for number in range(20):
        bucket.add(Entry(b"%d" % number, b"v", 0))
    met = set()
    for _ in range(100):
        entry = bucket.pop()
        met.add(entry.key)
        bucket.add(entry)
    assert len(met) > 10


def test_entries_and_buckets_do_not_keep_each_other() -> None:
    before = sys.getallocatedblocks()
    for _ in range(100):
        bucket = Bucket(1)
        for number in range(10):
            bucket.add(Entry(b"%d" % number, b"v", 0))
    del bucket
    assert sys.getallocatedblocks() - before < 20


def test_only_entries_go_into_a_bucket() -> None:
    with pytest.raises(TypeError):
        Bucket(1).add(b"k")  # type: ignore[arg-type]
    assert object() not in Bucket(1)
