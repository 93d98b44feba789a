"""What a call that writes leaves behind, when it has failed and when it has succeeded."""

import logging

import pytest
import trio
from trio.testing import MockClock

from tests.loading.rig import fail
from tests.loading.test_behind import settle
from tests.loading.writing_rig import Rig, Shelf, after


@pytest.fixture
def rig(nursery: trio.Nursery) -> Rig:
    return Rig(nursery, Shelf({b"k:old": b"1"}), write="behind")


async def test_calls_become_as_large_again_as_they_were(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, Shelf(), write="behind", batch_size=8)
    rig.shelf.steps.append(fail(OSError("gone")))
    for number in range(24):
        await rig.ask(f"SET k:{number} x")
    await settle(rig)
    assert [len(call) for call in rig.shelf.calls] == [8, 4, 8, 8, 4]


async def test_every_outage_is_told_of_when_it_begins_and_when_it_ends(
    rig: Rig, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "respcache.loading.behind")
    for number in range(2):
        rig.shelf.steps += [fail(OSError("gone"))] * 3
        await rig.ask(f"SET k:{number} x")
        await settle(rig)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2


async def test_what_was_read_before_an_older_change_was_written_is_not_kept(
    rig: Rig, autojump_clock: MockClock
) -> None:
    """The change has been left to somebody else since, so nothing waits for the key; yet it is being written."""
    rig.shelf.steps.append(after(1))
    await rig.ask("SET k:old new")
    await trio.sleep(0.5)
    assert rig.shelf.now == 1
    rig.writer.behind.forget(b"k:old")
    db = rig.flights.store.db
    db.evict(db.entries[b"k:old"])
    rig.shelf.load_takes_s = 2
    rig.flights.request(b"k:old")
    await trio.sleep(5)
    assert not db.has(b"k:old")
    assert await rig.ask("GET k:old") == b"new"
    rig.assert_at_rest()
