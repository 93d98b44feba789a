"""Transactions, watches and everything else that must not notice that writes wait for a database. See also tests/loading."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from respcache.loading import LoadError
from respcache.server.noting import Noter
from tests.loading.rig import fail
from tests.loading.writing_rig import Rig, Shelf, after, failed


@pytest.fixture
def rig(nursery: trio.Nursery) -> Rig:
    return Rig(nursery, Shelf({b"k:a": b"1", b"k:b": b"2"}), write="through")


async def transact(rig: Rig, *commands: str) -> Any:
    client = rig.client()
    for command in ("MULTI", *commands):
        await client.ask(command)
    rig.set_clock()
    return await client.ask("EXEC")


# -- transactions ------------------------------------------------------------


async def test_a_transaction_is_one_write(rig: Rig, autojump_clock: MockClock) -> None:
    replies = await transact(
        rig, "INCR k:a", "SET other x", "GET k:a", "DEL k:b", "INCR k:a", "HSET k:h f 1", "INCR k:h"
    )
    assert replies[:6] == [2, b"OK", b"2", 1, 3, 1]
    assert replies[6].code == "WRONGTYPE"
    assert rig.shelf.calls == [[(b"k:b", None), (b"k:a", b"3"), (b"k:h", {b"f": b"1"})]]
    rig.assert_at_rest()


async def test_a_transaction_that_is_refused_changes_nothing(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.always = fail(LoadError("no"))
    assert await transact(rig, "SET k:a 9", "SET other x", "PUBLISH news x") == failed("no")
    assert (await rig.ask("GET k:a"), await rig.ask("GET other")) == (b"1", None)
    rig.assert_at_rest()


async def test_after_a_refused_transaction_the_client_is_in_none(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.steps.append(fail(LoadError("no")))
    client = rig.client()
    for command in ("WATCH k:b", "MULTI", "SET k:a 9"):
        await client.ask(command)
    assert await client.ask("EXEC") == failed("no")
    await rig.ask("SET k:b 3")
    assert await client.ask("MULTI") == b"OK"
    assert await client.ask("EXEC") == []


async def test_a_transaction_in_other_databases(rig: Rig, autojump_clock: MockClock) -> None:
    assert await transact(rig, "SELECT 1", "SET k:a other", "SELECT 0", "SET k:a 5") == [b"OK"] * 4
    assert rig.shelf.calls == [[(b"k:a", b"5")]]
    assert await rig.ask("GET k:a") == b"5"


async def test_what_is_flushed_within_a_transaction_stays_in_the_database(
    rig: Rig, autojump_clock: MockClock
) -> None:
    await rig.ask("GET k:b")
    assert await transact(rig, "FLUSHALL", "SET k:a 9") == [b"OK", b"OK"]
    assert rig.shelf.rows == {b"k:a": b"9", b"k:b": b"2"}
    assert rig.held("k:b") is None


async def test_a_transaction_whose_watch_has_broken_writes_nothing(
    rig: Rig, autojump_clock: MockClock
) -> None:
    client = rig.client()
    for command in ("WATCH other", "MULTI", "SET k:a 9"):
        await client.ask(command)
    await rig.ask("SET other 1")
    assert await client.ask("EXEC") is None
    assert rig.shelf.calls == []


async def test_a_watched_key_that_has_expired_breaks_the_watch(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("SET other 1 PX 100")
    client = rig.client()
    for command in ("WATCH other", "MULTI", "SET k:a 9"):
        await client.ask(command)
    await trio.sleep(1)
    rig.set_clock()
    assert await client.ask("EXEC") is None
    assert rig.shelf.calls == []


async def test_nobody_changes_what_a_transaction_watches_while_it_is_written(
    rig: Rig, autojump_clock: MockClock
) -> None:
    client = rig.client()
    for command in ("WATCH other k:b", "MULTI", "SET k:a 9"):
        await client.ask(command)
    rig.shelf.steps.append(after(1))
    assert client.send("EXEC") == []
    changing = rig.send("SET other 1")
    await trio.sleep(0.5)
    assert (changing.replies(), rig.held("other")) == ([], None)
    assert await client.read() == [[b"OK"]]
    assert await changing.read() == [b"OK"]
    rig.assert_at_rest()


async def test_a_transaction_waits_for_the_write_of_what_it_watches(
    rig: Rig, autojump_clock: MockClock
) -> None:
    client = rig.client()
    for command in ("WATCH k:b", "MULTI", "SET k:a 9"):
        await client.ask(command)
    rig.shelf.steps.append(after(1))
    changing = rig.send("SET k:b 3")
    assert client.send("EXEC") == []
    assert await client.read() == [None]
    assert await changing.read() == [b"OK"]
    assert rig.shelf.written == [(b"k:b", b"3")]
    rig.assert_at_rest()


async def test_a_refused_write_breaks_nobodys_watch(rig: Rig, autojump_clock: MockClock) -> None:
    client = rig.client()
    await client.ask("WATCH k:a")
    rig.shelf.steps.append(fail(LoadError("no")))
    await rig.ask("SET k:a 9")
    await client.ask("MULTI")
    await client.ask("GET k:a")
    assert await client.ask("EXEC") == [b"1"]


async def test_a_broken_transaction_writes_nothing(rig: Rig, autojump_clock: MockClock) -> None:
    client = rig.client()
    for command in ("MULTI", "SET k:a 9", "NONSENSE"):
        await client.ask(command)
    assert (await client.ask("EXEC")).code == "EXECABORT"
    assert rig.shelf.calls == []


async def test_what_a_client_sends_behind_its_transaction_waits_for_it(
    rig: Rig, autojump_clock: MockClock
) -> None:
    client = rig.client()
    for command in ("MULTI", "SET k:a 9"):
        await client.ask(command)
    rig.shelf.steps.append(after(1))
    assert client.send("EXEC") == []
    assert client.send("GET other") == []
    assert await client.read(2) == [[b"OK"], None]


async def test_a_client_that_hangs_up_has_written_all_the_same(rig: Rig, autojump_clock: MockClock) -> None:
    client = rig.client()
    for command in ("MULTI", "INCR k:a"):
        await client.ask(command)
    rig.shelf.steps.append(after(1))
    client.send("EXEC")
    client.close()
    await trio.sleep(2)
    assert (rig.held("k:a"), rig.shelf.rows[b"k:a"]) == (b"2", b"2")
    rig.assert_at_rest()


# -- order -------------------------------------------------------------------


async def test_a_clients_commands_keep_their_order(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.always = after(0.3)
    client = rig.client()
    for command in ("SET k:1 one", "GET k:1", "DEL k:1", "GET k:1", "SET k:1 two", "GET k:1"):
        client.send(command)
    assert await client.read(6) == [b"OK", b"one", 1, None, b"OK", b"two"]
    rig.assert_at_rest()


async def test_a_command_runs_in_the_database_in_which_it_came(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.always = after(0.3)
    client = rig.client()
    for command in ("SET k:1 one", "SELECT 2", "GET k:1"):
        client.send(command)
    assert await client.read(3) == [b"OK", b"OK", None]
    assert rig.held("k:1") == b"one"


async def test_flushall_waits_for_what_is_being_written(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.steps.append(after(1))
    writing = rig.send("SET k:1 one")
    flushing = rig.send("FLUSHALL")
    assert await writing.read() == [b"OK"]
    assert await flushing.read() == [b"OK"]
    assert rig.held("k:1") is None
    assert rig.shelf.rows[b"k:1"] == b"one"


async def test_a_key_of_another_database_is_waited_for(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    shelf = Shelf({b"k:a": b"1"})
    rig = Rig(nursery, shelf, write="through", db=3)
    await rig.ask("SET k:a here")
    shelf.steps.append(after(1))
    client = rig.client()
    await client.ask("SELECT 3")
    assert client.send("SET k:b busy") == []
    copying = rig.send("COPY k:a k:b DB 3 REPLACE")
    assert await client.read() == [b"OK"]
    assert await copying.read() == [1]
    assert shelf.written == [(b"k:b", b"busy"), (b"k:b", b"here")]
    rig.assert_at_rest()


# -- nobody notices the rehearsal --------------------------------------------


async def test_a_refused_command_leaves_no_trace(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("GET k:a")
    node, db = rig.harness.node, rig.harness.node.keyspace.databases[0]
    tracker = rig.client()
    await tracker.ask("CLIENT TRACKING ON")
    await tracker.ask("GET k:a")
    heard = Noter(node.keyspace.journal, node.keyspace.databases)
    heard.begin()
    before = (
        node.keyspace.used_bytes,
        node.keyspace.journal.changes,
        node.statistics.keyspace_hits,
        node.statistics.keyspace_misses,
        len(db),
    )
    rig.shelf.always = fail(LoadError("no"))
    assert await rig.ask("SET k:a 2 GET") == failed("no")
    assert await transact(rig, "APPEND k:a 3", "SET other 1") == failed("no")
    after_all = (
        node.keyspace.used_bytes,
        node.keyspace.journal.changes,
        node.statistics.keyspace_hits,
        node.statistics.keyspace_misses,
        len(db),
    )
    assert (before[:4], before[4]) == (after_all[:4], after_all[4])
    assert heard.end(lambda db, key: True) == []
    assert tracker.pushes == []
    assert b"errorstat_WRITEFAILED:count=2" in await rig.ask("INFO errorstats")


async def test_a_command_is_counted_once(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("SET k:a 2")
    assert b"cmdstat_set:calls=1," in await rig.ask("INFO commandstats")


async def test_a_change_is_told_once_and_only_when_it_is_written(rig: Rig, autojump_clock: MockClock) -> None:
    tracker = rig.client()
    await tracker.ask("CLIENT TRACKING ON")
    await tracker.ask("GET k:a")
    rig.shelf.steps.append(after(1))
    writing = rig.send("SET k:a 2")
    await trio.sleep(0.5)
    tracker.replies()
    assert tracker.pushes == []
    await writing.read()
    tracker.replies()
    assert tracker.pushes == [[b"invalidate", [b"k:a"]]]


async def test_the_copies_of_a_rehearsal_are_no_ones_values(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("HSET k:h f 1")
    await rig.ask("APPEND k:s abc")
    rig.shelf.always = fail(LoadError("no"))
    await rig.ask("HSET k:h f 2 g 3")
    await rig.ask("APPEND k:s def")
    assert await rig.ask("HGETALL k:h") in ({b"f": b"1"}, [b"f", b"1"])
    assert await rig.ask("GET k:s") == b"abc"


# -- two loaders -------------------------------------------------------------


class Other(Shelf):
    pattern = "o:*"


async def test_each_loader_gets_its_own_keys(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    rig = Rig(nursery, Shelf(), Other(), write="through")
    assert await rig.ask("MSET k:1 a o:1 b k:2 c") == b"OK"
    assert [shelf.calls for shelf in rig.shelves] == [
        [[(b"k:1", b"a"), (b"k:2", b"c")]],
        [[(b"o:1", b"b")]],
    ]


async def test_where_the_second_refuses_nobody_knows_what_the_first_has(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, Shelf({b"k:1": b"old"}), Other({b"o:1": b"old"}), write="through")
    await rig.ask("MGET k:1 o:1")
    rig.shelves[1].always = fail(LoadError("no"))
    assert await rig.ask("MSET k:1 a o:1 b") == failed("no")
    assert (rig.held("k:1"), rig.held("o:1")) == (None, None)
    assert await rig.ask("MGET k:1 o:1") == [b"a", b"old"]
    rig.assert_at_rest()


async def test_one_behind_and_one_through(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    shelf, other = Shelf(), Other()
    other.write_mode = "behind"
    shelf.write_mode = "through"
    rig = Rig(nursery, shelf, other)
    assert await transact(rig, "SET k:1 a", "SET o:1 b") == [b"OK", b"OK"]
    assert (shelf.calls, other.calls) == ([[(b"k:1", b"a")]], [])
    await trio.sleep(1)
    assert other.calls == [[(b"o:1", b"b")]]
    shelf.always = fail(LoadError("no"))
    assert await transact(rig, "SET k:1 x", "SET o:1 x") == failed("no")
    await trio.sleep(1)
    assert len(other.calls) == 1
    rig.assert_at_rest()
