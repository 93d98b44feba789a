"""Membership over real datagrams and connections on loopback, on a clock that jumps."""

import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
from trio.testing import MockClock

from respcache.cluster.bus.frames import EXCHANGED, Exchange, frame
from respcache.cluster.bus.inlet import Inlet
from respcache.cluster.gossip import EXCHANGES, Gossip
from respcache.cluster.membership import outputs
from respcache.cluster.membership.member import Address, State
from respcache.cluster.membership.outputs import Kind
from respcache.cluster.security.keyring import Keyring
from respcache.cluster.security.packets import PacketCodec
from tests.cluster.attached import Attached
from tests.cluster.every_step import at_every_step

TIMEOUT_S = 2.0


class Gossiping(Attached):
    """A node that gossips."""

    def __init__(self, number: int, nursery: trio.Nursery, secret: str = "") -> None:
        super().__init__(number, nursery)
        self.heard: list[Kind] = []
        self.hub.followers.append(lambda happened: self.heard.append(happened.kind))
        keyring = Keyring((secret,) if secret else ())
        self.codec = PacketCodec("test", keyring, self.id, random.Random(number))
        self.gossip = Gossip(
            self.hub, self.codec, [self.datagrams], lambda nonce: self.link("dial", nonce), TIMEOUT_S
        )
        self.scope = trio.CancelScope()
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        with self.scope:
            await self.gossip.run()

    def join(self, address: Address) -> None:
        self.gossip.act(self.hub.swim.join(trio.current_time(), [address]))

    @property
    def states(self) -> dict[int, State]:
        return {member.id[0] - 1: member.state for member in self.hub.swim.members.values()}

    async def ask(self, address: Address, count: int = 1) -> None:
        """Let it ask over TCP what it was not asked to ask."""
        self.gossip.act([outputs.Exchange(address, b"question", 1 << 40) for _ in range(count)])
        await trio.sleep(0.1)


@asynccontextmanager
async def three_nodes(*secrets: str) -> AsyncIterator[list[Gossiping]]:
    """Run nodes that do not know of each other."""
    made: list[Gossiping] = []
    try:
        async with trio.open_nursery() as nursery:
            for number, secret in enumerate(secrets or ("", "", "")):
                made.append(Gossiping(number, nursery, secret))
            await trio.sleep(0.01)
            yield made
            nursery.cancel_scope.cancel()
    finally:
        for node in made:
            node.close()


async def test_news_of_peers_is_taken_at_every_moment_while_gossip_ends(autojump_clock: MockClock) -> None:
    async with three_nodes() as (one, two, _):

        def find() -> None:
            nursery = one.gossip._nursery
            if nursery is not None and not nursery.child_tasks:  # it is about to end
                one.gossip.act([outputs.Exchange(two.address, b"question", 1 << 40)])

        with at_every_step(find) as errors:
            one.scope.cancel()
            await trio.sleep(1)
        assert errors == []


async def test_those_who_are_told_of_one_learn_of_all(autojump_clock: MockClock) -> None:
    async with three_nodes() as nodes:
        one, two, three = nodes
        two.join(one.address)
        three.join(two.address)
        await trio.sleep(3.0)
        assert [node.states for node in nodes] == [dict.fromkeys(range(3), State.ALIVE)] * 3
        assert all(len(node.hub.others) == 2 for node in nodes)
        assert len({node.hub.ownership.digest for node in nodes}) == 1


async def test_one_that_falls_silent_is_found_dead(autojump_clock: MockClock) -> None:
    async with three_nodes() as (one, two, three):
        two.join(one.address)
        three.join(one.address)
        await trio.sleep(2.0)
        three.scope.cancel()
        await three.refuse()
        three.datagrams.close()
        await trio.sleep(20.0)
        assert one.states[2] is two.states[2] is State.DEAD
        assert Kind.DIED in one.heard
        assert Kind.DIED in two.heard


async def test_garbage_changes_nothing_and_is_counted(autojump_clock: MockClock) -> None:
    async with three_nodes() as (one, two, _):
        two.join(one.address)
        await trio.sleep(1.0)
        chance = random.Random(5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for size in (0, 1, 47, 48, 60, 1400, 1401, 2048, 4000):
                stranger.sendto(chance.randbytes(size), one.address)
        await trio.sleep(5.0)
        assert one.states == {0: State.ALIVE, 1: State.ALIVE}
        assert one.hub.refused_packets() >= 9


async def test_those_with_another_secret_stay_strangers(autojump_clock: MockClock) -> None:
    pytest.importorskip("cryptography")
    async with three_nodes("a" * 20, "b" * 20) as (one, other):
        packet = outputs.Packet(one.address, b"x")
        other.gossip.act([packet])
        await trio.sleep(0.1)
        assert one.hub.refused_packets() == 1


async def test_a_packet_that_cannot_be_sent_is_lost(autojump_clock: MockClock) -> None:
    async with three_nodes() as nodes:
        one = nodes[0]
        one.gossip.act([outputs.Packet(("::1", 9), b"x"), outputs.Packet(("127.0.0.1", 9), b"x")])
        one.datagrams.close()
        one.gossip.act([outputs.Packet(nodes[1].address, b"x")])


async def test_a_refused_question_is_an_answer(autojump_clock: MockClock) -> None:
    async with three_nodes() as (one, two, _):
        await two.refuse()
        await one.ask(two.address)
        assert one.gossip._running == 0


async def test_a_question_that_nobody_answers_ends(autojump_clock: MockClock) -> None:
    async with three_nodes() as (one, two, _):
        two.greets = False
        await one.ask(two.address)
        assert one.gossip._running == 1
        await trio.sleep(TIMEOUT_S)
        assert one.gossip._running == 0


@pytest.mark.parametrize(
    "answer", [b"?", EXCHANGED, EXCHANGED + b"\xc1", frame(EXCHANGED, Exchange(7, b"?"))]
)
async def test_a_nonsensical_answer_is_none(autojump_clock: MockClock, answer: bytes) -> None:
    async with three_nodes() as (one, two, _):
        two.hub.answer = lambda inlet, exchange: inlet.send(answer)
        await one.ask(two.address)
        assert one.gossip._running == 0
        assert one.states == {0: State.ALIVE}


async def test_a_peer_of_another_cluster_is_complained_of_once(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with three_nodes() as (one, two, _):
        two.cluster = "another"
        for _ in range(5):
            await one.ask(two.address)
        assert one.gossip._running == 0
        assert len(caplog.records) == 1


async def test_no_more_questions_than_allowed_run_at_once(autojump_clock: MockClock) -> None:
    async with three_nodes() as (one, two, _):
        two.greets = False
        await one.ask(two.address, EXCHANGES + 10)
        assert one.gossip._running == EXCHANGES
        await trio.sleep(TIMEOUT_S)
        assert one.gossip._running == 0


async def test_a_question_that_makes_no_sense_gets_no_answer(autojump_clock: MockClock) -> None:
    async with three_nodes() as (one, two, _):
        asked: list[Exchange] = []
        answer = two.hub.answer

        def note(inlet: Inlet, exchange: Exchange) -> None:
            asked.append(exchange)
            answer(inlet, exchange)

        two.hub.answer = note
        await one.ask(two.address)
        assert [exchange.payload for exchange in asked] == [b"question"]
        assert two.states == {1: State.ALIVE}


async def test_what_is_asked_after_the_end_fails(autojump_clock: MockClock) -> None:
    async with three_nodes() as (one, two, _):
        one.scope.cancel()
        await trio.sleep(0.01)
        with suppress(OSError):
            await one.ask(two.address)
        assert one.gossip._running == 0


async def test_its_clock_is_woken_only_for_what_is_due_sooner(autojump_clock: MockClock) -> None:
    async with three_nodes() as [node, *_]:
        gossip, now_s = node.gossip, trio.current_time()
        gossip.act([])
        assert not gossip._nudge.is_set()
        ran: list[float] = []
        node.hub.swim._core.schedule.at(now_s + 0.001, ran.append)
        gossip.act([])
        assert gossip._nudge.is_set()
        await trio.sleep(0.002)
        assert ran == [pytest.approx(now_s + 0.001, abs=0.001)]
