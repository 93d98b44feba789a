import pytest

from respcache.commands.context import Context
from respcache.commands.errors import CommandError
from respcache.commands.string_values import check_length, find_string, read_string, view_string
from respcache.keyspace.database import Database
from respcache.keyspace.hashes import Hash
from respcache.keyspace.journal import Notice
from tests.commands.harness import Harness, HarnessClient

SET = Notice("$", "set")


@pytest.fixture
def db(harness: Harness) -> Database:
    db = harness.node.keyspace.databases[0]
    db.put(b"whole", b"abc", SET)
    db.put(b"grown", bytearray(b"abc"), SET)
    db.put(b"hash", Hash(), SET)
    return db


def test_both_kinds_of_strings_are_read_as_bytes(db: Database) -> None:
    assert [read_string(db, key) for key in (b"whole", b"grown", b"none")] == [b"abc", b"abc", None]
    assert isinstance(read_string(db, b"grown"), bytes)


def test_a_view_is_no_copy(db: Database) -> None:
    assert view_string(db, b"grown") is db.entries[b"grown"].value
    assert view_string(db, b"none") is None


def test_a_string_to_change_comes_with_its_entry(db: Database) -> None:
    assert find_string(db, b"whole") == (db.entries[b"whole"], b"abc")
    assert find_string(db, b"none") == (None, b"")


def test_a_hash_is_refused(db: Database) -> None:
    for take in (read_string, view_string, find_string):
        with pytest.raises(CommandError, match="wrong kind of value"):
            take(db, b"hash")


def test_the_limit_itself_is_allowed(client: HarnessClient, harness: Harness) -> None:
    context = Context(harness.node, client.record)
    limit = harness.node.settings.proto_max_bulk_len_bytes
    check_length(context, limit)
    with pytest.raises(CommandError, match="exceeds maximum allowed size"):
        check_length(context, limit + 1)
