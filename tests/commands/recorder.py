"""A listener of the journal that writes down the words of Redis' keyspace notifications."""

from respcache.keyspace.entry import Value
from respcache.keyspace.journal import Notice
from tests.commands.harness import Harness


class Recorder:
    """Keeps the name of every notice, in order."""

    wants_reads = False

    def __init__(self, harness: Harness) -> None:
        self.heard: list[str] = []
        harness.node.keyspace.journal.attach(self)

    def take(self) -> list[str]:
        """Return what was heard since the last look."""
        heard, self.heard = self.heard, []
        return heard

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.heard.append(notice.name)

    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.heard.append(notice.name)

    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.heard.append(notice.name)

    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        self.heard.append(notice.name)

    def expired(self, db: int, key: bytes, value: Value) -> None:
        self.heard.append("expired")

    def evicted(self, db: int, key: bytes, value: Value) -> None:
        self.heard.append("evicted")

    def flushed(self, db: int) -> None:
        self.heard.append("flushed")

    def read(self, db: int, key: bytes, value: Value) -> None: ...

    def missed(self, db: int, key: bytes) -> None: ...
