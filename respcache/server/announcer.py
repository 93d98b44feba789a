"""From the keyspace's journal to the event bus: turns what happens to keys into events.

Attached to the journal only while somebody listens, so that an event which
nobody wants costs the data path one truth test and nothing more.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ..events.bus import Bus
from ..events.excerpt import Excerpt, excerpt
from ..events.vocabulary import (
    Created,
    Deleted,
    Evicted,
    Expired,
    Flushed,
    Missed,
    Read,
    Touched,
    Updated,
)
from ..keyspace.clock import Clock
from ..keyspace.entry import Value
from ..keyspace.hashes import Hash
from ..keyspace.journal import CREATED, DELETED, TOUCHED, UPDATED, Journal, Note, Notice

NOTED: Final[Mapping[int, type[Created | Updated | Touched | Deleted]]] = {
    CREATED: Created,
    UPDATED: Updated,
    TOUCHED: Touched,
    DELETED: Deleted,
}
"""The events of notes."""


class Announcer:
    """A listener of the journal (see ``keyspace.journal.Listener``) that publishes on a bus."""

    def __init__(self, journal: Journal, bus: Bus, clock: Clock, node: str) -> None:
        self._journal = journal
        self._bus = bus
        self._clock = clock
        self._node = node
        self._is_attached = False
        self.wants_reads = False
        self.takes_notes = False
        journal.accept_notes(self)
        bus.on_interest_change = self.follow_interest
        self.follow_interest()

    def follow_interest(self) -> None:
        """Attach to the journal or leave it, as the bus' listeners ask."""
        bus = self._bus
        wanted = bus.wants_changes or bus.wants_reads
        self.wants_reads = bus.wants_reads
        self.takes_notes = not (bus.wants_reads or bus.wants_values)
        if wanted and not self._is_attached:
            self._journal.attach(self)
        elif not wanted and self._is_attached:
            self._journal.detach(self)
        self._is_attached = wanted
        self._journal.refresh()

    def created(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._bus.publish(
            Created(self._clock.now_ms, self._node, db, key, notice.kind, notice.name, self._excerpt(value))
        )

    def updated(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._bus.publish(
            Updated(self._clock.now_ms, self._node, db, key, notice.kind, notice.name, self._excerpt(value))
        )

    def deleted(self, db: int, key: bytes, value: Value, notice: Notice) -> None:
        self._bus.publish(
            Deleted(self._clock.now_ms, self._node, db, key, notice.kind, notice.name, self._excerpt(value))
        )

    def touched(self, db: int, key: bytes, notice: Notice) -> None:
        self._bus.publish(Touched(self._clock.now_ms, self._node, db, key, notice.kind, notice.name))

    def noted(self, notes: Sequence[Note]) -> None:
        """Publish what compiled commands have noted; their time is still the clock's."""
        publish, now_ms, node = self._bus.publish, self._clock.now_ms, self._node
        wanted = {change: event for change, event in NOTED.items() if self._bus.wants(event)}
        for change, db, key, (letter, name) in notes:
            if change in wanted:
                publish(wanted[change](now_ms, node, db, key, letter, name))

    def expired(self, db: int, key: bytes, value: Value) -> None:
        self._bus.publish(Expired(self._clock.now_ms, self._node, db, key, self._excerpt(value)))

    def evicted(self, db: int, key: bytes, value: Value) -> None:
        self._bus.publish(Evicted(self._clock.now_ms, self._node, db, key, self._excerpt(value)))

    def flushed(self, db: int) -> None:
        self._bus.publish(Flushed(self._clock.now_ms, self._node, db))

    def read(self, db: int, key: bytes, value: Value) -> None:
        self._bus.publish(Read(self._clock.now_ms, self._node, db, key, self._excerpt(value)))

    def missed(self, db: int, key: bytes) -> None:
        self._bus.publish(Missed(self._clock.now_ms, self._node, db, key))

    def _excerpt(self, value: Value) -> Excerpt | None:
        if not self._bus.wants_values:
            return None
        content = value.fields if isinstance(value, Hash) else value
        return excerpt(content, self._bus.value_limit_bytes)
