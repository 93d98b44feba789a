"""What a server holds, as plain values that can be compared; and whether its own accounts of it are right."""

from typing import Any, TypeAlias, cast

from respcache.keyspace.entry import Value, size_of
from respcache.keyspace.hashes import FIELD_BYTES, HASH_BYTES, Hash
from respcache.keyspace.keyspace import Keyspace

Snapshot: TypeAlias = dict[tuple[int, bytes], tuple[object, int | None]]
"""By database and key: the value, and the deadline."""


def snapshot(keyspace: Keyspace) -> Snapshot:
    """Return all keys that are alive, without touching any."""
    now_ms = keyspace.clock.now_ms
    return {
        (db.index, key): (plain(entry.value), entry.expires_at_ms)
        for db in keyspace.databases
        for key, entry in db.entries.items()
        if entry.expires_at_ms is None or entry.expires_at_ms > now_ms
    }


def plain(value: Value | None) -> object:
    return dict(value.fields) if isinstance(value, Hash) else bytes(value or b"")


def check_accounts(keyspace: Keyspace) -> None:
    """Fail unless sizes, numbers and the places where entries stand are what the entries say."""
    for db in keyspace.databases:
        entries = db.entries.values()
        assert db.payload_bytes == sum(len(one.key) + size_of(one.value) for one in entries)
        assert db.deadlines == sum(one.expires_at_ms is not None for one in entries)
        assert {id(one) for one in entries} == {id(one) for one in db.roster.items if one.value is not None}
        for entry in entries:
            assert entry.value is not None
            assert db.entries[entry.key] is entry
            if entry.expires_at_ms is not None:
                assert entry.bucket is not None
                assert entry in entry.bucket
            if isinstance(entry.value, Hash):
                _check_hash(entry.value)


def _check_hash(value: Hash) -> None:
    assert value.fields, "an empty hash is no key"
    payload = sum(len(field) + len(content) for field, content in value.fields.items())
    if isinstance(value.fields, dict):
        assert value.size_bytes == HASH_BYTES + FIELD_BYTES * len(value.fields) + payload
    else:  # a large one in compiled code
        table = cast(Any, value.fields)
        assert value.size_bytes == HASH_BYTES + table.held_bytes
        assert table.held_bytes == table.copy().held_bytes, "as counted anew"
