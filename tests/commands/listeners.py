"""Listeners of the journal, for tests of what it is told."""

from respcache.keyspace.entry import Value
from respcache.keyspace.journal import Notice
from tests.commands.harness import Harness


class Deaf:
    """A listener that does nothing: what a test wants to hear of, it overrides."""

    wants_reads = False

    def __init__(self, harness: Harness) -> None:
        harness.node.keyspace.journal.attach(self)

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None: ...
    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None: ...
    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None: ...
    def touched(self, db: int, key: bytes, notice: Notice) -> None: ...
    def expired(self, db: int, key: bytes, value: Value) -> None: ...
    def evicted(self, db: int, key: bytes, value: Value) -> None: ...
    def flushed(self, db: int) -> None: ...
    def read(self, db: int, key: bytes, value: Value) -> None: ...
    def missed(self, db: int, key: bytes) -> None: ...


class TouchedKeys(Deaf):
    """Collects every key that is read or changed, in whatever database."""

    wants_reads = True

    def __init__(self, harness: Harness) -> None:
        super().__init__(harness)
        self.keys: set[bytes] = set()

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.keys.add(key)

    updated = created

    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.keys.add(key)

    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        self.keys.add(key)

    def read(self, db: int, key: bytes, value: Value) -> None:
        self.keys.add(key)

    def missed(self, db: int, key: bytes) -> None:
        self.keys.add(key)
