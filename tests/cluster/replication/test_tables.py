from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.replication.tables import DIGEST_MODULUS, Part
from respcache.keyspace.entry import Entry


def put(part: Part, db: int, key: bytes, version: int) -> None:
    table = part.table(db)
    entry = table.entries[key] = Entry(key, b"v", 0)
    entry.version = version
    table.digest += version * version


@given(st.dictionaries(st.tuples(st.integers(0, 3), st.binary(max_size=2)), st.integers(1, 2**96 - 1)))
def test_a_part_counts_over_all_databases(versions: dict[tuple[int, bytes], int]) -> None:
    part = Part()
    for (db, key), version in versions.items():
        put(part, db, key, version)
    assert len(part) == len(versions) == len(list(part.entries()))
    assert part.digest == sum(version**2 for version in versions.values()) % DIGEST_MODULUS < 2**64


def test_what_is_known_of_a_key_is_its_version_its_removal_or_a_flush() -> None:
    part = Part()
    put(part, 0, b"k", 9)
    table = part.table(0)
    table.flushed, table.tombstones[b"gone"] = 5, 7
    assert [table.known(key) for key in (b"k", b"gone", b"other")] == [9, 7, 5]
    assert [table.floor(key) for key in (b"k", b"gone", b"other")] == [5, 7, 5]


def test_a_flush_makes_older_tombstones_unnecessary() -> None:
    table = Part().table(0)
    table.tombstones = {b"old": 5, b"new": 9}
    table.lift(7)
    assert table.tombstones == {b"new": 9}


def test_two_lags_do_not_cancel_out() -> None:
    one, other = Part(), Part()
    for part, versions in ((one, (10, 21)), (other, (11, 20))):
        for key, version in zip((b"a", b"b"), versions, strict=True):
            put(part, 0, key, version << 32)
    assert one.digest != other.digest


def test_all_can_be_forgotten() -> None:
    part = Part()
    put(part, 0, b"k", 9)
    part.table(0).forget_all()
    assert (len(part), part.digest) == (0, 0)
