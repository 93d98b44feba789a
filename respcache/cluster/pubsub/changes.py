"""Which keys have changed here, for nodes whose clients track keys (CLIENT TRACKING).

A listener of the journal while there is any such node, and only then. Keys collect until a frame leaves, each once;
where they are too many, *any key* is told instead, and the clients there forget everything.
"""

from collections.abc import Callable
from typing import Final

from ...keyspace.entry import Value
from ...keyspace.journal import Journal, Notice
from .news import Changed

KEYS: Final = 16_384
"""A turn changes some thousand keys; more wait only for a node that does not take them."""

KEYS_BYTES: Final = 1 << 20


class Reader:
    """What one node has not been told yet."""

    __slots__ = ("_ask", "_is_any", "_keys", "_size_bytes")

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._keys: dict[bytes, None] = {}
        self._size_bytes = 0
        self._is_any = False

    def note(self, key: bytes) -> None:
        if self._is_any or key in self._keys:
            return
        self._keys[key] = None
        self._size_bytes += len(key)
        if len(self._keys) > KEYS or self._size_bytes > KEYS_BYTES:
            self.note_all()
        elif len(self._keys) == 1:
            self._ask()

    def note_all(self) -> None:
        self._is_any = True
        self._keys = {}
        self._size_bytes = 0
        self._ask()

    def take(self) -> Changed | None:
        """Return what is to be told now, and count it as told."""
        if not (self._keys or self._is_any):
            return None
        news = Changed(None if self._is_any else list(self._keys))
        self._keys = {}
        self._size_bytes = 0
        self._is_any = False
        return news


class Changes:
    """Notes every change for every reader. A listener of the journal."""

    wants_reads = False

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.readers: dict[bytes, Reader] = {}

    def begin(self, node: bytes, ask: Callable[[], None]) -> None:
        """Note changes for a node from now on."""
        if not self.readers:
            self._journal.attach(self)
        self.readers.setdefault(node, Reader(ask))

    def end(self, node: bytes) -> None:
        if self.readers.pop(node, None) is not None and not self.readers:
            self._journal.detach(self)

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._note(key)

    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._note(key)

    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._note(key)

    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        self._note(key)

    def expired(self, db: int, key: bytes, value: Value) -> None:
        self._note(key)

    def evicted(self, db: int, key: bytes, value: Value) -> None:
        self._note(key)

    def flushed(self, db: int) -> None:
        for reader in self.readers.values():
            reader.note_all()

    def read(self, db: int, key: bytes, value: Value) -> None:
        """Not of interest."""

    def missed(self, db: int, key: bytes) -> None:
        """Not of interest."""

    def _note(self, key: bytes) -> None:
        for reader in self.readers.values():
            reader.note(key)
