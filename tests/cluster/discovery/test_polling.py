import random
from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from respcache.cluster.discovery.endpoints import Address
from respcache.cluster.discovery.polling import FAREWELL_S, deregister, poll
from respcache.cluster.discovery.protocol import Discovery

from .fakes import ME, Evenly, Names, Scripted


async def polled(
    sources: Sequence[Discovery], seconds: float, *, chance: random.Random | None = None
) -> list[list[Address]]:
    found: list[list[Address]] = []
    with trio.move_on_after(seconds):
        await poll(sources, ME, found.append, period_s=8, chance=chance or Evenly(), lookup=Names())
    return found


async def test_questions_go_on_for_ever_quickly_at_first(autojump_clock: MockClock) -> None:
    source = Scripted([])
    await polled([source], 32)
    quickly = [number / 4 for number in range(9)]
    assert source.asked_at == pytest.approx([*quickly, 2.5, 3.5, 5.5, 9.5, 17.5, 25.5])


async def test_nodes_in_step_fall_out_of_it(autojump_clock: MockClock) -> None:
    one, two = Scripted([]), Scripted([])
    await polled([one, two], 100, chance=random.Random(1))
    assert abs(one.asked_at[9] - two.asked_at[9]) > 0.1


async def test_every_round_is_told_changed_or_not(autojump_clock: MockClock) -> None:
    found = await polled([Scripted(["10.0.0.1:1"])], 0.9)
    assert found == [[("10.0.0.1", 1)]] * 4


async def test_all_sources_are_heard_each_address_once(autojump_clock: MockClock) -> None:
    found = await polled([Scripted(["10.0.0.1:1", "10.0.0.2:1"]), Scripted(["10.0.0.2:1", "10.0.0.3:1"])], 1)
    assert sorted(found[-1]) == [("10.0.0.1", 1), ("10.0.0.2", 1), ("10.0.0.3", 1)]


async def test_a_source_that_hangs_holds_up_nobody(autojump_clock: MockClock) -> None:
    found = await polled([Scripted([], takes_s=1000), Scripted(["10.0.0.1:1"])], 0.1)
    assert found == [[("10.0.0.1", 1)]]


async def test_an_outage_leaves_the_last_list_and_is_told_once(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    found = await polled([Scripted(["10.0.0.1:1"], OSError("away"), OSError("away"), ["10.0.0.2:1"])], 0.9)
    assert found == [[("10.0.0.1", 1)]] * 3 + [[("10.0.0.2", 1)]]
    assert caplog.messages == [
        "discovery scripted fails, its last 1 addresses stay: OSError: away",
        "discovery scripted is back, with 1 addresses",
    ]


async def test_we_register_before_every_question(autojump_clock: MockClock) -> None:
    source = Scripted([])
    await polled([source], 0.3)
    assert source.told.count(("register", ME.name)) == len(source.asked_at) == 2


async def test_background_work_is_started_once(autojump_clock: MockClock) -> None:
    source = Scripted([])
    await polled([source], 60)
    assert source.told.count(("run", "")) == 1


async def test_without_sources_it_waits_all_the_same(autojump_clock: MockClock) -> None:
    assert await polled([], 60) == []
    assert trio.current_time() == pytest.approx(60)


async def test_we_take_our_leave_of_all_who_listen(autojump_clock: MockClock) -> None:
    class Deaf(Scripted):
        async def deregister(self, me: object) -> None:
            await trio.sleep_forever()

    class Cross(Scripted):
        async def deregister(self, me: object) -> None:
            raise OSError("no")

    source = Scripted([])
    await deregister([Deaf([]), Cross([]), source], ME)
    assert source.told == [("deregister", ME.name)]
    assert trio.current_time() == pytest.approx(FAREWELL_S)
