from respcache.cluster.replication.tables import Table
from respcache.cluster.replication.tombstones import KEPT_MS, Tombstones


def test_deletions_are_forgotten_after_ten_minutes() -> None:
    tombstones, table = Tombstones(), Table()
    tombstones.add(table, b"early", 1, now_ms=0)
    tombstones.add(table, b"late", 2, now_ms=1)
    tombstones.forget(KEPT_MS)
    assert table.tombstones == {b"late": 2}
    tombstones.forget(KEPT_MS + 1)
    assert (table.tombstones, len(tombstones)) == ({}, 0)


def test_the_oldest_go_first_where_there_are_too_many() -> None:
    tombstones, table = Tombstones(most=2), Table()
    for number in range(4):
        tombstones.add(table, b"%d" % number, number + 1, now_ms=0)
    assert list(table.tombstones) == [b"2", b"3"]


def test_a_key_that_is_deleted_again_is_remembered_from_then_on() -> None:
    tombstones, table = Tombstones(most=2), Table()
    for version, key in enumerate((b"k", b"other", b"k"), 1):
        tombstones.add(table, key, version, now_ms=0)
    assert table.tombstones == {b"k": 3, b"other": 2}


def test_a_tombstone_may_have_been_lifted() -> None:
    tombstones, table = Tombstones(), Table()
    tombstones.add(table, b"k", 1, now_ms=0)
    del table.tombstones[b"k"]
    tombstones.forget(KEPT_MS)
    assert len(tombstones) == 0
