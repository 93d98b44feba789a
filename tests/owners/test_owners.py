"""Owners: order per key, freedom of all other keys, and what a crash or the end does to those who wait."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from respcache.commands.errors import CommandError
from respcache.commands.pending import Pending
from respcache.keyspace.clock import BatchClock
from respcache.keyspace.slots import key_slot
from respcache.owners.owners import CRASHED, SHUTTING_DOWN, Owners
from respcache.protocol.replies import OK, ErrorReply, Reply

KEY = (0, b"key")
OTHER = (0, b"other")


class Bench:
    """Owners on a nursery, and a log of what ran."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.ran: list[str] = []
        self.owners = Owners(BatchClock(), nursery.start_soon, trio.lowlevel.checkpoint)

    def sleep(self, seconds: float) -> Callable[[], Awaitable[Reply]]:
        async def work() -> Reply:
            await trio.sleep(seconds)
            return OK

        return work

    def submit(self, name: str, *keys: tuple[int, bytes]) -> Pending:
        def run() -> Reply:
            self.ran.append(name)
            return name.encode()

        return self.owners.submit(keys, run)


@pytest.fixture
def bench(nursery: trio.Nursery) -> Bench:
    return Bench(nursery)


def reply_of(pending: Pending) -> Reply:
    got: list[Reply] = []
    pending.when_done(got.append)
    assert got, "no reply yet"
    return got[0]


async def test_commands_for_a_busy_key_run_in_order_after_the_work(
    bench: Bench, autojump_clock: MockClock
) -> None:
    work = bench.owners.wake(*KEY, bench.sleep(1))
    waiting = [bench.submit(name, KEY) for name in "abc"]
    await trio.sleep(0.5)
    assert bench.ran == []
    await trio.sleep(1)
    assert bench.ran == ["a", "b", "c"]
    assert reply_of(work) == OK
    assert [reply_of(one) for one in waiting] == [b"a", b"b", b"c"]


async def test_the_owner_vanishes_when_its_mailbox_is_empty(bench: Bench, autojump_clock: MockClock) -> None:
    changes: list[bool] = []
    bench.owners.on_wake = lambda: changes.append(bool(bench.owners.awake))
    bench.owners.wake(*KEY, bench.sleep(1))
    bench.submit("a", KEY)
    await trio.sleep(2)
    assert not bench.owners.awake
    assert changes == [True, False]


async def test_keys_do_not_wait_for_each_other(bench: Bench, autojump_clock: MockClock) -> None:
    bench.owners.wake(*KEY, bench.sleep(10))
    bench.owners.wake(*OTHER, bench.sleep(1))
    bench.submit("slow", KEY)
    bench.submit("quick", OTHER)
    await trio.sleep(2)
    assert bench.ran == ["quick"]


async def test_a_command_with_two_keys_waits_for_both(bench: Bench, autojump_clock: MockClock) -> None:
    bench.owners.wake(*KEY, bench.sleep(1))
    bench.owners.wake(*OTHER, bench.sleep(2))
    bench.submit("both", KEY, OTHER)
    await trio.sleep(1.5)
    assert bench.ran == []
    await trio.sleep(1)
    assert bench.ran == ["both"]


async def test_an_idle_key_of_a_waiting_command_keeps_the_order_of_arrival(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.owners.wake(*KEY, bench.sleep(1))
    bench.submit("both", KEY, OTHER)
    bench.submit("later", OTHER)
    assert bench.ran == []
    await trio.sleep(2)
    assert bench.ran == ["both", "later"]
    assert not bench.owners.awake


async def test_crossed_commands_cannot_block_each_other(bench: Bench, autojump_clock: MockClock) -> None:
    bench.owners.wake(*KEY, bench.sleep(1))
    bench.submit("one", KEY, OTHER)
    bench.submit("two", OTHER, KEY)
    await trio.sleep(2)
    assert bench.ran == ["one", "two"]


async def test_a_crash_answers_those_who_wait_and_the_next_command_finds_a_fresh_owner(
    bench: Bench, autojump_clock: MockClock
) -> None:
    async def crash() -> Reply:
        await trio.sleep(1)
        raise RuntimeError("boom")

    crashes: list[str] = []
    bench.owners.on_crash = lambda key, error: crashes.append(f"{key[1].decode()}: {error}")
    work = bench.owners.wake(*KEY, crash)
    waiting = bench.submit("a", KEY)
    await trio.sleep(2)
    assert reply_of(work) == reply_of(waiting) == CRASHED
    assert crashes == ["key: boom"]
    assert bench.ran == []
    assert not bench.owners.awake


async def test_a_crash_frees_the_other_keys_of_those_who_waited(
    bench: Bench, autojump_clock: MockClock
) -> None:
    async def crash() -> Reply:
        await trio.sleep(1)
        raise RuntimeError("boom")

    bench.owners.wake(*KEY, crash)
    bench.submit("both", KEY, OTHER)
    bench.submit("other", OTHER)
    await trio.sleep(2)
    assert bench.ran == ["other"]
    assert not bench.owners.awake


async def test_an_error_of_the_work_is_its_reply_and_no_crash(
    bench: Bench, autojump_clock: MockClock
) -> None:
    async def refuse() -> Reply:
        await trio.sleep(1)
        raise CommandError("no such row", "LOADFAILED")

    work = bench.owners.wake(*KEY, refuse)
    bench.submit("a", KEY)
    await trio.sleep(2)
    assert reply_of(work) == ErrorReply("LOADFAILED", "no such row")
    assert bench.ran == ["a"]


async def test_cancellation_answers_everybody() -> None:
    async with trio.open_nursery() as nursery:
        bench = Bench(nursery)
        work = bench.owners.wake(*KEY, bench.sleep(1000))
        waiting = bench.submit("a", KEY)
        await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert reply_of(work) == reply_of(waiting) == SHUTTING_DOWN


async def test_a_full_mailbox_refuses(bench: Bench, autojump_clock: MockClock) -> None:
    bench.owners.mailbox_jobs = 2
    bench.owners.wake(*KEY, bench.sleep(1))
    bench.submit("a", KEY)
    bench.submit("b", KEY)
    refused = reply_of(bench.submit("c", KEY))
    assert isinstance(refused, ErrorReply)
    assert refused.code == "TRYAGAIN"


async def test_a_command_from_the_mailbox_may_wake_its_owner_again(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.owners.wake(*KEY, bench.sleep(1))
    again = bench.owners.submit([KEY], lambda: bench.owners.wake(*KEY, bench.sleep(1)))
    bench.submit("a", KEY)
    await trio.sleep(1.5)
    assert not again.is_done
    assert bench.ran == []
    await trio.sleep(1)
    assert again.is_done
    assert bench.ran == ["a"]


async def test_a_long_mailbox_gives_way_between_turns(bench: Bench, autojump_clock: MockClock) -> None:
    turns: list[int] = []
    bench.owners.before_turn = lambda: turns.append(len(bench.ran))
    bench.owners.wake(*KEY, bench.sleep(1))
    for number in range(1000):
        bench.submit(str(number), KEY)
    await trio.sleep(2)
    assert len(bench.ran) == 1000
    assert len(turns) >= 4


async def test_statistics_tell_who_is_awake_and_who_waits(bench: Bench, autojump_clock: MockClock) -> None:
    bench.owners.wake(*KEY, bench.sleep(1))
    bench.submit("a", KEY, OTHER)
    figures = bench.owners.statistics()
    assert figures["owners_awake"] == 2
    assert figures["owners_working"] == 1
    assert figures["owners_longest_mailbox"] == 1
    await trio.sleep(2)
    assert bench.owners.statistics()["owners_awake"] == 0


async def test_an_engaged_owner_holds_commands_without_a_task_of_its_own(bench: Bench) -> None:
    bench.owners.engage(*KEY)
    waiting = [bench.submit(name, KEY) for name in "ab"]
    assert bench.ran == []
    assert bench.owners.statistics()["owners_working"] == 1
    bench.owners.release(*KEY)
    assert [reply_of(one) for one in waiting] == [b"a", b"b"]
    assert not bench.owners.awake


async def test_owners_are_counted_by_slot(bench: Bench) -> None:
    def busy() -> dict[int, int]:
        return {slot: count for slot, count in enumerate(bench.owners.busy_slots) if count}

    same_slot = (0, b"{key}2")
    bench.owners.engage(*KEY)
    bench.owners.engage(*same_slot)
    bench.owners.engage(*OTHER)
    assert busy() == {key_slot(b"key"): 2, key_slot(b"other"): 1}
    for key in (KEY, OTHER, same_slot):
        bench.owners.release(*key)
    assert busy() == {}


GONE = ErrorReply("TRYAGAIN", "it has gone")


async def test_who_waits_for_a_key_that_goes_is_answered_at_once_and_the_work_goes_on(
    bench: Bench, autojump_clock: MockClock
) -> None:
    work = bench.owners.wake(*KEY, bench.sleep(1))
    waiting = [bench.submit(name, KEY) for name in "ab"]
    bench.owners.dismiss(lambda key: key == b"key", GONE)
    assert [reply_of(one) for one in waiting] == [GONE, GONE]
    later = bench.submit("c", KEY)
    assert not work.is_done
    await trio.sleep(2)
    assert (reply_of(work), reply_of(later)) == (OK, b"c")
    assert not bench.owners.awake


async def test_who_waits_for_other_keys_too_holds_nobody_up_any_more(
    bench: Bench, autojump_clock: MockClock
) -> None:
    bench.owners.wake(*KEY, bench.sleep(1))
    both, behind = bench.submit("both", KEY, OTHER), bench.submit("behind", OTHER)
    bench.owners.dismiss(lambda key: key == b"key", GONE)
    assert (reply_of(both), reply_of(behind)) == (GONE, b"behind")
    await trio.sleep(2)
    assert bench.ran == ["behind"]
    assert not bench.owners.awake


async def test_what_is_about_all_keys_stays(bench: Bench, autojump_clock: MockClock) -> None:
    bench.owners.wake(*KEY, bench.sleep(1))
    first = bench.submit("first", KEY)
    flush = bench.owners.submit([KEY], lambda: OK, stays=True)
    bench.owners.dismiss(lambda key: True, GONE)
    assert reply_of(first) == GONE
    assert not flush.is_done
    await trio.sleep(2)
    assert reply_of(flush) == OK


async def test_a_command_may_send_away_those_behind_it(bench: Bench, autojump_clock: MockClock) -> None:
    def find_it_gone() -> Reply:
        bench.owners.dismiss(lambda key: key == b"key", GONE)
        return GONE

    bench.owners.wake(*KEY, bench.sleep(1))
    first = bench.owners.submit([KEY], find_it_gone)
    behind = [bench.submit(name, KEY) for name in "ab"]
    await trio.sleep(2)
    assert [reply_of(one) for one in (first, *behind)] == [GONE] * 3
    assert bench.ran == []
    assert not bench.owners.awake
