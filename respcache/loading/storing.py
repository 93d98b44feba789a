"""Putting what was loaded into a database, or taking out what has gone from its source."""

from collections.abc import Iterable
from typing import Final

from ..keyspace.database import Database
from ..keyspace.entry import Entry, Value
from ..keyspace.hashes import Hash
from ..keyspace.journal import Notice
from .ground import Ground
from .options import Options
from .values import AS_SET, Found, Plain

LOADED: Final = Notice("g", "load")
DISAPPEARED: Final = Notice("g", "del")


class Store:
    """One loader's way into its database."""

    def __init__(self, ground: Ground, options: Options) -> None:
        self.db: Database = ground.databases[options.db]
        self._ground = ground
        self._options = options

    def put(self, key: bytes, found: Found) -> bool:
        """Store a value in place of whatever was there; false where there is no room for it."""
        if not self._ground.make_room():
            return False
        self.db.put(key, self._value_of(found.value), LOADED, self._deadline_ms(found.life_ms))
        return True

    def values(self, keys: Iterable[bytes]) -> dict[bytes, Plain]:
        """Return copies of the values of those keys that are there."""
        entries = [entry for key in keys if (entry := self.db.find(key)) is not None]
        return {entry.key: plain_value(entry) for entry in entries}

    def renew(self, entry: Entry) -> None:
        """Let a value that is still right begin its life anew."""
        deadline_ms = self._deadline_ms(AS_SET)
        if deadline_ms is not None:
            self.db.expire_at(entry, deadline_ms, LOADED)

    def drop(self, key: bytes) -> None:
        """Remove a key that has gone from its source."""
        self.db.remove(key, DISAPPEARED)

    def _value_of(self, value: Plain) -> Value:
        if isinstance(value, bytes):
            return value
        made = Hash()
        for field, text in value.items():
            made.set(field, text)
        made.outgrow(self.db.hash_limits, [*value, *value.values()])
        return made

    def _deadline_ms(self, life_ms: int | None) -> int | None:
        """Return when a value dies that is stored now; None: when the server's own settings say."""
        if life_ms == AS_SET:
            life_ms = self._options.life_ms
            if life_ms is not None:
                life_ms -= int(life_ms * self._options.expiration_jitter * self._ground.chance.random())
        if life_ms is None:
            return None
        return self._ground.clock.now_ms + max(life_ms, 1) + self._options.stale_ms


def plain_value(entry: Entry) -> Plain:
    """Return a copy of an entry's value, as loaders take it."""
    value = entry.value
    assert value is not None, "the entry is alive"
    return dict(value.fields.items()) if isinstance(value, Hash) else bytes(value)
