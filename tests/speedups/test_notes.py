"""What compiled commands tell of their changes: the same as the Python handlers, in the same order."""

from collections.abc import Sequence

import pytest
import trio

from respcache._speedups import IS_COMPILED
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache.events.record import Event
from respcache.events.vocabulary import ALL, CHANGES, Created, Deleted
from respcache.keyspace.journal import Note
from tests.commands.harness import START_MS, Harness
from tests.server.served import Served

from .talk import ask, expect
from .twins import State, Twins

STATES = {
    b"k": State(b"7"),
    b"l": State(b"7", 1_500),
    b"gone": State(b"7", -1),
    b"h": State({b"f": b"1", b"g": b"v", b"i": b"v"}),
    b"hl": State({b"f": b"1", b"g": b"v"}, 1_500),
    b"\xff": State(b"7"),
}


class Notebook:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def deliver(self, event: Event) -> None:
        self.events.append(event)

    @property
    def words(self) -> list[str]:
        told = []
        for event in self.events:
            key, name = getattr(event, "key", b"").decode("latin-1"), getattr(event, "notice_name", "")
            told.append(f"{event.kind} {key} {name}")
        return told


LINES = [
    "SET k 1",
    "SET new 1",
    "SET l 1",
    "SET l 1 KEEPTTL",
    "SET k 1 EX 9",
    "SET new 1 PX 9 NX",
    "SET k 1 NX",
    "SET new 1 XX",
    "SET k 1 GET",
    "SETEX k 9 1",
    "PSETEX new 9 1",
    "SETNX k 1",
    "SETNX new 1",
    "GETSET k 1",
    "GETSET new 1",
    "GETDEL l",
    "GETDEL new",
    "GETEX k",
    "GETEX k EX 9",
    "GETEX l PERSIST",
    "GETEX k PERSIST",
    "MSET k 1 new 2 l 3 gone 4 k 5",
    "INCR k",
    "DECR new",
    "INCRBY l 4",
    "DECRBY k 4",
    "DEL k gone new l h",
    "UNLINK k k",
    "EXPIRE k 9",
    "EXPIRE l 9 GT",
    "EXPIRE k -1",
    "PEXPIREAT l 1",
    "PERSIST l",
    "PERSIST k",
    "HSET h f 2 n 3",
    "HSET new f 1",
    "HMSET h f 2",
    "HSETNX h f 2",
    "HSETNX h n 2",
    "HDEL h f nothing",
    "HDEL h nothing",
    "HINCRBY h f 2",
    "HINCRBY new f 2",
    "HSET hl f 2",
    "GET k",
    "MGET k gone",
    "EXISTS gone k",
]


@every_row("line", LINES)
def test_every_command_tells_what_its_handler_tells(line: str) -> None:
    twins = Twins(STATES)
    books = [Notebook(), Notebook()]
    for harness, book in zip(twins.harnesses, books, strict=True):
        harness.node.bus.subscribe(book, CHANGES)
    assert twins.call(line.encode().split()) is not None
    twins.harnesses[0].node.keyspace.journal.tell_notes()
    assert books[0].events == books[1].events


def test_a_key_may_be_any_bytes_and_a_database_any_number() -> None:
    twins = Twins(STATES)
    books = [Notebook(), Notebook()]
    for context, book in zip(twins.contexts, books, strict=True):
        context.node.bus.subscribe(book, CHANGES)
        context.select(3)
    assert twins.call([b"SET", b"\xff\x00", b"1"]) is not None
    twins.harnesses[0].node.keyspace.journal.tell_notes()
    assert books[0].events == books[1].events == [Created(START_MS, "test", 3, b"\xff\x00", "$", "set")]


@pytest.mark.parametrize("line", ["SET k 1", "DEL k", "INCR k", "EXPIRE k 9", "HSET h f v", "MSET k 1"])
def test_whom_notes_do_not_suffice_is_told_by_the_handlers(line: str) -> None:
    ways = [
        lambda node: node.bus.subscribe(Notebook(), CHANGES, 100),
        lambda node: node.bus.subscribe(Notebook(), ALL),
        lambda node: node.keyspace.journal.watch(0, b"other", Harness().client().record),
    ]
    for way in ways:
        twins = Twins(STATES)
        for harness in twins.harnesses:
            harness.node.bus.subscribe(Notebook(), {Deleted})
            way(harness.node)
        assert twins.call(line.encode().split()) is None


# -- in the loop -----------------------------------------------------------------


async def test_a_listener_leaves_commands_to_compiled_code(served: Served, left: list[bytes]) -> None:
    book = Notebook()
    served.harness.node.bus.subscribe(book, CHANGES)
    async with await served.connect() as stream:
        await expect(stream, b"SET a 1\r\nINCR a\r\nDEL a\r\n", b"+OK\r\n:2\r\n:1\r\n")
    assert not left
    assert book.words == ["created a set", "updated a incrby", "deleted a del"]


async def test_what_python_changes_between_is_told_in_its_place(served: Served, left: list[bytes]) -> None:
    book = Notebook()
    served.harness.node.bus.subscribe(book, CHANGES)
    async with await served.connect() as stream:
        await expect(
            stream,
            b"SET a 1\r\nAPPEND a 2\r\nSET b 1\r\nFLUSHDB\r\nSET c 1\r\n",
            b"+OK\r\n:2\r\n+OK\r\n+OK\r\n+OK\r\n",
        )
    assert left == [b"APPEND", b"FLUSHDB"]
    assert book.words == ["created a set", "updated a append", "created b set", "flushed  ", "created c set"]


async def test_a_key_that_is_found_expired_is_told_in_its_place(served: Served) -> None:
    book = Notebook()
    async with await served.connect() as stream:
        await expect(stream, b"SET b 1 PX 10\r\n", b"+OK\r\n")
        served.harness.node.bus.subscribe(book, CHANGES)
        served.harness.clock.advance(1000)
        await expect(stream, b"SET a 1\r\nDEL a b c\r\n", b"+OK\r\n:1\r\n")
    assert book.words == ["created a set", "deleted a del", "expired b expired"]


async def test_subscribers_hear_of_changes_and_messages_in_their_order(served: Served) -> None:
    node = served.harness.node
    node.bus.subscribe(_Publishing(node.broker.announce), CHANGES)
    async with await served.connect() as listener, await served.connect() as stream:
        await ask(listener, b"SUBSCRIBE events news\r\n", 2)
        await expect(stream, b"SET a 1\r\nPUBLISH news x\r\nSET b 1\r\n", b"+OK\r\n:1\r\n+OK\r\n")
        heard = b""
        with trio.fail_after(5):
            while heard.count(b"message") < 3:
                heard += await listener.receive_some()
    assert heard.index(b"\r\na\r\n") < heard.index(b"\r\nx\r\n") < heard.index(b"\r\nb\r\n")


class _Publishing:
    """A sink that publishes keys on a channel."""

    def __init__(self, publish: object) -> None:
        self._publish = publish

    def deliver(self, event: Event) -> None:
        assert callable(self._publish)
        self._publish(b"events", getattr(event, "key", b""))


async def test_who_begins_to_listen_hears_of_nothing_before(served: Served) -> None:
    book = Notebook()
    bus = served.harness.node.bus
    bus.subscribe(Notebook(), {Created})
    async with await served.connect() as stream:
        await expect(stream, b"SET a 1\r\n", b"+OK\r\n")
        bus.subscribe(book, {Created})
        await expect(stream, b"SET b 1\r\n", b"+OK\r\n")
        bus.unsubscribe(book)
        await expect(stream, b"SET c 1\r\n", b"+OK\r\n")
    assert book.words == ["created b set"]


async def test_many_changes_are_told_in_parts_and_all(
    served: Served, left: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    node = served.harness.node
    book = Notebook()
    node.bus.subscribe(book, CHANGES)
    journal = node.keyspace.journal
    announcer = journal._note_taker
    assert announcer is not None
    noted = announcer.noted

    def count_them(notes: Sequence[Note]) -> None:
        sizes.append(len(notes))
        noted(notes)

    monkeypatch.setattr(announcer, "noted", count_them)
    count = 5000
    async with await served.connect() as stream:
        pipeline = b"".join(b"SET %d x\r\n" % number for number in range(count))
        await expect(stream, pipeline, b"+OK\r\n" * count)
    assert not left
    assert max(sizes) == 1024
    assert [event.key for event in book.events if isinstance(event, Created)] == [
        b"%d" % n for n in range(count)
    ]
