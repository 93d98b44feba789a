"""Compiled code puts records onto copies as Python does, and hands over what it does not know."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.cluster.bus.frames import PLACE_BITS
from respcache.cluster.replication.epochs import Epochs
from respcache.cluster.replication.records import (
    DEADLINE,
    DROPPED,
    FLUSHED,
    HASH,
    OFFER,
    REMOVED,
    STRING,
    encoded,
    record_of,
)
from respcache.cluster.replication.versions import COUNTER_BITS, FOLLOWED_MS
from respcache.keyspace.slots import key_partition
from tests.cluster.replication.nodes import Node
from tests.commands.harness import START_MS
from tests.thoroughness import examples

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")

P = key_partition(b"a")
EPOCH = 3
PLACE = P | EPOCH << PLACE_BITS
SERVER = b"s" * 20
NOW = START_MS << COUNTER_BITS


class Copy:
    """A node with a copy of one partition, and what hands it records."""

    def __init__(self) -> None:
        self.node = Node(serves=())
        self.epochs = Epochs(lambda node_id: True)
        self.epochs.hear_itself(P, EPOCH, SERVER)
        self.writer = self.node.holdings.writer(self.epochs)
        self.handed: list[list[Any]] = []

    def do(self, wire: bytes | memoryview) -> None:
        self.handed.append(record_of(wire))
        self.node.holdings.apply(P, self.handed[-1])

    def write(self, *records: list[Any], peer: bytes = SERVER) -> list[list[Any]]:
        """Take records; return those that were handed to Python."""
        self.handed = []
        assert self.writer.write(peer, self.node.harness.clock.now_ms, encoded(records), self.do)
        return self.handed

    def state(self) -> object:
        part = self.node.recorder.parts[P]
        tables = [
            (
                db,
                sorted(table.tombstones.items()),
                table.flushed,
                [
                    (
                        key,
                        one.key,
                        getattr(one.value, "fields", one.value),
                        one.expires_at_ms,
                        one.version,
                        one.seen,
                    )
                    for key, one in table.entries.items()
                ],
            )
            for db, table in part.tables.items()
        ]
        holdings = self.node.holdings
        counts = holdings.used_bytes, holdings.copied_entries, self.node.clock.last
        return tables, holdings.summary(P), holdings.content_digest(P), counts


def string(
    clock: int, value: bytes = b"v", key: bytes = b"a", tag: int = 9, deadline_ms: int = 0
) -> list[Any]:
    return [STRING, PLACE, 0, key, clock, tag, deadline_ms, value, False]


CLOCKS = st.one_of(
    st.integers(1, 6),
    st.integers(NOW, NOW + 3),
    st.sampled_from([NOW + (FOLLOWED_MS << COUNTER_BITS), NOW + (FOLLOWED_MS + 1 << COUNTER_BITS)]),
)
VERSION = st.tuples(CLOCKS, st.sampled_from([0, 9, (1 << 32) - 1]))
KEYS = st.sampled_from([b"a", b"{a}", b"{a}" + b"k" * 300])
VALUES = st.sampled_from([b"", b"v", b"w" * 30, b"x" * 300, b"y" * 70_000])
DEADLINES = st.sampled_from([0, START_MS + 5, -START_MS - 7])
DB = st.sampled_from([0, 0, 0, 5])


def records() -> st.SearchStrategy[list[Any]]:
    def made(*words: Any) -> st.SearchStrategy[list[Any]]:
        strategies = [word if isinstance(word, st.SearchStrategy) else st.just(word) for word in words]
        return st.tuples(*strategies).map(
            lambda found: [word for one in found for word in (one if one.__class__ is tuple else (one,))]
        )

    plain = made(STRING, PLACE, DB, KEYS, VERSION, DEADLINES, VALUES, False)
    return st.one_of(
        plain,
        plain,
        plain,
        made(STRING, PLACE, DB, KEYS, VERSION, DEADLINES, VALUES, True),
        made(HASH, PLACE, DB, KEYS, VERSION, DEADLINES, [b"f", b"v"], True),
        made(REMOVED, PLACE, DB, KEYS, VERSION),
        made(DROPPED, PLACE, DB, KEYS, VERSION),
        made(FLUSHED, PLACE, DB, VERSION),
        made(DEADLINE, PLACE, DB, KEYS, VERSION, VERSION, DEADLINES),
    )


@given(st.lists(st.lists(records(), max_size=20), max_size=4))
@settings(max_examples=examples(50, 3000), deadline=None)
def test_a_copy_is_the_same_whoever_has_written_it(frames: list[list[list[Any]]]) -> None:
    one, other = Copy(), Copy()
    for frame in frames:
        one.write(*frame)
        for record in frame:
            other.node.holdings.apply(P, record)
        assert one.state() == other.state()


def test_strings_that_are_newer_are_for_compiled_code() -> None:
    copy = Copy()
    copy.write(string(1))  # its table is made by Python
    assert (
        copy.write(string(2, b"w"), string(1, b"x", b"{a}b"), string(3, b"y", deadline_ms=START_MS + 9)) == []
    )
    entry = copy.node.recorder.parts[P].tables[0].entries[b"a"]
    assert (entry.value, entry.expires_at_ms, entry.version) == (b"y", START_MS + 9, 3 << 32 | 9)


@pytest.mark.parametrize(
    "record",
    [
        string(1, b"older"),
        string(2, b"as new"),
        string(0),
        string(1 << 63),
        string(9, tag=1 << 32),
        string(9, key=b"b"),
        string(9, deadline_ms=-5),
        [STRING, PLACE + (1 << PLACE_BITS), *string(9)[2:]],
        [STRING, 1024, *string(9)[2:]],
        [STRING, -1, *string(9)[2:]],
        [STRING, PLACE, 16, *string(9)[3:]],
        [STRING, PLACE, 0, "a", *string(9)[4:]],
        [STRING, PLACE, 0, b"a", -9, *string(9)[5:]],
        [*string(9)[:-1], True],
        [*string(9)[:-1], None],
        string(9)[:-1],
        [*string(9), 1],
        [OFFER + STRING, *string(9)[1:]],
        [],
        [[[]], 1 << 62, "text" * 100, -(1 << 40), None],
    ],
)
def test_everything_else_is_handed_over_in_its_place(record: list[Any]) -> None:
    copy = Copy()
    copy.write(string(1))
    seen: list[object] = []

    def note(wire: bytes | memoryview) -> None:
        entry = copy.node.recorder.parts[P].tables[0].entries[b"a"]
        seen.append((record_of(wire), entry.value))

    frame = encoded([string(2, b"before"), record, string(3, b"behind")])
    copy.writer.write(SERVER, START_MS, frame, note)
    assert seen == [(record, b"before")]
    assert copy.node.recorder.parts[P].tables[0].entries[b"a"].value == b"behind"


def test_who_is_not_known_as_the_server_is_not_obeyed() -> None:
    copy = Copy()
    copy.write(string(1))
    assert copy.write(string(2), peer=b"t" * 20) == [string(2)]
    copy.epochs.told[P] = 0
    assert copy.write(string(3)) == [string(3)]
    copy.epochs.told[P] = EPOCH
    copy.epochs.promised[P] = EPOCH + 1
    assert copy.write(string(4)) == [string(4)]


def test_what_is_served_here_is_left_alone() -> None:
    copy = Copy()
    copy.write(string(1))
    copy.node.holdings.adopt(P)
    assert copy.write(string(2)) == [string(2)]


@pytest.mark.parametrize("cut", range(1, 18))
def test_an_array_that_is_cut_is_refused(cut: int) -> None:
    copy = Copy()
    wire = encoded([string(1)])
    assert len(wire) == 17
    with pytest.raises(ValueError, match="record"):
        copy.writer.write(SERVER, START_MS, wire[:-cut], copy.do)


@pytest.fixture(scope="module")
def copy() -> Copy:
    """Return a copy for all examples: making one takes ten times as long as reading bytes that hardly ever are a record."""
    return Copy()


@given(data=st.binary(max_size=60))
@settings(max_examples=examples(300, 5000), deadline=None)
def test_any_bytes_end_in_an_error_or_in_records(copy: Copy, data: bytes) -> None:
    pieces: list[bytes] = []
    try:
        copy.writer.write(SERVER, START_MS, data, lambda wire: pieces.append(bytes(wire)))
    except ValueError:
        return
    assert b"".join(pieces) in data
