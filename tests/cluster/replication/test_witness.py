"""Counting what happens to partitions, and passing it on."""

from respcache.cluster.replication.witness import Change, Witness


def test_what_happens_is_counted_and_told_to_whoever_asked() -> None:
    told: list[tuple[Change, int, bytes]] = []
    witness = Witness(lambda *what: told.append(what))
    witness.saw(Change.MOVED, 5, b"one")
    witness.saw(Change.MOVED, 6, b"other")
    witness.saw(Change.LOST, 7, b"one")
    assert witness.counts[Change.MOVED] == 2
    assert witness.counts[Change.LOST] == 1
    assert witness.counts[Change.PROMOTED] == 0
    assert told[-1] == (Change.LOST, 7, b"one")


def test_merges_are_taken_once() -> None:
    witness = Witness()
    witness.merged, witness.conflicts = 5, 2
    assert witness.take_merged() == (5, 2)
    witness.merged += 1
    assert witness.take_merged() == (1, 0)
    assert witness.take_merged() == (0, 0)
