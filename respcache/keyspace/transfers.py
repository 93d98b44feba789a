"""Entries that come to a database or leave it although nothing has happened to their keys.

In a cluster a partition's keys change the node that runs their commands; SWAPDB changes the number under which a
client finds them. Neither is news about a key: no listener hears of it. But a client that watches one of
them has lost sight of it, so it is disturbed; for ``adopt`` and ``release`` that is left to the caller, who knows the partition.
"""

from collections.abc import Iterable

from .database import Database
from .entry import Entry, size_of


def adopt(db: Database, entries: Iterable[Entry]) -> int:
    """Take in entries as they are, in place of others of their keys; return how many."""
    now_ms, follower, stamp = db.clock.now_ms, db.follower, db.stamp
    mine, add = db.entries, db.roster.add
    payload_bytes = count = 0
    for entry in entries:
        key, value = entry.key, entry.value
        if key in mine:
            db.abandon(key)
        mine[key] = entry
        add(entry)
        payload_bytes += len(key) + (len(value) if value.__class__ is bytes else size_of(value))
        if stamp is not None:
            entry.seen = stamp(-1, now_ms)
        if follower is not None:
            follower.entry_added(entry)
        if entry.expires_at_ms is not None:
            _take_deadline(db, entry, now_ms)
        count += 1
    db.payload_bytes += payload_bytes
    return count


def _take_deadline(db: Database, entry: Entry, now_ms: int) -> None:
    db.deadlines += 1
    if db.follower is not None:
        db.follower.deadline_set(entry)
    db.wheel.schedule(entry, now_ms)


def release(db: Database, entries: Iterable[Entry]) -> dict[bytes, Entry]:
    """Give entries away; return them by key.

    They are made anew: the old ones are dead, for walks, policies and whoever else still holds them. A thousand go at once when a
    partition is handed over, and clients wait: so what ``Database.take_out`` does is done here, all in one, in three quarters of the time.
    """
    released = {}
    now_ms, has_counters = db.clock.now_ms, db.stamp is not None
    mine, follower, note_removed = db.entries, db.follower, db.roster.note_removed
    payload_bytes = deadlines = 0
    for old in entries:
        key, value = old.key, old.value
        assert value is not None
        entry = released[key] = Entry(key, value, now_ms if has_counters else old.seen)
        entry.version = old.version
        payload_bytes += len(key) + (len(value) if value.__class__ is bytes else size_of(value))
        if (expires_at_ms := old.expires_at_ms) is not None:
            entry.expires_at_ms = expires_at_ms
            deadlines += 1
        del mine[key]
        if old.bucket is not None:
            db.wheel.forget(old)
        if follower is not None:
            follower.entry_removed(old)
        old.value = None
        note_removed()
    db.payload_bytes -= payload_bytes
    db.deadlines -= deadlines
    return released


def exchange(one: Database, other: Database) -> None:
    """Swap the contents of two databases; watchers of keys on either side are disturbed."""
    assert one.recorder is None, "copies know keys by the number of their database"
    for mine, theirs in ((one, other), (other, one)):
        for key in mine.journal.watched_keys(mine.index):
            if key in mine.entries or key in theirs.entries:
                mine.journal.disturb(mine.index, key)
    for name in ("entries", "roster", "wheel", "payload_bytes", "deadlines", "follower"):
        mine_now, theirs_now = getattr(one, name), getattr(other, name)
        setattr(one, name, theirs_now)
        setattr(other, name, mine_now)
    one.journal.changes += 1
