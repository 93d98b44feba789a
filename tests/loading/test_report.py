"""Loaders at work, and what is told of them: all of it through LOADER's commands, as clients see it."""

from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from respcache.commands.loads import LoaderReport
from respcache.loading import Loader, LoadError
from respcache.loading.assembly import make_sources
from respcache.loading.ground import Ground
from respcache.loading.loading import Loading
from respcache.loading.report import Controls
from tests.commands.harness import START_MS, Harness
from tests.loading.writing_rig import Rig, Shelf


class Rows(Loader):
    """Keys that end in ``0`` have no value, those in ``9`` are broken; the others are their own. A call takes a second."""

    pattern = "row:*"
    tries = 1

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, Any]:
        self.calls.append(keys)
        await trio.sleep(1)
        return {
            key: LoadError("broken") if key.endswith(b"9") else key for key in keys if not key.endswith(b"0")
        }


class Server:
    """A harness with one loader that runs, on trio's clock."""

    def __init__(self, nursery: trio.Nursery, rows: Rows | None = None, **options: Any) -> None:
        self.harness = Harness(spawn=nursery.start_soon)
        parts = self.harness.composition
        self.begun_s = trio.current_time()
        self.rows = rows or Rows()
        ground = Ground(
            databases=parts.node.keyspace.databases,
            clock=parts.node.clock,
            set_clock=self.set_clock,
            chance=parts.node.chance,
            owners=parts.owners,
            make_room=parts.memory.may_grow,
            is_mine=lambda key: True,
            publish=parts.node.bus.publish,
            wants=parts.node.bus.wants,
            name=parts.name,
        )
        self.loading = Loading(make_sources([(self.rows, options)], ground))
        parts.dispatcher.load_by(self.loading)
        self.controls = parts.node.loads = Controls(self.loading, parts.node.clock)
        self.client = self.harness.client()
        nursery.start_soon(self.loading.run)

    def set_clock(self) -> None:
        self.harness.clock.now_ms = START_MS + round((trio.current_time() - self.begun_s) * 1000)

    async def pass_time(self, seconds: float) -> None:
        await trio.sleep(seconds)
        await trio.testing.wait_all_tasks_blocked()
        self.set_clock()

    def states(self, *keys: str) -> list[bytes | None]:
        found: list[bytes | None] = self.client("LOADER", "STATE", *keys)
        return found

    def stats(self) -> dict[bytes, Any]:
        told: dict[bytes, Any] = self.client("LOADER STATS Rows")[b"Rows"]
        return told

    def report(self) -> LoaderReport:
        [one] = self.controls.reports()
        return one


@pytest.fixture
def server(nursery: trio.Nursery) -> Server:
    return Server(nursery)


async def test_keys_go_through_their_states(server: Server, autojump_clock: MockClock) -> None:
    keys = ("row:1", "row:10", "row:9", "row:2", "other")
    assert server.states(*keys) == [b"unknown"] * 4 + [None]
    assert server.client("LOADER REQUEST row:1 row:10 row:9 other") == 3
    assert server.states(*keys) == [b"requested"] * 3 + [b"unknown", None]
    await server.pass_time(0.5)
    assert server.states(*keys) == [b"loading"] * 3 + [b"unknown", None]
    await server.pass_time(1)
    assert server.states(*keys) == [b"loaded", b"absent", b"failed", b"unknown", None]
    assert server.client("LOADER REFRESH row:1") == 1
    assert server.states("row:1") == [b"reloading"]
    assert server.client("LOADER PEEK row:1") == b"row:1"
    await server.pass_time(1.5)
    assert server.states("row:1") == [b"loaded"]
    assert server.rows.calls == [[b"row:1", b"row:10", b"row:9"], [b"row:1"]]


async def test_a_request_of_what_is_there_asks_nobody(server: Server, autojump_clock: MockClock) -> None:
    server.client("SET row:1 written")
    assert server.client("LOADER REQUEST row:1 row:1") == 2
    await server.pass_time(2)
    assert server.rows.calls == []
    assert server.client("LOADER PEEK row:1") == b"written"


async def test_states_and_values_are_told_while_clients_wait_for_the_key(
    server: Server, autojump_clock: MockClock
) -> None:
    reader = server.harness.client()
    assert reader.send("GET row:1") == []
    await server.pass_time(0.5)
    assert server.states("row:1") == [b"loading"]
    assert server.client("LOADER PEEK row:1") is None
    assert server.client("LOADER REQUEST row:1") == 1
    assert server.client("LOADER REFRESH row:1") == 1
    await server.pass_time(1)
    assert reader.replies() == [b"row:1"]
    assert len(server.rows.calls) == 1


async def test_what_is_forgotten_while_somebody_waits_for_it_is_forgotten_after_that(
    server: Server, autojump_clock: MockClock
) -> None:
    reader = server.harness.client()
    reader.send("GET row:1")
    assert server.client.send("LOADER FORGET row:1") == []
    await server.pass_time(1.5)
    assert (reader.replies(), server.client.replies()) == ([b"row:1"], [1])
    assert server.states("row:1") == [b"unknown"]


async def test_what_is_forgotten_on_its_way_is_thrown_away(server: Server, autojump_clock: MockClock) -> None:
    server.client("LOADER REQUEST row:1")
    await server.pass_time(0.5)
    assert server.client("LOADER FORGET row:1") == 1
    await server.pass_time(1)
    assert server.states("row:1") == [b"unknown"]
    assert server.stats()[b"total"][b"outdated"] == 1


async def test_absences_and_failures_are_forgotten(server: Server, autojump_clock: MockClock) -> None:
    server.client("LOADER REQUEST row:10 row:9")
    await server.pass_time(1.5)
    now = server.stats()[b"now"]
    assert (now[b"absent"], now[b"failed"]) == (1, 1)
    assert server.client("LOADER FORGET row:10 row:9 row:1 other") == 2
    assert server.states("row:10", "row:9") == [b"unknown", b"unknown"]
    now = server.stats()[b"now"]
    assert (now[b"absent"], now[b"failed"]) == (0, 0)


async def test_keys_and_calls_are_counted(server: Server, autojump_clock: MockClock) -> None:
    server.client("LOADER REQUEST row:1")
    await server.pass_time(1.5)
    server.client("LOADER REFRESH row:1")
    server.client("LOADER REQUEST row:2 row:9")
    await server.pass_time(0.5)
    server.client("LOADER REQUEST row:3")
    now = server.stats()[b"now"]
    wanted = {b"requested": 1, b"loading": 2, b"reloading": 1, b"running_calls": 1, b"overdue_calls": 0}
    assert {name: now[name] for name in wanted} == wanted
    await server.pass_time(3)
    told = server.stats()
    assert (told[b"total"][b"loaded"], told[b"total"][b"refreshed"], told[b"total"][b"failed"]) == (3, 1, 1)
    assert told[b"total"][b"calls"] == len(server.rows.calls)
    assert told[b"last_failure"] == b"broken"
    assert (told[b"pattern"], told[b"settings"][b"tries"]) == (b"row:*", 1)


# -- pausing -------------------------------------------------------------------


async def test_a_loader_that_is_paused_is_asked_nothing(server: Server, autojump_clock: MockClock) -> None:
    assert server.client("LOADER PAUSE Rows") == b"OK"
    assert server.report().state == "paused"
    reply = server.client("GET row:1")
    assert (reply.code, reply.message) == ("LOADFAILED", "the loader Rows is paused")
    assert server.client("LOADER REQUEST row:1") == 0
    server.client("SET row:2 written")
    assert server.client("GET row:2") == b"written"
    await server.pass_time(2)
    assert server.rows.calls == []
    assert server.client("LOADER RESUME Rows") == b"OK"
    assert server.report().state == "closed"
    assert server.client("LOADER REQUEST row:1") == 1
    await server.pass_time(1.5)
    assert server.states("row:1") == [b"loaded"]


async def test_a_pause_lets_calls_end_and_refuses_who_waits_for_one(
    server: Server, autojump_clock: MockClock
) -> None:
    calling, queued = server.harness.client(), server.harness.client()
    calling.send("GET row:1")
    await server.pass_time(0.5)
    server.client("LOADER PAUSE Rows")
    queued.send("GET row:1")
    await server.pass_time(1)
    assert (calling.replies(), queued.replies()) == ([b"row:1"], [b"row:1"])


async def test_keys_that_wait_for_a_call_hear_of_a_pause(server: Server, autojump_clock: MockClock) -> None:
    reader = server.harness.client()
    reader.send("GET row:1")
    server.client("LOADER PAUSE Rows")
    await server.pass_time(0.5)
    [reply] = reader.replies()
    assert (reply.code, reply.message) == ("LOADFAILED", "the loader is paused")
    assert server.rows.calls == []


async def test_a_pause_answers_misses_where_those_are_wanted(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = Server(nursery, on_failure="miss")
    server.client("LOADER PAUSE Rows")
    assert server.client("GET row:1") is None


async def test_loaders_that_there_are_not_are_not_paused(server: Server, autojump_clock: MockClock) -> None:
    assert not server.controls.pause("Nobody")
    assert not server.controls.resume("Nobody")


# -- how it stands -----------------------------------------------------------------


class Broken(Rows):
    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, Any]:
        raise OSError("no route")


async def test_a_loader_that_keeps_failing_says_so(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = Server(nursery, Broken(), name="Rows", circuit_failures=2, circuit_reset_ms=60_000)
    for key in ("row:1", "row:2"):
        server.client("LOADER", "REQUEST", key)
        await server.pass_time(0.5)
    told = server.report()
    assert (told.state, told.breaker, told.totals["opened"]) == ("open", "open", 1)
    assert told.last_failure == "OSError: no route"
    await server.pass_time(60)
    assert server.report().state == "half-open"


async def test_a_loader_all_calls_of_which_are_overdue_is_stuck(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = Server(nursery, timeout_ms=100, max_concurrent_batches=1)
    server.client("LOADER REQUEST row:1")
    await server.pass_time(0.2)
    told = server.report()
    assert (told.state, told.now["overdue_calls"], told.now["running_calls"]) == ("stuck", 1, 1)


async def test_settings_are_told_under_their_names(server: Server, autojump_clock: MockClock) -> None:
    settings = server.report().settings
    assert settings["on_failure"] == "error"
    assert not {"name", "pattern", "db"} & settings.keys()


# -- loaders that write --------------------------------------------------------------


async def test_what_is_forgotten_stays_in_the_database(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, Shelf(), write="through")
    controls = rig.parts.node.loads = Controls(rig.loading, rig.parts.node.clock)
    await rig.ask("SET k:1 one")
    assert await rig.ask("LOADER FORGET k:1") == 1
    assert (rig.held("k:1"), rig.shelf.rows) == (None, {b"k:1": b"one"})
    assert await rig.ask("GET k:1") == b"one"
    assert rig.shelf.written == [(b"k:1", b"one")]
    [told] = controls.reports()
    assert (told.totals["write_calls"], told.totals["write_written"], told.totals["calls"]) == (1, 1, 1)


async def test_what_is_forgotten_before_it_was_written_is_not_lost(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, Shelf({b"k:1": b"old"}), write="behind")
    controls = rig.parts.node.loads = Controls(rig.loading, rig.parts.node.clock)
    await rig.ask("SET k:1 new")
    assert controls.reports()[0].now["pending_writes"] == 1
    assert await rig.ask("LOADER FORGET k:1") == 1
    assert await rig.ask("LOADER PEEK k:1") is None
    assert await rig.ask("GET k:1") == b"new"
    await trio.sleep(1)
    assert rig.shelf.rows == {b"k:1": b"new"}
    assert controls.reports()[0].now["pending_writes"] == 0
