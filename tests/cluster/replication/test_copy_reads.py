"""Reads of a copy are answered as its server would answer them, and leave the copy as it was."""

import pytest

from respcache.cluster.replication.copy_reads import CopyReads
from respcache.commands.client import Client
from respcache.commands.context import Context
from respcache.commands.errors import CommandError
from respcache.keyspace.entry import Entry
from respcache.keyspace.slots import key_slot, partition_of
from respcache.protocol.encoder import encode
from tests.commands.harness import START_MS, Harness
from tests.wire import words


class Copies:
    """A node with copies that lie nowhere else: they are taken out of the databases of another one."""

    def __init__(self, **settings: str) -> None:
        self.source, self.reader = Harness(), Harness(None, **settings)
        self.write = self.source.client()
        self.asked: list[int] = []
        self.whole = True
        self.reads = CopyReads(self.reader.node, self.find, lambda partition: self.whole)
        self.client = self.reader.client(2).record
        self.client.is_redirected = self.client.reads_copies = True

    def find(self, partition: int, db: int, key: bytes) -> Entry | None:
        assert partition == partition_of(key_slot(key))
        return self.source.node.keyspace.databases[db].find(key)

    def __call__(self, line: str) -> bytes:
        argv = words(line)
        command = self.reader.node.table.resolve(argv)
        return encode(self.reads.read(Context(self.reader.node, self.client), command, argv), 2)


@pytest.fixture
def copies() -> Copies:
    copies = Copies()
    copies.write.send("SET k value EX 100")
    copies.write.send("HSET {k}h f 1 g 2")
    copies.write.send("APPEND {k}raw text")
    return copies


@pytest.mark.parametrize(
    "line",
    [
        "GET k",
        "GET nothing",
        "MGET k {k}h {k}raw k",
        "STRLEN k",
        "GETRANGE {k}raw 1 2",
        "TTL k",
        "PEXPIRETIME k",
        "TYPE {k}h",
        "EXISTS k k nothing",
        "HGETALL {k}h",
        "HMGET {k}h f nothing",
        "HSCAN {k}h 0",
        "OBJECT ENCODING {k}raw",
        "MEMORY USAGE k",
        "LCS k {k}raw",
    ],
)
def test_reads_are_answered_as_the_server_answers_them(line: str, copies: Copies) -> None:
    assert copies(line) == copies.source.client(2).raw(line)


def test_a_read_fails_as_it_would_at_the_server(copies: Copies) -> None:
    with pytest.raises(CommandError) as caught:
        copies("GET {k}h")
    assert caught.value.code == "WRONGTYPE"


def test_databases_are_kept_apart(copies: Copies) -> None:
    copies.client.db_index = 1
    assert copies("GET k") == b"$-1\r\n"


def test_what_is_past_its_deadline_is_not_there(copies: Copies) -> None:
    copies.source.clock.advance(200_000)
    assert copies("GET k") == b"$-1\r\n"


def test_a_read_leaves_no_trace_on_the_copy_nor_on_the_node(copies: Copies) -> None:
    entry = copies.source.node.keyspace.databases[0].find(b"k")
    assert entry is not None
    entry.seen = 7
    copies("GET k")
    assert entry.seen == 7
    assert len(copies.reader.node.keyspace.databases[0]) == 0
    assert copies.reader.node.keyspace.journal.changes == 0


def test_a_life_that_reads_renew_is_not_renewed_by_reads_of_a_copy() -> None:
    copies = Copies(expiration="100", expiration_renew="on-access")
    copies.write("SET k value EX 100")
    copies.reader.clock.advance(50_000)
    copies("GET k")
    entry = copies.source.node.keyspace.databases[0].find(b"k")
    assert entry is not None
    assert entry.expires_at_ms == START_MS + 100_000


def test_hits_and_misses_are_counted_where_they_happen(copies: Copies) -> None:
    copies("MGET k nothing")
    statistics = copies.reader.node.statistics
    assert (statistics.keyspace_hits, statistics.keyspace_misses) == (1, 1)


def served(copies: Copies, line: str, client: Client | None = None) -> bool:
    command = copies.reader.node.table.resolve(words(line))
    return copies.reads.serves(client or copies.client, command, 3)


def test_only_reads_are_served_and_only_from_whole_copies(copies: Copies) -> None:
    assert served(copies, "GET k")
    assert not served(copies, "SET k v")
    assert not served(copies, "GETDEL k")
    copies.whole = False
    assert not served(copies, "GET k")


def test_who_has_not_said_readonly_or_caches_what_it_reads_is_sent_to_the_owner(copies: Copies) -> None:
    other = copies.reader.client()
    assert not served(copies, "GET k", other.record)
    other.record.reads_copies = True
    assert served(copies, "GET k", other.record)
    other("CLIENT TRACKING ON")
    assert not served(copies, "GET k", other.record)
