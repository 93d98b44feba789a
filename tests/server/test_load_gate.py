"""Which commands wait for a key to be loaded, and in which order everything is answered."""

import pytest
import trio
from trio.testing import MockClock

from respcache.protocol.replies import ErrorReply
from tests.loading.rig import Rig, Table, fail, failed, timed_out, together, until
from tests.server.served import serving

ROWS = {
    b"k:1": b"one",
    b"k:2": b"two",
    b"k:n": b"41",
    b"k:h": {b"f": b"v", b"g": b"w"},
    b"k:\x00\xff\r\n": b"odd",
}


@pytest.fixture
def table() -> Table:
    return Table(ROWS)


# A test that waits names the clock itself: pytest-trio asks the test which clock it wants, and not what the test is given.
@pytest.fixture
def rig(table: Table, nursery: trio.Nursery) -> Rig:
    return Rig(nursery, table)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("GET k:1", b"one"),
        ("EXISTS k:1 k:2 k:none", 2),
        ("TOUCH k:1", 1),
        ("TTL k:1", -1),
        ("STRLEN k:1", 3),
        ("GETRANGE k:1 1 2", b"ne"),
        ("TYPE k:h", b"hash"),
        ("HGET k:h f", b"v"),
        ("HLEN k:h", 2),
        ("HEXISTS k:h none", 0),
        ("HDEL k:h f", 1),
        ("HSET k:h f x z y", 1),
        ("HSETNX k:h f x", 0),
        ("GETDEL k:1", b"one"),
        ("GETEX k:1 EX 5", b"one"),
        ("GETSET k:1 x", b"one"),
        ("INCR k:n", 42),
        ("APPEND k:1 !", 4),
        ("SETRANGE k:1 0 x", 3),
        ("SETNX k:1 x", 0),
        ("MSETNX k:1 x k:none y", 0),
        ("SET k:1 x NX", None),
        ("SET k:1 x XX", b"OK"),
        ("SET k:none x XX", None),
        ("SET k:1 x GET", b"one"),
        ("EXPIRE k:1 5", 1),
        ("PERSIST k:1", 0),
        ("COPY k:1 k:3", 1),
        ("COPY k:1 k:2", 0),
        ("RENAME k:1 k:3", b"OK"),
        ("RENAMENX k:1 k:2", 0),
        ("OBJECT ENCODING k:1", b"embstr"),
        ("WATCH k:1", b"OK"),
        ("MGET k:1 k:2 k:none", [b"one", b"two", None]),
        ("LCS k:1 k:2", b"o"),
    ],
    ids=lambda value: str(value).split()[0] if isinstance(value, str) else "",
)
async def test_what_depends_on_a_key_loads_it(
    command: str, reply: object, rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    assert await rig.ask(command) == reply
    assert len(table.calls) == 1
    rig.assert_at_rest()


@pytest.mark.parametrize(
    "command", ["SET k:1 x", "MSET k:1 x k:2 y", "DEL k:1", "UNLINK k:1", "SETEX k:1 9 x"]
)
async def test_what_does_not_depend_on_a_key_runs_at_once(
    command: str, rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    rig.set_clock()
    assert rig.first.send(command)
    await trio.sleep(1)
    assert not table.calls


async def test_keys_that_no_loader_is_for_are_left_alone(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    assert rig.first.send("GET other") == [None]
    assert rig.first.send("SELECT 1") == [b"OK"]
    assert rig.first.send("GET k:1") == [None]
    assert not table.calls


async def test_odd_bytes_are_part_of_a_key(rig: Rig, autojump_clock: MockClock, table: Table) -> None:
    assert await rig.ask(b"GET", b"k:\x00\xff\r\n") == b"odd"
    assert table.calls == [[b"k:\x00\xff\r\n"]]


async def test_a_pipeline_of_cold_keys_is_one_batch_and_replies_keep_their_order(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    await rig.ask("SET k:warm w")
    table.always = table.after(0.2)
    words = ["GET k:1", "GET k:warm", "GET other", "MGET k:2 k:warm", "PING", "HGETALL k:h", "GET k:1"]
    rig.first.session.receive(b"".join(word.encode() + b"\r\n" for word in words))
    replies = await rig.first.read(len(words))
    assert replies == [b"one", b"w", None, [b"two", b"w"], b"PONG", {b"f": b"v", b"g": b"w"}, b"one"]
    assert [sorted(call) for call in table.calls] == [[b"k:1", b"k:2", b"k:h"]]


@pytest.mark.parametrize(("protocol", "wire"), [(2, b"*4\r\n"), (3, b"%2\r\n")])
async def test_replies_are_in_the_protocol_of_the_client(
    protocol: int, wire: bytes, rig: Rig, autojump_clock: MockClock
) -> None:
    client = rig.client(protocol)
    assert client.raw("HGETALL k:h") == b""
    got = b""
    with trio.fail_after(10):
        while not got:
            await trio.sleep(0.01)
            got = b"".join(client.session.take_output())
    assert got[: len(wire)] == wire


async def test_commands_for_a_key_run_in_their_order_after_the_load(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    table.always = table.after(0.3)
    replies = await together(
        rig.after(0.00, "GET k:n"),
        rig.after(0.05, "INCR k:n"),
        rig.after(0.10, "SET k:n 7"),
        rig.after(0.15, "INCR k:n"),
        rig.after(0.20, "GET k:n"),
    )
    assert replies == [b"41", 42, b"OK", 8, b"8"]
    assert len(table.calls) == 1


async def test_other_keys_go_on(rig: Rig, autojump_clock: MockClock, table: Table) -> None:
    table.always = table.after(1)
    await rig.ask("SET k:warm w")
    rig.client().send("GET k:1")
    assert rig.first.send("GET k:warm") == [b"w"]
    assert rig.first.send("SET k:2 x") == [b"OK"]


async def test_exec_waits_for_all_keys_in_their_databases(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    here, there = Table(ROWS), Elsewhere({b"k:1": b"there"})
    rig = Rig(nursery, here, there)
    for line in ("MULTI", "GET k:1", "SELECT 3", "GET k:1", "SELECT 99", "DEL k:1", "SELECT 0", "INCR k:n"):
        await rig.ask(line)
    replies = await rig.ask("EXEC")
    assert [replies[at] for at in (0, 2, 4, 6)] == [b"one", b"there", 1, 42]
    assert isinstance(replies[3], ErrorReply)
    assert (len(here.calls), len(there.calls)) == (1, 1)
    rig.assert_at_rest()


class Elsewhere(Table):
    db = 3


async def test_a_transaction_whose_key_cannot_be_loaded_is_not_run(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    table.always = fail(OSError("gone"))
    for line in ("MULTI", "SET other 1", "GET k:1"):
        await rig.ask(line)
    reply = await rig.ask("EXEC")
    assert (reply.code, reply.message) == (
        "EXECABORT",
        "Transaction discarded because of: LOADFAILED OSError: gone",
    )
    assert await rig.ask("GET other") is None
    rig.flights.is_paused = True
    for line in ("MULTI", "SET other 1", "GET k:1"):
        await rig.ask(line)
    assert (await rig.ask("EXEC")).code == "EXECABORT"
    assert await rig.ask("GET other") is None


async def test_a_broken_transaction_loads_nothing(rig: Rig, autojump_clock: MockClock, table: Table) -> None:
    await rig.ask("MULTI")
    await rig.ask("GET k:1")
    await rig.ask("NOSUCH")
    assert (await rig.ask("EXEC")).code == "EXECABORT"
    assert not table.calls


async def test_an_error_after_waiting_leaves_the_clients_next_transaction_alone(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    table.always = fail(OSError("gone"))
    client = rig.client()
    client.send("GET k:1")
    client.send("MULTI")
    client.send("SET other 1")
    await trio.sleep(20)
    assert client.send("EXEC") == [failed("OSError: gone"), b"OK", b"QUEUED", [b"OK"]]


async def test_watch_sees_what_becomes_of_a_key_after_the_load(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    client = rig.client()
    assert await client.ask("WATCH k:1") == b"OK"
    await client.ask("MULTI")
    await client.ask("GET k:1")
    assert await client.ask("EXEC") == [b"one"]
    assert await client.ask("WATCH k:1") == b"OK"
    await rig.ask("SET k:1 x")
    await client.ask("MULTI")
    assert await client.ask("EXEC") is None


async def test_who_hangs_up_leaves_no_trace_and_what_was_loaded_stays(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    table.always = table.after(0.5)
    client = rig.client()
    client.send("GET k:1")
    client.send("MULTI")
    client.send("GET k:2")
    client.send("EXEC")
    await trio.sleep(0.1)
    client.close()
    await trio.sleep(1)
    rig.assert_at_rest()
    assert rig.first.send("GET k:1") == [b"one"]
    assert len(table.calls) == 1


async def test_a_full_mailbox_refuses_more(rig: Rig, autojump_clock: MockClock, table: Table) -> None:
    rig.owners.mailbox_jobs = 10
    table.always = table.after(0.5)
    replies = await together(*[rig.after(0, "GET k:1") for _ in range(12)])
    assert replies.count(b"one") == 10
    assert sum(isinstance(reply, ErrorReply) and reply.code == "TRYAGAIN" for reply in replies) == 2
    rig.assert_at_rest()


async def test_flushall_waits_for_what_came_before_it_and_not_for_what_comes_after_it(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    async def keep_loading() -> None:
        for number in range(40):
            await rig.after(0.05, f"GET k:{number}x")

    table.always = table.after(0.12)
    flushed: list[float] = []

    async def flush() -> object:
        begun = trio.current_time()
        reply = await rig.after(0.1, "FLUSHALL")
        flushed.append(trio.current_time() - begun)
        return reply

    many = [keep_loading() for _ in range(6)]
    assert (await together(rig.after(0.05, "INCR k:n"), flush(), *many))[:2] == [42, b"OK"]
    assert flushed[0] < 0.5
    assert rig.flights.store.db.peek(b"k:n") is None
    rig.assert_at_rest()


async def test_errors_are_counted_like_others(rig: Rig, autojump_clock: MockClock, table: Table) -> None:
    table.always = table.after(9)
    assert await rig.ask("GET k:1") == timed_out(5000)
    assert b"errorstat_LOADTIMEOUT:count=1" in await rig.ask("INFO errorstats")
    assert b"rejected_calls=1" in await rig.ask("INFO commandstats")


async def test_monitors_see_a_command_when_it_runs(rig: Rig, autojump_clock: MockClock, table: Table) -> None:
    watcher = rig.client(2)
    watcher.send("MONITOR")
    assert await rig.ask("GET k:1") == b"one"
    assert any(b'"GET" "k:1"' in line for line in watcher.replies())


async def test_a_tracked_cold_key_is_invalidated_when_it_changes_and_a_load_is_such_a_change(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    tracker, other = rig.client(), rig.client()
    for client in (tracker, other):
        client.send("CLIENT TRACKING ON")
    assert await other.ask("GET k:late") is None
    assert await tracker.ask("GET k:1") == b"one"
    tracker.replies()
    assert tracker.pushes == []
    await rig.ask("SET k:1 x")
    tracker.replies()
    assert tracker.pushes == [[b"invalidate", [b"k:1"]]]
    table.rows[b"k:late"] = b"now"
    rig.flights.refresh(b"k:late")
    await trio.sleep(0.1)
    other.replies()
    assert other.pushes == [[b"invalidate", [b"k:late"]]]


async def test_paused_clients_ask_for_nothing_until_they_go_on(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    client = rig.client()
    await rig.ask("CLIENT PAUSE 500")
    client.send("GET k:1")
    await trio.sleep(0.1)
    assert not table.calls
    await trio.sleep(0.5)
    rig.set_clock()
    rig.parts.dispatcher.end_pause(rig.harness.clock.now_ms)
    assert await client.read() == [b"one"]


# In real time, as the slow log measures.
async def test_waiting_is_not_slow(rig: Rig, table: Table) -> None:
    await rig.ask("CONFIG SET slowlog-log-slower-than 200000")
    table.always = table.after(0.4)
    assert await rig.ask("GET k:1") == b"one"
    assert await rig.ask("SLOWLOG LEN") == 0


async def test_shutdown_answers_everybody(rig: Rig, autojump_clock: MockClock, table: Table) -> None:
    table.always = table.after(9)
    client = rig.client()
    for line in ("GET k:1", "MULTI", "GET k:2", "EXEC"):
        client.send(line)
    client.send("PING")
    await trio.sleep(0.1)
    await rig.stop()
    replies = await client.read(2)
    assert replies[0] == failed("the server is shutting down")
    assert client.send("GET k:9") == [failed("the server is shutting down")]
    rig.assert_at_rest()


async def test_a_thousand_keys_of_one_client_are_owed_at_most(
    rig: Rig, autojump_clock: MockClock, table: Table
) -> None:
    table.always = table.after(0.1)
    client = rig.client()
    client.session.receive(b"".join(b"GET k:x%d\r\n" % number for number in range(3000)))
    assert len(rig.flights.by_key) == 1024
    assert await client.read(3000) == [None] * 3000
    rig.assert_at_rest()


async def test_behind_a_port_with_the_loop_that_is_in_use(table: Table, nursery: trio.Nursery) -> None:
    rig = Rig(nursery, table)
    async with serving(rig.harness) as served, await served.caller() as caller:
        with trio.fail_after(10):
            await caller.send_together(
                "GET k:1", "SET k:2 mine", "GET k:2", "INCR k:n", "GET k:1", "GET nothing"
            )
            replies = [await caller.read() for _ in range(6)]
            assert replies == [
                b"$3\r\none\r\n",
                b"+OK\r\n",
                b"$4\r\nmine\r\n",
                b":42\r\n",
                b"$3\r\none\r\n",
                b"$-1\r\n",
            ]
            has_changed = trio.Event()

            async def look_and_wait(keys: list[bytes]) -> dict[bytes, object]:
                found = table.found(keys)
                await has_changed.wait()
                return found

            table.always = look_and_wait
            assert rig.flights.refresh(b"k:1")
            await until(lambda: table.now == 1)
            assert await caller.call("SET k:1 new") == b"+OK\r\n"
            await caller.call("SET k:1 one")
            has_changed.set()
            await until(lambda: rig.statistics.outdated == 1)
    rig.assert_at_rest()
