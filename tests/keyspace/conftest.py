"""One database on a clock that stands still, and a listener that writes down what it hears."""

import pytest

from respcache.keyspace.clock import BatchClock
from respcache.keyspace.database import Database
from respcache.keyspace.entry import Entry, Value
from respcache.keyspace.journal import Journal, Notice
from respcache.keyspace.keyspace import Keyspace
from respcache.keyspace.recorder import Patch
from respcache.telemetry.statistics import Statistics

NOW_MS = 1_700_000_000_000


class Recorder:
    """A listener that keeps one word and the key of everything that happens."""

    def __init__(self, *, wants_reads: bool = False) -> None:
        self.wants_reads = wants_reads
        self.heard: list[tuple[str, int, bytes]] = []

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.heard.append((f"created:{notice.name}", db, key))

    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.heard.append((f"updated:{notice.name}", db, key))

    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.heard.append((f"deleted:{notice.name}", db, key))

    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        self.heard.append((f"touched:{notice.name}", db, key))

    def expired(self, db: int, key: bytes, value: Value) -> None:
        self.heard.append(("expired", db, key))

    def evicted(self, db: int, key: bytes, value: Value) -> None:
        self.heard.append(("evicted", db, key))

    def flushed(self, db: int) -> None:
        self.heard.append(("flushed", db, b""))

    def read(self, db: int, key: bytes, value: Value) -> None:
        self.heard.append(("read", db, key))

    def missed(self, db: int, key: bytes) -> None:
        self.heard.append(("missed", db, key))


class Watcher:
    """A client between WATCH and EXEC."""

    is_dirty = False


@pytest.fixture
def clock() -> BatchClock:
    return BatchClock(NOW_MS)


@pytest.fixture
def keyspace(clock: BatchClock) -> Keyspace:
    return Keyspace(clock, Journal(), Statistics())


@pytest.fixture
def db(keyspace: Keyspace) -> Database:
    return keyspace.databases[0]


@pytest.fixture
def recorder(keyspace: Keyspace) -> Recorder:
    recorder = Recorder()
    keyspace.journal.attach(recorder)
    return recorder


class Tape:
    """A recorder of changes that keeps one word of each, and the key."""

    entry_bytes = 100

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    def stored(self, db: int, entry: Entry) -> None:
        self.heard.append(("stored", entry.key))

    def patched(self, db: int, entry: Entry, patch: Patch) -> None:
        self.heard.append(("patched", entry.key))

    def retimed(self, db: int, entry: Entry) -> None:
        self.heard.append(("retimed", entry.key))

    def renewed(self, db: int, entry: Entry) -> None:
        self.heard.append(("renewed", entry.key))

    def removed(self, db: int, entry: Entry) -> None:
        self.heard.append(("removed", entry.key))

    def dropped(self, db: int, entry: Entry) -> None:
        self.heard.append(("dropped", entry.key))

    def flushed(self, db: int) -> None:
        self.heard.append(("flushed", b"%d" % db))


@pytest.fixture
def tape(keyspace: Keyspace) -> Tape:
    tape = Tape()
    keyspace.record(tape)
    return tape
