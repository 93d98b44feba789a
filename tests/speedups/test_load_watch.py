"""Which commands the compiled loop runs at once while there are loaders, and which it leaves to the session."""

from collections.abc import AsyncIterator

import pytest
import trio

from respcache._speedups import IS_COMPILED
from respcache.commands.loads import Wait
from respcache.keyspace.entry import Entry
from respcache.keyspace.slots import key_slot
from tests.commands.harness import Harness
from tests.server.served import Served, serving

from .talk import note_left

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")


class FakeLoads:
    """Loaders of which nothing is ever needed: only what the compiled loop knows of them counts."""

    def prefixes(self) -> list[tuple[int, bytes, int, bool]]:
        return [(0, b"user:", 1000, False), (0, b"row:", 0, True), (3, b"", 0, False)]

    def covers(self, db: int, key: bytes) -> bool:
        return False

    def wait_for(self, db: int, key: bytes) -> Wait | None:
        raise AssertionError("it covers nothing")

    def is_due(self, entry: Entry, db: int) -> bool:
        raise AssertionError("it covers nothing")

    def note_read(self, db: int, entry: Entry) -> None:
        raise AssertionError("it covers nothing")

    def overtake(self, db: int, key: bytes) -> None:
        raise AssertionError("it covers nothing")

    def takes_writes(self, db: int, key: bytes) -> bool:
        raise AssertionError("it covers nothing")


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    harness = Harness()
    harness.dispatcher.load_by(FakeLoads())
    fill = harness.client()
    for key in (b"user:1", b"user:2", b"row:1", b"other"):
        fill("SET", key, "v")
    async with serving(harness) as served:
        yield served


@pytest.fixture
def left(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[list[bytes]]:
    """Return the commands that were left to the Python session, as they come."""
    commands: list[list[bytes]] = []
    note_left(monkeypatch, commands.append)
    return commands


async def run(served: Served, *lines: bytes) -> None:
    """Send inline commands, and read until all of them have been answered: each here has one line, or two."""
    async with await served.connect() as stream:
        await stream.send_all(b"".join(line + b"\r\n" for line in (*lines, b"ECHO done")))
        got = b""
        with trio.fail_after(10):
            while not got.endswith(b"done\r\n"):
                got += await stream.receive_some(65536)
    assert b"-ERR" not in got


@pytest.mark.parametrize(
    "line",
    [
        b"GET user:1",
        b"MGET user:1 user:2 other",
        b"SET user:1 new",
        b"GET row:1",
        b"GET elsewhere",
        b"SET elsewhere v",
        b"DEL user:1",
        b"PING",
    ],
)
async def test_commands_whose_keys_are_there_run_at_once(
    served: Served, left: list[list[bytes]], line: bytes
) -> None:
    await run(served, line)
    assert left in ([], [[b"ECHO", b"done"]])


@pytest.mark.parametrize(
    "line",
    [
        b"GET user:9",
        b"MGET user:1 user:9",
        b"MGET other user:9",
        b"SET user:9 v",
        b"DEL user:9",
        b"SET row:1 new",
        b"INCR row:2",
        b"MSET other v row:1 v",
    ],
)
async def test_a_missing_key_or_a_write_that_goes_further_is_for_the_session(
    served: Served, left: list[list[bytes]], line: bytes
) -> None:
    await run(served, line)
    assert left[0] == line.split()


async def test_a_key_that_has_not_long_to_live_is_for_the_session(
    served: Served, left: list[list[bytes]]
) -> None:
    fill = served.harness.client()
    fill("SET user:1 v PX 1000")
    fill("SET user:2 v PX 1001")
    fill("SET row:1 v PX 1")
    await run(served, b"GET user:2", b"GET row:1", b"GET user:1")
    assert [b"GET", b"user:1"] in left
    assert [b"GET", b"user:2"] not in left
    assert [b"GET", b"row:1"] not in left


async def test_other_databases_have_loaders_of_their_own(served: Served, left: list[list[bytes]]) -> None:
    await run(served, b"SELECT 1", b"GET user:9")
    assert [b"GET", b"user:9"] not in left
    await run(served, b"SELECT 3", b"GET whatever")
    assert [b"GET", b"whatever"] in left


async def test_a_busy_key_holds_up_those_of_its_slot_and_no_others(
    served: Served, left: list[list[bytes]]
) -> None:
    owners = served.harness.composition.owners
    owners.engage(0, b"{other}2")
    assert key_slot(b"{other}2") == key_slot(b"other")
    await run(served, b"GET user:1", b"GET other")
    assert left[0] == [b"GET", b"other"]
    left.clear()
    owners.release(0, b"{other}2")
    await run(served, b"GET other")
    assert [b"GET", b"other"] not in left


async def test_what_was_looked_up_for_one_command_is_not_taken_for_the_next(
    served: Served, left: list[list[bytes]]
) -> None:
    async with await served.caller() as caller:
        assert await caller.call("GET user:1") == b"$1\r\nv\r\n"
        assert await caller.call("GET other") == b"$1\r\nv\r\n"
        assert await caller.call("GET nothing") == b"$-1\r\n"
        assert await caller.call("SET user:1 other") == b"+OK\r\n"
        assert await caller.call("GETDEL user:1") == b"$5\r\nother\r\n"
        assert await caller.call("EXISTS user:1 user:2") == b":1\r\n"
