"""Default lives as the rest of the world sees them: through a database."""

import pytest

from respcache.keyspace.clock import BatchClock
from respcache.keyspace.database import NEVER, Database
from respcache.keyspace.journal import Notice
from respcache.keyspace.lives import Lives, PatternLife, Renewal
from tests.keyspace.conftest import NOW_MS, Tape

SET = Notice("$", "set")


def left_ms(db: Database, key: bytes) -> int | None:
    entry = db.find(key)
    assert entry is not None
    return None if entry.expires_at_ms is None else entry.expires_at_ms - db.clock.now_ms


def test_the_first_pattern_that_matches_wins() -> None:
    lives = Lives(
        1000, [PatternLife(b"session:*", 5), PatternLife(b"session:root", None), PatternLife(b"for:*", None)]
    )
    assert [lives.life_ms(key) for key in (b"a", b"session:1", b"session:root", b"for:ever")] == [
        1000,
        5,
        5,
        None,
    ]


@pytest.mark.parametrize("renewal", list(Renewal))
def test_a_new_key_gets_its_default_life(db: Database, renewal: Renewal) -> None:
    db.lives = Lives(1000, renewal=renewal)
    db.put(b"k", b"v", SET)
    assert left_ms(db, b"k") == 1000


@pytest.mark.parametrize(
    ("renewal", "left"), [(Renewal.ON_WRITE, 1000), (Renewal.ON_CREATE, 600), (Renewal.ON_ACCESS, 1000)]
)
def test_replacing_a_value_renews_its_life_unless_only_creation_does(
    db: Database, clock: BatchClock, renewal: Renewal, left: int
) -> None:
    db.lives = Lives(1000, renewal=renewal)
    db.put(b"k", b"v", SET)
    clock.advance(400)
    db.put(b"k", b"w", SET)
    assert left_ms(db, b"k") == left


@pytest.mark.parametrize(
    ("renewal", "left"), [(Renewal.ON_WRITE, 600), (Renewal.ON_CREATE, 600), (Renewal.ON_ACCESS, 1000)]
)
def test_reading_renews_a_life_only_if_it_slides(
    db: Database, clock: BatchClock, renewal: Renewal, left: int
) -> None:
    db.lives = Lives(1000, renewal=renewal)
    db.put(b"k", b"v", SET)
    clock.advance(400)
    db.read(b"k")
    assert left_ms(db, b"k") == left


def test_a_sliding_life_is_renewed_by_a_write_that_keeps_the_deadline(
    db: Database, clock: BatchClock
) -> None:
    db.lives = Lives(1000, renewal=Renewal.ON_ACCESS)
    db.put(b"k", b"1", SET)
    clock.advance(400)
    db.put(b"k", b"2", SET, keep_deadline=True)
    assert left_ms(db, b"k") == 1000


def test_a_sliding_life_is_renewed_by_a_change_in_place(db: Database, clock: BatchClock) -> None:
    db.lives = Lives(1000, renewal=Renewal.ON_ACCESS)
    entry = db.put(b"k", bytearray(b"a"), SET)
    clock.advance(400)
    db.modified(entry, SET, 0)
    assert left_ms(db, b"k") == 1000


@pytest.mark.parametrize("renewal", list(Renewal))
def test_a_deadline_that_was_asked_for_is_not_moved_by_reading(
    db: Database, clock: BatchClock, renewal: Renewal
) -> None:
    db.lives = Lives(1000, renewal=renewal)
    db.put(b"k", b"v", SET, deadline_ms=clock.now_ms + 50)
    db.read(b"k")
    assert left_ms(db, b"k") == 50


@pytest.mark.parametrize("renewal", list(Renewal))
def test_a_key_made_to_stay_stays(db: Database, renewal: Renewal) -> None:
    db.lives = Lives(1000, renewal=renewal)
    db.put(b"k", b"v", SET, deadline_ms=NEVER)
    db.read(b"k")
    db.put(b"k", b"w", SET, keep_deadline=True)
    assert left_ms(db, b"k") is None


def test_under_on_create_a_persisted_key_stays_persistent_when_replaced(db: Database) -> None:
    db.lives = Lives(1000, renewal=Renewal.ON_CREATE)
    db.persist(db.put(b"k", b"v", SET), Notice("g", "persist"))
    db.put(b"k", b"w", SET)
    assert left_ms(db, b"k") is None


def test_a_key_whose_pattern_lives_for_ever_loses_an_old_deadline_when_replaced(
    db: Database, clock: BatchClock
) -> None:
    db.lives = Lives(1000, [PatternLife(b"k", None)])
    db.put(b"k", b"v", SET, deadline_ms=clock.now_ms + 50)
    db.put(b"k", b"w", SET)
    assert left_ms(db, b"k") is None


def test_reads_renew_a_life_in_steps_where_copies_have_to_be_told(
    db: Database, clock: BatchClock, tape: Tape
) -> None:
    db.lives = Lives(1000, renewal=Renewal.ON_ACCESS)
    entry = db.put(b"k", b"v", SET)
    for waited_ms, renewed in ((100, 0), (1, 101), (100, 101), (1, 202)):
        clock.advance(waited_ms)
        db.read(b"k")
        assert entry.expires_at_ms == NOW_MS + 1000 + renewed
    assert [what for what, _ in tape.heard] == ["stored", "renewed", "renewed"]
