"""Notes which keys a command changes, as the journal tells it: what loaders write to their databases.

It listens for as long as one command runs, so that nobody else's changes are taken for it: neither what is loaded, nor what
expires or is evicted, nor a flush.
"""

from collections.abc import Callable, Sequence

from ..commands.writes import KeyChange, plain_copy
from ..keyspace.database import Database
from ..keyspace.entry import Value
from ..keyspace.journal import Journal, Notice


class Noter:
    """A listener of a journal."""

    wants_reads = False

    def __init__(self, journal: Journal, databases: Sequence[Database]) -> None:
        self._journal = journal
        self._databases = databases
        self._changed: dict[tuple[int, bytes], None] = {}
        """In the order of their last changes."""

    def begin(self) -> None:
        """Listen from now on."""
        self._journal.attach(self)

    def end(self, wanted: Callable[[int, bytes], bool]) -> list[KeyChange]:
        """Listen no more; return what the wanted keys hold that have changed."""
        self._journal.detach(self)
        if not self._changed:
            return []
        changed, self._changed = self._changed, {}
        return [KeyChange(db, key, self._held(db, key)) for db, key in changed if wanted(db, key)]

    def _held(self, db: int, key: bytes) -> bytes | dict[bytes, bytes] | None:
        """Return what was stored, even if its time has passed already: that it dies is no change by a client."""
        entry = self._databases[db].entries.get(key)
        return None if entry is None or entry.value is None else plain_copy(entry.value)

    # -- what the journal tells --------------------------------------------------

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._changed.pop((db, key), None)
        self._changed[db, key] = None

    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.created(db, key, value, notice)

    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.created(db, key, value, notice)

    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        """Ignore it: a deadline is no value."""

    def expired(self, db: int, key: bytes, value: Value) -> None:
        """Ignore it: no client has done that."""

    def evicted(self, db: int, key: bytes, value: Value) -> None:
        """Ignore it: no client has done that."""

    def flushed(self, db: int) -> None:
        """Ignore it: what is dropped from a cache stays in its database."""

    def read(self, db: int, key: bytes, value: Value) -> None:
        """Ignore it."""

    def missed(self, db: int, key: bytes) -> None:
        """Ignore it."""
