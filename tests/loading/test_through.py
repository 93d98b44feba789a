"""What clients see of a loader that writes through, up to the database and back."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from respcache.loading import LoadError
from respcache.protocol.replies import ErrorReply
from tests.loading.rig import fail, hang
from tests.loading.writing_rig import Rig, Shelf, after, failed

UNKNOWN = ErrorReply(
    "WRITETIMEOUT",
    "the loader Shelf has not written it within 5000 ms; nobody knows whether it will be",
)


@pytest.fixture
def rig(nursery: trio.Nursery) -> Rig:
    return Rig(nursery, Shelf({b"k:old": b"1", b"k:hash": {b"f": b"1"}}), write="through")


@pytest.mark.parametrize(
    ("command", "reply", "changes"),
    [
        ("SET k:1 one", b"OK", [(b"k:1", b"one")]),
        ("SET k:1 one EX 10", b"OK", [(b"k:1", b"one")]),
        ("SET k:1 one PXAT 1", b"OK", [(b"k:1", b"one")]),
        ("SET k:old new XX", b"OK", [(b"k:old", b"new")]),
        ("SET k:old new GET", b"1", [(b"k:old", b"new")]),
        ("INCR k:old", 2, [(b"k:old", b"2")]),
        ("APPEND k:old 2", 2, [(b"k:old", b"12")]),
        ("HSET k:hash g 2", 1, [(b"k:hash", {b"f": b"1", b"g": b"2"})]),
        ("HDEL k:hash f", 1, [(b"k:hash", None)]),
        ("DEL k:old k:hash k:no", 2, [(b"k:old", None), (b"k:hash", None)]),
        ("GETDEL k:old", b"1", [(b"k:old", None)]),
        ("RENAME k:old k:new", b"OK", [(b"k:old", None), (b"k:new", b"1")]),
        ("RENAME k:old other", b"OK", [(b"k:old", None)]),
        ("COPY k:old k:new", 1, [(b"k:new", b"1")]),
        ("MOVE k:old 3", 1, [(b"k:old", None)]),
        ("MSET k:1 a other b k:2 c", b"OK", [(b"k:1", b"a"), (b"k:2", b"c")]),
        ("MSETNX k:1 a k:2 b", 1, [(b"k:1", b"a"), (b"k:2", b"b")]),
    ],
)
async def test_what_changes_a_key_is_written_before_it_is_answered(
    rig: Rig, autojump_clock: MockClock, command: str, reply: Any, changes: list[tuple[bytes, Any]]
) -> None:
    rig.shelf.always = after(0.5)
    begun_s = trio.current_time()
    assert await rig.ask(command) == reply
    assert rig.shelf.calls == [changes]
    assert trio.current_time() - begun_s >= 0.5
    rig.assert_at_rest()


@pytest.mark.parametrize(
    "command",
    [
        "SET k:old 2 NX",
        "SET k:1 one XX",
        "SETNX k:old 2",
        "MSETNX k:1 a k:old b",
        "INCR k:hash",
        "DEL k:no",
        "HDEL k:hash g",
        "RENAMENX k:old k:hash",
        "EXPIRE k:old 100",
        "EXPIRE k:old 0",
        "GETEX k:old PXAT 1",
        "PERSIST k:old",
        "SET other 1",
        "FLUSHALL",
        "MULTI",
    ],
)
async def test_what_changes_no_value_is_not_written(rig: Rig, command: str) -> None:
    await rig.ask(command)
    assert rig.shelf.calls == []
    rig.assert_at_rest()


async def test_nobody_sees_a_value_before_the_database_has_it(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("GET k:old")
    rig.shelf.steps.append(after(1))
    writing = rig.send("SET k:old 2")
    reading = rig.send("GET k:old")
    await trio.sleep(0.9)
    assert (rig.held("k:old"), reading.replies()) == (b"1", [])
    await trio.sleep(0.2)
    assert (writing.replies(), reading.replies()) == ([b"OK"], [b"2"])
    rig.assert_at_rest()


async def test_a_refusal_leaves_the_cache_as_it_was(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("GET k:old")
    rig.shelf.steps.append(fail(LoadError("no room on the shelf")))
    assert await rig.ask("INCR k:old") == failed("no room on the shelf")
    assert await rig.ask("GET k:old") == b"1"
    assert rig.shelf.loads == [[b"k:old"]]
    assert (rig.write_statistics.failed, rig.write_statistics.written) == (1, 0)
    rig.assert_at_rest()


async def test_a_refused_first_value_is_no_value(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.steps.append(fail(ValueError("no")))
    writing = rig.send("SET k:1 one")
    reading = rig.send("GET k:1")
    assert await writing.read() == [failed("ValueError: no")]
    assert await reading.read() == [None]
    assert rig.shelf.loads == [[b"k:1"]], "the read looks for itself once the write has failed"
    rig.assert_at_rest()


async def test_when_nobody_knows_the_key_is_loaded_anew(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("GET k:old")
    rig.shelf.steps.append(after(7))
    assert await rig.ask("SET k:old 2") == UNKNOWN
    assert await rig.ask("GET k:old") == b"1"
    await trio.sleep(3)
    assert await rig.ask("GET k:old") == b"2", "what was written late is found, too"
    assert rig.write_statistics.timed_out == 1
    rig.assert_at_rest()


async def test_a_timeout_of_the_database_is_nobodys_knowledge(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("GET k:old")
    rig.shelf.steps.append(fail(TimeoutError("no answer")))
    assert await rig.ask("SET k:old 2") == ErrorReply("WRITETIMEOUT", "TimeoutError: no answer")
    assert rig.held("k:old") is None


async def test_a_write_whose_turn_does_not_come_is_known_to_have_failed(
    rig: Rig, autojump_clock: MockClock
) -> None:
    await rig.ask("GET k:old")
    rig.shelf.steps.append(after(9))
    first = rig.send("SET k:1 one")
    await trio.sleep(0.1)
    second = rig.send("SET k:old 2")
    assert await first.read() == [UNKNOWN]
    assert await second.read() == [failed("the loader Shelf has not written it within 5000 ms")]
    assert rig.held("k:old") == b"1"
    await trio.sleep(10)
    assert rig.shelf.calls == [[(b"k:1", b"one")]]
    rig.assert_at_rest()


async def test_a_call_that_never_ends_is_given_up(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.steps.append(hang)
    assert await rig.ask("SET k:1 one") == UNKNOWN
    await trio.sleep(11)
    assert rig.write_statistics.abandoned == 1
    assert await rig.ask("SET k:1 two") == b"OK"
    rig.assert_at_rest()


async def test_commands_that_come_together_share_a_call(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.steps.append(after(0.5))
    clients = [rig.send(f"SET k:{n} {n}") for n in range(20)]
    assert [await client.read() for client in clients] == [[b"OK"]] * 20
    assert len(rig.shelf.calls) <= 2
    assert rig.shelf.most == 1


async def test_a_value_that_is_refused_fails_nobody_elses(rig: Rig, autojump_clock: MockClock) -> None:
    async def refuse_bad(changes: Any) -> None:
        if any(change.value == b"bad" for change in changes):
            raise LoadError("bad")

    rig.shelf.always = refuse_bad
    clients = [rig.send(f"SET k:{n} {'bad' if n == 3 else n}") for n in range(6)]
    replies = [(await client.read())[0] for client in clients]
    assert replies == [b"OK", b"OK", b"OK", failed("bad"), b"OK", b"OK"]
    rig.assert_at_rest()


async def test_the_second_write_of_a_key_comes_after_the_first(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.steps.append(after(1))
    clients = [rig.send("INCR k:old") for _ in range(3)]
    assert [await client.read() for client in clients] == [[2], [3], [4]]
    assert rig.shelf.written == [(b"k:old", b"2"), (b"k:old", b"3"), (b"k:old", b"4")]


async def test_a_loader_that_keeps_failing_is_left_in_peace(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.always = fail(OSError("down"))
    for _ in range(5):
        assert await rig.ask("SET k:1 one") == failed("OSError: down")
    assert await rig.ask("SET k:1 one") == failed("the loader Shelf keeps failing: OSError: down")
    assert (len(rig.shelf.calls), rig.write_statistics.refused) == (5, 1)
    await trio.sleep(0.6)
    assert await rig.ask("SET k:1 one") == failed("OSError: down")
    assert await rig.ask("SET k:1 one") == failed("the loader Shelf keeps failing: OSError: down")
    assert len(rig.shelf.calls) == 6
    rig.shelf.always = None
    await trio.sleep(0.6)
    assert await rig.ask("SET k:1 one") == b"OK"
    assert await rig.ask("SET k:2 two") == b"OK"


async def test_refusals_do_not_open_the_circuit(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.always = fail(LoadError("no"))
    for _ in range(8):
        assert await rig.ask("SET k:1 one") == failed("no")


async def test_a_loader_that_is_paused_takes_nothing(rig: Rig, autojump_clock: MockClock) -> None:
    rig.source.flights.is_paused = True
    assert await rig.ask("SET k:1 one") == failed("the loader Shelf is paused")


async def test_whoever_waits_at_the_end_hears_of_it(rig: Rig, autojump_clock: MockClock) -> None:
    rig.shelf.always = hang
    begun = rig.send("SET k:1 one")
    await trio.sleep(0.1)
    queued = rig.send("SET k:2 two")
    behind = rig.send("SET k:2 three")
    await rig.stop()
    assert (await begun.read())[0].code == "WRITETIMEOUT"
    assert await queued.read() == [failed("the server is shutting down")]
    assert await behind.read() == [failed("the server is shutting down")]
    rig.assert_at_rest()


async def test_what_expires_meanwhile_dies_with_the_new_value(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("SET k:n 5 PX 500")
    rig.shelf.steps.append(after(1))
    assert await rig.ask("INCR k:n") == 6
    assert rig.shelf.rows[b"k:n"] == b"6"
    await trio.sleep(0.1)
    assert await rig.ask("GET k:n") == b"6", "loaded: here it has expired"
    assert rig.shelf.loads == [[b"k:n"]]


async def test_what_is_evicted_meanwhile_is_changed_all_the_same(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("HSET k:hash g 2")
    rig.shelf.steps.append(after(1))
    writing = rig.send("HSET k:hash h 3")
    await trio.sleep(0.5)
    db = rig.harness.node.keyspace.databases[0]
    entry = db.find(b"k:hash")
    assert entry is not None
    db.evict(entry)
    assert await writing.read() == [1]
    assert await rig.ask("HMGET k:hash f g h") == [b"1", b"2", b"3"]
    assert rig.shelf.rows[b"k:hash"] == {b"f": b"1", b"g": b"2", b"h": b"3"}
    assert rig.shelf.loads == [[b"k:hash"]]


async def test_a_refresh_does_not_bring_back_what_was_before(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("GET k:old")
    rig.shelf.load_takes_s = 2
    assert rig.source.flights.refresh(b"k:old")
    await trio.sleep(0.5)
    rig.shelf.steps.append(after(1))
    assert await rig.ask("SET k:old 2") == b"OK"
    await trio.sleep(3)
    assert rig.held("k:old") == b"2"


async def test_several_keys_of_which_some_may_be_written_are_loaded_anew(
    rig: Rig, autojump_clock: MockClock
) -> None:
    await rig.ask("MGET k:old k:hash")

    async def write_one(changes: Any) -> None:
        rig.shelf.take(changes[:1])
        raise OSError("gone")

    rig.shelf.steps.append(write_one)
    assert await rig.ask("MSET k:old 2 k:1 one") == failed("OSError: gone")
    assert (rig.held("k:old"), rig.held("k:1")) == (None, None)
    assert await rig.ask("MGET k:old k:1") == [b"2", None]
    rig.assert_at_rest()
