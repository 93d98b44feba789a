"""The one place that every change of the keyspace goes through.

A database cannot change a key without a ``Notice``, and the journal passes
each on to all who care: clients that WATCH the key, and listeners (events,
notifications and, one day, copies). So no command can forget one of them.
When nobody cares, a change costs one test of ``attentive``.

Compiled commands call nothing here. Where the only one who cares is a listener whom notes suffice, they add to
``notes`` what they change, and tell all of it when their turn ends, or before any Python code runs.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

from .._speedups import JournalState
from .entry import Value


class Notice(NamedTuple):
    """What happened to a key, in the words of Redis' keyspace notifications."""

    kind: str
    """Notification class: ``$`` string, ``h`` hash, ``g`` generic, ``x`` expired, ``e`` evicted ..."""
    name: str
    """Event name, such as ``set`` or ``rename_from``."""


CREATED: Final = 0
UPDATED: Final = 1
TOUCHED: Final = 2
DELETED: Final = 3

Note: TypeAlias = tuple[int, int, bytes, tuple[str, str]]
"""One of the four above, the database, the key, and the parts of a ``Notice``."""


class Listener(Protocol):
    """Told of everything, at once and in order. Must not block, raise, or change the keyspace."""

    wants_reads: bool
    """Whether ``read`` and ``missed`` are of interest: they cost every GET a call."""

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None: ...
    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None: ...
    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None: ...
    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        """Something besides the value changed (a deadline), or a second word for the same change."""

    def expired(self, db: int, key: bytes, value: Value) -> None: ...
    def evicted(self, db: int, key: bytes, value: Value) -> None: ...
    def flushed(self, db: int) -> None: ...
    def read(self, db: int, key: bytes, value: Value) -> None: ...
    def missed(self, db: int, key: bytes) -> None: ...


class NoteTaker(Listener, Protocol):
    """A listener whom notes may suffice."""

    takes_notes: bool
    """Whether they do now: it wants neither values nor reads, and may hear of changes some commands later."""

    def noted(self, notes: Sequence[Note]) -> None:
        """Be told of changes, at their time, in their order, and before anything else."""


class Watcher(Protocol):
    """A client between WATCH and EXEC."""

    is_dirty: bool


class Journal(JournalState):
    """Fans changes out to watchers and listeners, and counts them."""

    def __init__(self) -> None:
        self.changes = 0
        """Changes that clients have made since the start; never reset (INFO's rdb_changes_since_last_save)."""
        self.attentive = False
        """Whether anybody watches or listens; databases test it before they report."""
        self.wants_reads = False
        self.notes: list[Note] | None = None
        """Where compiled commands note their changes; None where they must not change anything themselves."""
        self._noted: list[Note] = []
        """That list; the same for ever, for they have it at hand."""
        self._note_taker: NoteTaker | None = None
        self._watchers: dict[tuple[int, bytes], set[Watcher]] = {}
        self._listeners: tuple[Listener, ...] = ()

    def attach(self, listener: Listener) -> None:
        self.tell_notes()
        self._listeners = (*self._listeners, listener)
        self.refresh()

    def detach(self, listener: Listener) -> None:
        self.tell_notes()
        self._listeners = tuple(one for one in self._listeners if one is not listener)
        self.refresh()

    def refresh(self) -> None:
        """Note again who cares; listeners call it when their interest changes."""
        self.tell_notes()
        self.attentive = bool(self._listeners or self._watchers)
        self.wants_reads = any(listener.wants_reads for listener in self._listeners)
        taker = self._note_taker
        is_alone = len(self._listeners) == 1 and self._listeners[0] is taker and not self._watchers
        self.notes = self._noted if is_alone and taker is not None and taker.takes_notes else None

    def accept_notes(self, taker: NoteTaker) -> None:
        """Let one listener take notes, while it is attached and nobody else listens or watches."""
        self._note_taker = taker
        self.refresh()

    def tell_notes(self) -> None:
        """Tell what compiled commands have noted."""
        if self._noted and self._note_taker is not None:
            notes = self._noted[:]
            self._noted.clear()
            self._note_taker.noted(notes)

    def watch(self, db: int, key: bytes, watcher: Watcher) -> None:
        """Mark ``watcher`` dirty when the key next changes."""
        self._watchers.setdefault((db, key), set()).add(watcher)
        self.refresh()

    def unwatch(self, keys: Iterable[tuple[int, bytes]], watcher: Watcher) -> None:
        for key in keys:
            watchers = self._watchers.get(key)
            if watchers is not None:
                watchers.discard(watcher)
                if not watchers:
                    del self._watchers[key]
        self.refresh()

    @property
    def watched(self) -> Iterable[tuple[int, bytes]]:
        """Return database and name of every watched key."""
        return self._watchers.keys()

    def watched_keys(self, db: int) -> list[bytes]:
        """Return the watched keys of one database."""
        return [key for number, key in self._watchers if number == db]

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.disturb(db, key)
        if self._noted:
            self.tell_notes()
        for listener in self._listeners:
            listener.created(db, key, value, notice)

    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.disturb(db, key)
        if self._noted:
            self.tell_notes()
        for listener in self._listeners:
            listener.updated(db, key, value, notice)

    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        self.disturb(db, key)
        if self._noted:
            self.tell_notes()
        for listener in self._listeners:
            listener.touched(db, key, notice)

    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self.disturb(db, key)
        if self._noted:
            self.tell_notes()
        for listener in self._listeners:
            listener.deleted(db, key, value, notice)

    def expired(self, db: int, key: bytes, value: Value) -> None:
        self.disturb(db, key)
        if self._noted:
            self.tell_notes()
        for listener in self._listeners:
            listener.expired(db, key, value)

    def evicted(self, db: int, key: bytes, value: Value) -> None:
        self.disturb(db, key)
        if self._noted:
            self.tell_notes()
        for listener in self._listeners:
            listener.evicted(db, key, value)

    def flushed(self, db: int) -> None:
        self.tell_notes()
        for listener in self._listeners:
            listener.flushed(db)

    def read(self, db: int, key: bytes, value: Value) -> None:
        for listener in self._listeners:
            if listener.wants_reads:
                listener.read(db, key, value)

    def missed(self, db: int, key: bytes) -> None:
        for listener in self._listeners:
            if listener.wants_reads:
                listener.missed(db, key)

    def disturb(self, db: int, key: bytes) -> None:
        """Mark whoever watches ``key``."""
        for watcher in self._watchers.get((db, key), ()):
            watcher.is_dirty = True
