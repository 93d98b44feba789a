"""A key that is kept busy, seen by clients over real sockets: who waits, who does not, and how it ends."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
import trio

from respcache.owners.owners import CRASHED, SHUTTING_DOWN
from tests.commands.harness import Harness, Task
from tests.server.served import Caller, Served, serving


@dataclass
class Bench:
    """A served harness whose owners sleep until ``alarm``."""

    served: Served
    alarm: trio.Event
    tasks: list[trio.CancelScope]
    """The owners' own."""
    connected: list[Caller] = field(default_factory=list)

    async def callers(self, count: int) -> list[Caller]:
        came = [await self.served.caller() for _ in range(count)]
        self.connected += came
        return came

    async def put_to_sleep(self, caller: Caller, key: str) -> None:
        """Keep a key busy, and return when it is."""
        await caller.send(f"DEBUG OWNER-SLEEP {key} 60")
        await self.wait_for("owners_working", 1)

    async def wait_for(self, figure: str, value: int) -> None:
        """Wait until a figure of INFO owners has come to this."""
        statistics = self.served.harness.composition.owners.statistics
        with trio.fail_after(10):
            while statistics()[figure] != value:  # noqa: ASYNC110  # the server tells nobody
                await trio.sleep(0.001)


@pytest.fixture
async def bench(nursery: trio.Nursery) -> AsyncIterator[Bench]:
    alarm = trio.Event()
    scopes: list[trio.CancelScope] = []

    async def sleep(seconds: float) -> None:
        await alarm.wait()

    def spawn(task: Task) -> None:
        scopes.append(trio.CancelScope())
        nursery.start_soon(run_within, scopes[-1], task)

    harness = Harness(spawn, enable_debug_command="local")
    harness.host.sleep = sleep  # type: ignore[method-assign]
    async with serving(harness) as served:
        bench = Bench(served, alarm, scopes)
        yield bench
        for caller in bench.connected:
            await caller.aclose()


async def run_within(scope: trio.CancelScope, task: Task) -> None:
    with scope:
        await task()


async def read_all(callers: Sequence[Caller]) -> list[bytes]:
    return [await caller.read() for caller in callers]


async def test_commands_on_a_busy_key_run_in_the_order_in_which_they_came(bench: Bench) -> None:
    sleeper, *callers = await bench.callers(11)
    await bench.put_to_sleep(sleeper, "key")
    for number, caller in enumerate(callers):
        await caller.send(f"APPEND key {number}")
        await bench.wait_for("owners_queued_total", number + 1)
    bench.alarm.set()
    assert await sleeper.read() == b"+OK\r\n"
    assert await read_all(callers) == [b":%d\r\n" % length for length in range(1, 11)]
    assert await sleeper.call("GET key") == b"$10\r\n0123456789\r\n"


async def test_other_keys_and_the_same_key_of_another_database_go_on(bench: Bench) -> None:
    sleeper, neighbour, stranger = await bench.callers(3)
    await bench.put_to_sleep(sleeper, "key")
    assert await neighbour.call("SET other 1") == b"+OK\r\n"
    assert await stranger.call("SELECT 1") == b"+OK\r\n"
    assert await stranger.call("SET key 1") == b"+OK\r\n"
    assert await stranger.call("GET key") == b"$1\r\n1\r\n"


async def test_a_client_that_waits_gets_later_replies_behind_the_one_it_waits_for(bench: Bench) -> None:
    sleeper, caller = await bench.callers(2)
    await bench.put_to_sleep(sleeper, "key")
    for line in ("INCR key", "PING", "GET other"):
        await caller.send(line)
    await bench.wait_for("owners_queued_total", 1)
    bench.alarm.set()
    assert await read_all([caller] * 3) == [b":1\r\n", b"+PONG\r\n", b"$-1\r\n"]


async def test_a_command_on_two_busy_keys_waits_for_both(bench: Bench) -> None:
    one, two, caller = await bench.callers(3)
    await bench.put_to_sleep(one, "a")
    await two.send("DEBUG OWNER-CRASH b")
    assert await two.read() == CRASHED.wire
    await caller.send("MSET a 1 b 2")
    await bench.wait_for("owners_queued_total", 1)
    assert await two.call("PING") == b"+PONG\r\n"
    await two.send("GET b")  # behind MSET, although b itself is idle
    await bench.wait_for("owners_queued_total", 2)
    bench.alarm.set()
    assert await caller.read() == b"+OK\r\n"
    assert await two.read() == b"$1\r\n2\r\n"


async def test_a_crash_answers_who_waits_and_the_next_command_works(bench: Bench) -> None:
    crasher, caller = await bench.callers(2)
    assert await caller.call("SET key 1") == b"+OK\r\n"
    # In one piece, so that INCR comes before the crash's task has had its turn.
    await crasher.send_together("DEBUG OWNER-CRASH key", "INCR key")
    assert await read_all([crasher] * 2) == [CRASHED.wire] * 2
    assert await caller.call("GET key") == b"$1\r\n1\r\n"
    assert b"owners_crashed_total:1\r\n" in await caller.call("INFO owners")


async def test_the_end_of_the_server_answers_who_waits(bench: Bench) -> None:
    sleeper, caller = await bench.callers(2)
    await bench.put_to_sleep(sleeper, "key")
    await caller.send("INCR key")
    await bench.wait_for("owners_queued_total", 1)
    for task in bench.tasks:
        task.cancel()
    assert await read_all([sleeper, caller]) == [SHUTTING_DOWN.wire] * 2


async def test_a_client_that_leaves_keeps_nobody_else_from_the_key(bench: Bench) -> None:
    sleeper, leaver, caller = await bench.callers(3)
    await bench.put_to_sleep(sleeper, "key")
    await leaver.send("INCR key")
    await bench.wait_for("owners_queued_total", 1)
    await leaver.aclose()
    await caller.send("INCR key")
    await bench.wait_for("owners_queued_total", 2)
    bench.alarm.set()
    assert await caller.read() == b":2\r\n"


async def test_a_full_mailbox_refuses_and_the_connection_stays(bench: Bench) -> None:
    sleeper, caller = await bench.callers(2)
    bench.served.harness.settings.set_many([("owner-mailbox-limit", "2")])
    await bench.put_to_sleep(sleeper, "key")
    for _ in range(3):
        await caller.send("INCR key")
    await bench.wait_for("owners_refused_total", 1)
    bench.alarm.set()
    replies = await read_all([caller] * 3)
    assert replies[:2] == [b":1\r\n", b":2\r\n"]
    assert replies[2].startswith(b"-TRYAGAIN ")


async def test_info_owners_tells_who_is_busy_and_who_waits(bench: Bench) -> None:
    sleeper, caller, watcher = await bench.callers(3)
    await bench.put_to_sleep(sleeper, "key")
    await caller.send("INCR key")
    await bench.wait_for("owners_queued_total", 1)
    info = await watcher.call("INFO owners")
    for line in ("owners_awake:1", "owners_working:1", "owners_longest_mailbox:1", "owners_woken_total:1"):
        assert f"\r\n{line}\r\n".encode() in info
    bench.alarm.set()
    await bench.wait_for("owners_awake", 0)
    assert b"\r\nowners_working:0\r\n" in await watcher.call("INFO owners")


@pytest.mark.parametrize("allowed", ["no", "local"])
async def test_it_is_refused_to_whom_debug_is_not_allowed(allowed: str) -> None:
    harness = Harness(enable_debug_command=allowed)
    async with serving(harness) as served, await served.caller() as caller:
        await caller.call("PING")
        for client in harness.node.clients:
            client.is_local = False
        assert (await caller.call("DEBUG OWNER-SLEEP key 1")).startswith(b"-ERR DEBUG command not allowed.")
    assert not harness.composition.owners.awake
