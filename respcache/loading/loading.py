"""All loaders of a server: which one a key is loaded by, and what commands may ask of it."""

from collections.abc import Sequence

import trio

from ..commands.loads import RESERVED
from ..commands.writes import WRITTEN, Done, KeyChange, Verdict
from ..keyspace.entry import Entry
from ..keyspace.glob import compile_glob
from .behind import Debts
from .flight import Wait
from .source import Source
from .writing import Writer


class Loading:
    """See ``commands.loads.Loads``."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = {source.options.name: source for source in sources}
        self.writers = [source.writer for source in sources if source.writer is not None]
        self._rules = [
            (literal_prefix(pattern), source.options.db, compile_glob(pattern), source)
            for source in sources
            for pattern in (source.options.pattern.encode(),)
        ]

    def source_of(self, db: int, key: bytes) -> Source | None:
        """Return the first source whose pattern the key matches; what respcache keeps for itself comes from nowhere."""
        if key.startswith(RESERVED):
            return None
        for prefix, index, matches, source in self._rules:
            if index == db and key.startswith(prefix) and matches(key):
                return source
        return None

    def wait_for(self, db: int, key: bytes) -> Wait | None:
        """Have a missing key loaded, if anybody can; return what to wait for."""
        source = self.source_of(db, key)
        if source is None:
            return None
        if source.writer is not None and source.writer.is_pending(key):
            return source.writer.put_back(key)
        return source.flights.wait_for(key)

    def note_read(self, db: int, entry: Entry) -> None:
        """Have a key loaded anew that has not long to live."""
        source = self.source_of(db, entry.key)
        if source is not None:
            source.flights.note_read(entry)

    def covers(self, db: int, key: bytes) -> bool:
        """Say whether a loader is there for such keys."""
        return self.source_of(db, key) is not None

    def is_due(self, entry: Entry, db: int) -> bool:
        """Say whether a key that is read has so little time left that ``note_read`` would look at it."""
        deadline_ms = entry.expires_at_ms
        source = None if deadline_ms is None else self.source_of(db, entry.key)
        return source is not None and source.flights.is_due(entry)

    def takes_writes(self, db: int, key: bytes) -> bool:
        """Say whether what is written at this key goes to a database."""
        source = self.source_of(db, key)
        return source is not None and source.options.write_mode != "none"

    @property
    def may_go_through(self) -> bool:
        """Whether any change must be in a database before it is made here."""
        return any(writer.may_go_through for writer in self.writers)

    def goes_through(self, db: int, key: bytes) -> bool:
        """Say whether a change of this key must be in the database before it is made here."""
        source = self.source_of(db, key)
        return source is not None and source.writer is not None and source.writer.goes_through(key)

    def note(self, changes: Sequence[KeyChange]) -> None:
        """Write changes later that have been made here."""
        for change in changes:
            source = self.source_of(change.db, change.key)
            if source is not None and source.writer is not None and source.writer.is_behind:
                source.writer.note(change)

    def write(self, changes: Sequence[KeyChange], done: Done) -> None:
        """Write changes now, one loader after another."""
        by_writer: dict[Writer, list[KeyChange]] = {}
        for change in changes:
            source = self.source_of(change.db, change.key)
            assert source is not None, "asked by ``goes_through``"
            assert source.writer is not None, "the same"
            by_writer.setdefault(source.writer, []).append(change)
        parts = list(by_writer.items())

        def write_next(at: int) -> None:
            if at == len(parts):
                done(WRITTEN)
                return
            writer, part = parts[at]
            writer.write(part, lambda verdict: go_on(at, verdict))

        def go_on(at: int, verdict: Verdict) -> None:
            if verdict.error is None:
                write_next(at + 1)
            else:
                done(verdict if at == 0 else Verdict(verdict.error, is_known=False))

        write_next(0)

    def join_cluster(self, debts: Debts) -> None:
        """Count from now on what waits by partition, and tell of deletions that do: to be called before anything waits."""
        for writer in self.writers:
            writer.behind.pendings.partitions = {}
            writer.behind.debts = debts

    def waiting_of(self, partition: int) -> list[KeyChange]:
        """Return the changes of a partition that wait to be written."""
        return [
            KeyChange(writer.options.db, key, writer.behind.pendings.by_key[key].value)
            for writer in self.writers
            for key in (writer.behind.pendings.partitions or {}).get(partition, ())
        ]

    def forget(self, db: int, key: bytes) -> None:
        """Leave a key to whoever has written it since."""
        source = self.source_of(db, key)
        if source is not None and source.writer is not None:
            source.writer.behind.forget(key)

    def is_pending(self, db: int, key: bytes) -> bool:
        """Say whether the last change of a key waits to be written."""
        source = self.source_of(db, key)
        return source is not None and source.writer is not None and source.writer.is_pending(key)

    def unwritten(self) -> set[int]:
        """Return the partitions with changes that wait to be written."""
        return set().union(*(writer.behind.pendings.partitions or () for writer in self.writers))

    def hasten(self, partition: int) -> None:
        """Write what waits of a partition that is to be given away."""
        for writer in self.writers:
            if writer.is_behind:
                writer.behind.hasten(partition)

    def overtake(self, db: int, key: bytes) -> None:
        """Note that a key is written or deleted."""
        source = self.source_of(db, key)
        if source is not None:
            source.flights.overtake(key)

    def prefixes(self) -> list[tuple[int, bytes, int, bool]]:
        """Return database, first bytes, ``ahead_ms`` and whether writes concern it, of every loader: for compiled code."""
        return [
            (index, prefix, source.options.ahead_ms, source.options.write_mode != "none")
            for prefix, index, _, source in self._rules
        ]

    async def drain(self, timeout_s: float) -> None:
        """Write what waits to be written, as far as there is time."""
        with trio.move_on_after(timeout_s):
            async with trio.open_nursery() as nursery:
                for writer in self.writers:
                    nursery.start_soon(writer.drain)

    async def run(self) -> None:
        """Work until cancelled, and then close."""
        try:
            async with trio.open_nursery() as nursery:
                for source in self.sources.values():
                    nursery.start_soon(source.run)
                for writer in self.writers:
                    nursery.start_soon(writer.run)
        finally:
            for source in self.sources.values():
                source.stop()
            for writer in self.writers:
                writer.close()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSING_S):
                async with trio.open_nursery() as nursery:
                    for source in self.sources.values():
                        nursery.start_soon(source.close)


CLOSING_S = 2.0
"""For what loaders do at their end; it is part of the server's own time to stop."""


def literal_prefix(pattern: bytes) -> bytes:
    """Return what every match of a glob begins with."""
    for at, letter in enumerate(pattern):
        if letter in b"*?[\\":
            return pattern[:at]
    return pattern
