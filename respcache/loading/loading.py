"""All loaders of a server: which one a key is loaded by, and what commands may ask of it."""

from collections.abc import Sequence

import trio

from ..commands.loads import RESERVED
from ..keyspace.entry import Entry
from ..keyspace.glob import compile_glob
from .flight import Wait
from .source import Source


class Loading:
    """See ``commands.loads.Loads``."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = {source.options.name: source for source in sources}
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
        return None if source is None else source.flights.wait_for(key)

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

    async def run(self) -> None:
        """Work until cancelled, and then close."""
        try:
            async with trio.open_nursery() as nursery:
                for source in self.sources.values():
                    nursery.start_soon(source.run)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSING_S):
                for source in self.sources.values():
                    await source.close()


CLOSING_S = 2.0
"""For what loaders do at their end; it is part of the server's own time to stop."""


def literal_prefix(pattern: bytes) -> bytes:
    """Return what every match of a glob begins with."""
    for at, letter in enumerate(pattern):
        if letter in b"*?[\\":
            return pattern[:at]
    return pattern
