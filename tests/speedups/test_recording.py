"""Compiled writes are recorded as the handlers' are: the same records, versions, sums, tables and tombstones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.cluster.replication.records import record_of
from respcache.cluster.replication.stream import RECORDS, Stream
from respcache.cluster.replication.versions import FOLLOWED_MS, MS_SHIFT
from respcache.commands.context import Context
from respcache.commands.errors import CommandError
from respcache.keyspace.slots import PARTITIONS, key_partition
from respcache.protocol.encoder import encode
from tests.cluster.replication.nodes import KEYS, Node
from tests.thoroughness import examples

if IS_COMPILED:
    from respcache._speedups.single_calls import answer, is_compiled

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")

P = key_partition(b"a")

VALUES = st.sampled_from([b"", b"1", b"-7", b"v" * 300, b"w" * 40_000, b"x" * 70_000])
KEY = st.sampled_from(KEYS)


def commands() -> st.SearchStrategy[list[bytes]]:
    time = st.sampled_from([b"1", b"90", b"4000000000"])
    return st.one_of(
        st.tuples(st.just(b"SET"), KEY, VALUES),
        st.tuples(st.just(b"SET"), KEY, VALUES, st.sampled_from([b"NX", b"XX", b"KEEPTTL", b"GET"])),
        st.tuples(st.just(b"SET"), KEY, VALUES, st.sampled_from([b"EX", b"PX"]), time),
        st.tuples(st.just(b"SETEX"), KEY, time, VALUES),
        st.tuples(st.sampled_from([b"SETNX", b"GETSET", b"APPEND"]), KEY, VALUES),
        st.tuples(st.sampled_from([b"INCR", b"DECR", b"DEL", b"GETDEL", b"PERSIST", b"GET"]), KEY),
        st.tuples(st.just(b"MSET"), KEY, VALUES, KEY, VALUES),
        st.tuples(st.just(b"HSET"), KEY, st.just(b"f"), VALUES),
        st.tuples(st.just(b"FLUSHDB")),
    ).map(list)


class Recorded:
    """A server that tells a stream of all changes."""

    def __init__(self, *, is_compiled: bool) -> None:
        self.node = Node()
        self.stream = Stream(1)
        self.node.recorder.routes = [(self.stream,)] * PARTITIONS
        self.context = Context(self.node.harness.node, self.node.client.record)
        self.is_compiled = is_compiled
        self.answered = 0

    def run(self, argv: list[bytes]) -> bytes:
        if self.is_compiled and is_compiled(argv[0]):
            wire = answer(argv[0], self.context, argv, 2)
            if wire is not None:
                self.answered += 1
                return wire
        handler = self.context.node.table.resolve(argv)
        try:
            return encode(handler.run(self.context, argv), 2)
        except CommandError as error:
            return str(error).encode()

    def state(self) -> object:
        recorder = self.node.recorder
        tables = [
            (p, db, sorted(table.tombstones.items()), table.flushed, list(table.entries))
            for p in range(PARTITIONS)
            for db, table in recorder.parts[p].tables.items()
        ]
        summaries = [self.node.holdings.summary(p) for p in range(PARTITIONS) if recorder.parts[p].is_served]
        return self.node.content(), self.node.digests(), summaries, tables, recorder.clock.last


@given(st.lists(st.tuples(commands(), st.integers(0, 2)), max_size=25))
@settings(max_examples=examples(60, 2000), deadline=None)
def test_records_are_those_of_the_handlers(script: list[tuple[list[bytes], int]]) -> None:
    compiled, plain = Recorded(is_compiled=True), Recorded(is_compiled=False)
    for argv, passed_ms in script:
        for one in (compiled, plain):
            one.node.harness.clock.now_ms += passed_ms
        assert compiled.run(list(argv)) == plain.run(list(argv))
        assert compiled.stream.records == plain.stream.records
        assert compiled.state() == plain.state()


def test_a_plain_set_is_recorded_without_python() -> None:
    one = Recorded(is_compiled=True)
    for argv in (
        [b"SET", b"a", b"1"],
        [b"SET", b"a", b"2"],
        [b"INCR", b"a"],
        [b"MSET", b"a", b"3", b"c{a}", b"4"],
    ):
        one.run(argv)
    assert one.answered == 4
    assert [(record_of(wire)[3], record_of(wire)[7]) for wire in one.stream.records] == [
        (b"a", b"1"),
        (b"a", b"2"),
        (b"a", b"3"),
        (b"a", b"3"),
        (b"c{a}", b"4"),
    ]
    assert not one.node.recorder.written, "the loop knows the partition"


def test_a_version_is_above_one_of_a_clock_that_is_ahead() -> None:
    compiled, plain = Recorded(is_compiled=True), Recorded(is_compiled=False)
    for one in (compiled, plain):
        one.run([b"SET", b"a", b"1"])
        ahead_ms = one.node.harness.clock.now_ms + 2 * FOLLOWED_MS
        one.node.recorder.advance(0, one.node.db.entries[b"a"], (ahead_ms << MS_SHIFT) + 5)
        for _ in range(3):
            one.run([b"SET", b"a", b"2"])
            one.run([b"SET", b"b", b"2"])
    assert compiled.stream.records == plain.stream.records
    assert compiled.state() == plain.state()


def test_a_turn_of_many_writes_is_several_frames() -> None:
    one = Recorded(is_compiled=True)
    for number in range(RECORDS + 10):
        one.run([b"SET", b"a", b"%d" % number])
    assert len(one.stream.records) == 10
    assert len(one.stream.take_frames()) > 1


def test_a_stray_is_none_of_the_stream() -> None:
    one = Recorded(is_compiled=True)
    one.node.holdings.release(P)
    one.run([b"SET", b"a", b"1"])
    assert not one.stream.records
    assert one.node.recorder.strays == {(P, 0, b"a")}
