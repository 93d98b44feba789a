"""What becomes of changes that are written behind clients' backs."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from respcache.keyspace.slots import key_partition
from respcache.loading import Change, LoadError
from tests.loading.rig import fail, hang
from tests.loading.writing_rig import Rig, Shelf, SingleShelf, after, failed


@pytest.fixture
def rig(nursery: trio.Nursery) -> Rig:
    return Rig(nursery, Shelf({b"k:old": b"1", b"k:hash": {b"f": b"1"}}), write="behind")


async def settle(rig: Rig) -> None:
    """Wait until everything is written."""
    while rig.writer.behind.pendings:  # noqa: ASYNC110  # by the clock of the test
        await trio.sleep(0.05)


@pytest.mark.parametrize(
    ("commands", "changes"),
    [
        (["SET k:1 one"], {b"k:1": b"one"}),
        (["SET k:1 one", "SET k:1 two"], {b"k:1": b"two"}),
        (["INCR k:old", "INCR k:old"], {b"k:old": b"3"}),
        (["HSET k:hash g 2", "HDEL k:hash f"], {b"k:hash": {b"g": b"2"}}),
        (["SET k:1 one", "DEL k:1"], {b"k:1": None}),
        (["RENAME k:old k:new"], {b"k:old": None, b"k:new": b"1"}),
        (["RENAME k:old other", "RENAME other k:2"], {b"k:old": None, b"k:2": b"1"}),
        (["SET k:1 one PXAT 1"], {b"k:1": b"one"}),
        (["DEL k:old"], {b"k:old": None}),
        (["DEL k:no", "EXPIRE k:old 0", "PERSIST k:hash", "SET other 1"], {}),
        (["SET k:1 one", "FLUSHALL"], {b"k:1": b"one"}),
        (["MULTI", "SET k:1 one", "EXPIRE k:1 0", "SET k:2 two", "EXEC"], {b"k:1": b"one", b"k:2": b"two"}),
    ],
)
async def test_what_was_changed_last_is_written_later(
    rig: Rig, autojump_clock: MockClock, commands: list[str], changes: dict[bytes, Any]
) -> None:
    for command in commands:
        await rig.ask(command)
    assert rig.shelf.calls == []
    await settle(rig)
    assert dict(rig.shelf.written) == changes
    assert len(rig.shelf.written) == len(changes)
    rig.assert_at_rest()


async def test_a_hash_is_written_as_it_was_when_the_call_began(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("HSET k:hash g 2")
    rig.shelf.steps.append(after(1))
    await trio.sleep(0.3)
    await rig.ask("HSET k:hash h 3")
    await settle(rig)
    assert rig.shelf.written == [
        (b"k:hash", {b"f": b"1", b"g": b"2"}),
        (b"k:hash", {b"f": b"1", b"g": b"2", b"h": b"3"}),
    ]


async def test_many_keys_are_written_together(rig: Rig, autojump_clock: MockClock) -> None:
    for n in range(2500):
        rig.first.send(f"SET k:{n} {n}")
    await settle(rig)
    assert [len(call) for call in rig.shelf.calls] == [1000, 1000, 500]
    assert rig.shelf.most == 1


async def test_a_loader_without_bulk_write_gets_one_key_at_a_time(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, SingleShelf({b"k:2": b"2"}), write="behind")
    for command in ("SET k:1 one", "DEL k:2", "SET k:3 three"):
        await rig.ask(command)
    await settle(rig)
    assert rig.shelf.rows == {b"k:1": b"one", b"k:3": b"three"}
    assert [len(call) for call in rig.shelf.calls] == [1, 1, 1]


async def test_a_database_that_is_down_for_a_while_loses_nothing(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.always = fail(OSError("down"))
    for n in range(100):
        await rig.ask(f"SET k:{n} {n}")
    await trio.sleep(60)
    assert len(rig.shelf.calls) < 130, "it is not stormed"
    rig.shelf.always = None
    begun_s = trio.current_time()
    await settle(rig)
    assert trio.current_time() - begun_s < 3
    assert rig.shelf.rows == {b"k:%d" % n: b"%d" % n for n in range(100)} | {
        b"k:old": b"1",
        b"k:hash": {b"f": b"1"},
    }
    assert rig.write_statistics.retried > 0


async def test_a_value_that_is_never_taken_holds_nobody_up(rig: Rig, autojump_clock: MockClock) -> None:
    async def refuse_bad(changes: Sequence[Change]) -> None:
        if any(change.value == b"bad" for change in changes):
            raise LoadError("bad")

    rig.shelf.always = refuse_bad
    for n in range(100):
        await rig.ask(f"SET k:{n} {'bad' if n == 33 else n}")
    await trio.sleep(20)
    assert list(rig.writer.behind.pendings.by_key) == [b"k:33"]
    calls = len(rig.shelf.calls)
    for n in range(200, 260):
        await rig.ask(f"SET k:{n} {n}")
        await trio.sleep(1)
    alone = [call for call in rig.shelf.calls[calls:] if call == [(b"k:33", b"bad")]]
    assert len(alone) < 10, "it is tried seldom while others are written"
    await rig.ask("SET k:33 good")
    await trio.sleep(40)
    rig.assert_at_rest()
    assert rig.shelf.rows[b"k:33"] == b"good"


async def test_a_read_of_what_has_expired_finds_what_waits(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.always = fail(OSError("down"))
    await rig.ask("SET k:old 2 PX 300")
    await rig.ask("DEL k:hash")
    await trio.sleep(1)
    assert rig.held("k:old") is None
    assert await rig.ask("GET k:old") == b"2"
    assert await rig.ask("HGET k:hash f") is None
    assert rig.shelf.loads == [[b"k:hash"]], "for DEL"


async def test_a_read_of_what_was_evicted_finds_what_waits(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("HSET k:hash g 2")
    db = rig.harness.node.keyspace.databases[0]
    entry = db.find(b"k:hash")
    assert entry is not None
    db.evict(entry)
    assert await rig.ask("HMGET k:hash f g") == [b"1", b"2"]
    await settle(rig)
    assert rig.shelf.written == [(b"k:hash", {b"f": b"1", b"g": b"2"})], "that it is put back is no change"


async def test_loads_do_not_bring_back_what_was_before(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("GET k:old")
    rig.shelf.load_takes_s = 0.4
    rig.shelf.always = after(1)
    assert rig.source.flights.refresh(b"k:old")
    await trio.sleep(0.1)
    await rig.ask("SET k:old 2")
    await trio.sleep(0.2)
    assert rig.source.flights.refresh(b"k:old"), "it is there; what could be loaded is older"
    await settle(rig)
    await trio.sleep(1)
    assert rig.held("k:old") == b"2"
    assert rig.shelf.rows[b"k:old"] == b"2"
    assert len(rig.shelf.loads) == 2
    assert not rig.source.flights.refresh(b"k:no") or rig.source.flights.by_key


async def test_at_the_limit_writes_go_through(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    rig = Rig(nursery, Shelf(), write="behind", write_queue=3)
    rig.shelf.always = fail(OSError("down"))
    for n in range(3):
        assert await rig.ask(f"SET k:{n} {n}") == b"OK"
    assert await rig.ask("SET k:9 nine") == failed("OSError: down")
    assert rig.held("k:9") is None
    assert await rig.ask("SET k:1 new") == b"OK", "it waits already"
    assert await rig.ask("MSET k:2 new k:9 nine") == failed("OSError: down")
    assert rig.held("k:2") == b"2"
    rig.shelf.always = None
    assert await rig.ask("SET k:9 nine") == b"OK"
    assert rig.shelf.rows[b"k:9"] == b"nine"
    await settle(rig)
    assert rig.shelf.rows == {b"k:0": b"0", b"k:1": b"new", b"k:2": b"2", b"k:9": b"nine"}
    assert rig.write_statistics.overflowed == 3


async def test_draining_writes_everything_at_once(rig: Rig, autojump_clock: MockClock) -> None:
    for n in range(10):
        await rig.ask(f"SET k:{n} {n}")
    begun_s = trio.current_time()
    await rig.loading.drain(5)
    assert trio.current_time() == begun_s
    assert len(rig.shelf.calls) == 1
    rig.assert_at_rest()


async def test_what_cannot_be_drained_is_counted_and_named(
    rig: Rig, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    rig.shelf.always = fail(OSError("down"))
    for n in range(30):
        await rig.ask(f"SET k:{n} {n}")
    begun_s = trio.current_time()
    await rig.loading.drain(5)
    assert trio.current_time() - begun_s == pytest.approx(5)
    await rig.stop()
    assert rig.write_statistics.lost == 30
    [text] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert text.startswith("30 changes of the loader Shelf were not written to its database: k:0, k:1, ")


async def test_a_draining_server_tries_a_database_that_comes_back(
    rig: Rig, autojump_clock: MockClock
) -> None:
    rig.shelf.always = fail(OSError("down"))
    await rig.ask("SET k:1 one")
    await trio.sleep(10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(rig.loading.drain, 8)
        await trio.sleep(4)
        rig.shelf.always = None
    rig.assert_at_rest()


async def test_a_call_that_never_ends_is_made_again(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.steps.append(hang)
    await rig.ask("SET k:1 one")
    await trio.sleep(1)
    await rig.ask("SET k:1 two")
    await trio.sleep(20)
    assert rig.shelf.written == [(b"k:1", b"one"), (b"k:1", b"two")]
    assert rig.write_statistics.abandoned == 1
    rig.assert_at_rest()


async def test_a_loader_that_is_paused_writes_when_it_goes_on(rig: Rig, autojump_clock: MockClock) -> None:
    rig.source.flights.is_paused = True
    await rig.ask("SET k:1 one")
    await trio.sleep(5)
    assert rig.shelf.calls == []
    assert rig.write_statistics.oldest_pending_ms == 5000
    rig.source.flights.is_paused = False
    await trio.sleep(0.5)
    assert rig.shelf.written == [(b"k:1", b"one")]


async def test_the_figures(rig: Rig, autojump_clock: MockClock) -> None:
    for command in ("SET k:1 one", "SET k:1 two", "SET k:2 two"):
        await rig.ask(command)
    await trio.sleep(0.05)
    figures = rig.write_statistics
    assert (figures.pending, figures.oldest_pending_ms, figures.coalesced) == (2, 50, 1)
    await settle(rig)
    figures = rig.write_statistics
    assert (figures.pending, figures.oldest_pending_ms, figures.written) == (0, 0, 2)


# -- in a cluster --------------------------------------------------------------


class Ledger:
    """Keeps what is owed."""

    def __init__(self) -> None:
        self.owed: set[bytes] = set()

    def owe(self, db: int, key: bytes) -> None:
        self.owed.add(key)

    def settle(self, db: int, key: bytes) -> None:
        self.owed.discard(key)


async def test_what_is_to_be_given_away_waits_no_longer(rig: Rig, autojump_clock: MockClock) -> None:
    rig.loading.join_cluster(Ledger())
    partition = key_partition(b"k:1")
    await rig.ask("SET k:1 one")
    assert rig.loading.unwritten() == {partition}
    rig.loading.hasten(partition)
    await trio.sleep(0.001)
    assert rig.shelf.written == [(b"k:1", b"one")]
    assert rig.loading.unwritten() == set()
    rig.shelf.steps.append(fail(LoadError("no")))
    assert await rig.ask("SET k:1 two") == failed("no"), "it goes through"
    await trio.sleep(3)
    assert await rig.ask("SET k:1 three") == b"OK"
    assert rig.loading.unwritten() == {partition}, "nobody speaks of giving it away any more"
    await settle(rig)


async def test_nothing_is_given_away_while_the_database_is_away(rig: Rig, autojump_clock: MockClock) -> None:
    rig.loading.join_cluster(Ledger())
    partition = key_partition(b"k:1")
    rig.shelf.always = fail(OSError("down"))
    await rig.ask("SET k:1 one")
    rig.loading.hasten(partition)
    assert await rig.ask("SET k:{k:1} two") == failed("OSError: down"), "nobody knows yet that it is away"
    rig.loading.hasten(partition)
    assert await rig.ask("SET k:{k:1} two") == b"OK"
    assert rig.loading.unwritten() == {partition}
    rig.shelf.always = None
    await trio.sleep(2)
    rig.assert_at_rest()


async def test_what_is_another_nodes_is_kept_for_a_while_and_then_left_to_that(
    rig: Rig, autojump_clock: MockClock
) -> None:
    await rig.ask("SET k:1 one")
    await rig.ask("SET k:2 two")
    rig.owns = lambda key: key != b"k:1"
    await trio.sleep(20)
    assert rig.shelf.written == [(b"k:2", b"two")]
    rig.owns = lambda key: True
    await trio.sleep(2)
    assert rig.shelf.written == [(b"k:2", b"two"), (b"k:1", b"one")]
    await rig.ask("SET k:1 three")
    rig.owns = lambda key: False
    await trio.sleep(65)
    rig.assert_at_rest()
    assert len(rig.shelf.written) == 2


async def test_a_deletion_is_owed_until_it_is_written(rig: Rig, autojump_clock: MockClock) -> None:
    ledger = Ledger()
    rig.loading.join_cluster(ledger)
    rig.shelf.rows |= {b"k:1": b"one", b"k:2": b"two"}
    rig.shelf.always = fail(OSError("down"))
    assert await rig.ask("DEL k:1 k:2") == 2
    await rig.ask("SET k:3 three")
    assert ledger.owed == {b"k:1", b"k:2"}
    assert rig.loading.is_pending(0, b"k:1")
    await trio.sleep(3)
    assert rig.shelf.calls
    assert ledger.owed == {b"k:1", b"k:2"}, "it has failed"
    rig.shelf.always = None
    await settle(rig)
    assert not {b"k:1", b"k:2"} & rig.shelf.rows.keys()
    assert ledger.owed == set()
    assert not rig.loading.is_pending(0, b"k:1")


async def test_a_deletion_is_owed_no_more_once_the_key_is_written_again(
    rig: Rig, autojump_clock: MockClock
) -> None:
    ledger = Ledger()
    rig.loading.join_cluster(ledger)
    await rig.ask("SET k:1 one")
    await rig.ask("DEL k:1")
    await rig.ask("SET k:1 two")
    assert ledger.owed == set()
    await settle(rig)
    assert rig.shelf.written == [(b"k:1", b"two")]


async def test_a_key_that_is_deleted_again_while_it_is_written_is_owed_until_that_is_written(
    rig: Rig, autojump_clock: MockClock
) -> None:
    ledger = Ledger()
    rig.loading.join_cluster(ledger)
    rig.shelf.rows[b"k:1"] = b"one"
    rig.shelf.steps.extend([after(1), after(1)])
    await rig.ask("DEL k:1")
    await trio.sleep(0.5)
    await rig.ask("SET k:1 two")
    await rig.ask("DEL k:1")
    await trio.sleep(0.8)
    assert rig.shelf.written == [(b"k:1", None), (b"k:1", None)], "the second call runs"
    assert ledger.owed == {b"k:1"}
    await settle(rig)
    assert ledger.owed == set()


@pytest.mark.parametrize("command", ["EXPIRE k:1 0", "PEXPIREAT k:1 1", "GETEX k:1 PXAT 1", "FLUSHALL"])
async def test_what_only_leaves_the_cache_is_not_owed(
    command: str, rig: Rig, autojump_clock: MockClock
) -> None:
    ledger = Ledger()
    rig.loading.join_cluster(ledger)
    rig.shelf.rows[b"k:1"] = b"one"
    await rig.ask("GET k:1")
    await rig.ask(command)
    assert rig.held("k:1") is None
    assert ledger.owed == set()
    await settle(rig)
    assert rig.shelf.rows[b"k:1"] == b"one"


@pytest.mark.parametrize("command", ["DEL k:1", "UNLINK k:1", "GETDEL k:1", "RENAME k:1 other", "MOVE k:1 1"])
async def test_whatever_deletes_a_key_is_owed(command: str, rig: Rig, autojump_clock: MockClock) -> None:
    ledger = Ledger()
    rig.loading.join_cluster(ledger)
    rig.shelf.rows[b"k:1"] = b"one"
    await rig.ask(command)
    assert ledger.owed == {b"k:1"}
    await settle(rig)
    assert b"k:1" not in rig.shelf.rows
    assert ledger.owed == set()
