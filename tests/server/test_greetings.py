"""Who has a place for a handshake, and who must go: on a clock that jumps, with sockets that only have an address."""

import socket
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from respcache.server import greetings
from respcache.server.greetings import HANDSHAKE_S, PATIENCE_S, Greeting, Greetings, network_of


class Peer:
    """A socket, of which only the other end's address is asked."""

    def __init__(self, host: str) -> None:
        self._host = host

    def getpeername(self) -> tuple[str, int]:
        if not self._host:
            raise OSError("it is not connected")
        return self._host, 50000


def peer(host: str) -> socket.socket:
    return cast(socket.socket, Peer(host))


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greetings, "MOST_HANDSHAKES", 4)


async def let_wait(greeting: Greeting) -> None:
    """Be the task of a handshake whose client says nothing."""
    with greeting.scope, greeting.waiting():
        await trio.sleep_forever()
    greeting.leave()


async def come(all_: Greetings, nursery: trio.Nursery, *hosts: str) -> list[Greeting]:
    found = []
    for host in hosts:
        found.append(await all_.enter(peer(host)))
        nursery.start_soon(let_wait, found[-1])
        await trio.sleep(0.01)
    return found


def gone(those: list[Greeting]) -> list[int]:
    return [at for at, greeting in enumerate(those) if greeting.scope.cancel_called]


async def test_while_there_are_places_everybody_has_his_time(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    those = await come(Greetings(), nursery, *["10.0.0.1"] * 4)
    await trio.sleep(HANDSHAKE_S - 0.1)
    assert gone(those) == []
    await trio.sleep(0.2)
    assert all(greeting.scope.cancelled_caught for greeting in those)


async def test_the_address_with_most_places_gives_one_up_and_there_who_let_us_wait_longest(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    all_ = Greetings()
    those = await come(all_, nursery, "10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.3")
    await trio.sleep(PATIENCE_S)
    before_s = trio.current_time()
    await all_.enter(peer("10.0.0.4"))
    assert trio.current_time() == before_s
    assert gone(those) == [1]


async def test_who_is_quick_enough_is_not_driven_out(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    all_ = Greetings()
    those = await come(all_, nursery, *["10.0.0.1"] * 4)
    before_s = trio.current_time()
    await all_.enter(peer("10.0.0.2"))
    assert PATIENCE_S - 0.1 < trio.current_time() - before_s < PATIENCE_S + 0.1
    assert gone(those) == [0]


async def test_who_waits_for_us_is_not_driven_out(autojump_clock: MockClock) -> None:
    all_ = Greetings()
    those = [await all_.enter(peer("10.0.0.1")) for _ in range(4)]
    with those[2].waiting():
        await trio.sleep(2 * PATIENCE_S)  # it has spoken since, at last
    with trio.move_on_after(5) as patience:
        await all_.enter(peer("10.0.0.1"))
    assert patience.cancelled_caught
    assert gone(those) == []


async def test_what_one_leaves_another_has_at_once(autojump_clock: MockClock) -> None:
    all_ = Greetings()
    those = [await all_.enter(peer("10.0.0.1")) for _ in range(4)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(all_.enter, peer("10.0.0.1"))
        await trio.sleep(0.01)
        before_s = trio.current_time()
        those[3].leave()
    assert trio.current_time() == before_s


async def test_waiting_adds_up(autojump_clock: MockClock) -> None:
    greeting = await Greetings().enter(peer("10.0.0.1"))
    for _ in range(3):
        with greeting.waiting():
            await trio.sleep(0.2)
        await trio.sleep(1)
    assert greeting.waited_s == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("host", "other", "is_same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%lo", "fe80::2%eth0", True),
        ("", "no address", True),
    ],
)
def test_addresses_that_one_client_may_have_count_as_one(host: str, other: str, is_same: bool) -> None:
    assert (network_of(peer(host)) == network_of(peer(other))) is is_same
