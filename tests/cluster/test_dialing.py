"""Lanes are kept open to whoever is there, and to nobody else."""

import logging
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
import trio
from trio.testing import MockClock

from respcache.cluster.dialing import (
    HANDSHAKE_S,
    LONGEST_PAUSE_S,
    SIGN_OF_LIFE_S,
    SILENT_MS,
    Dialer,
    bound_silence,
)
from respcache.cluster.membership.member import Member, State, encode_meta
from respcache.cluster.membership.outputs import Happened, Kind, Output
from respcache.commands.nobody import NOBODY
from tests.cluster.attached import Attached, meta_of
from tests.cluster.every_step import at_every_step

LANES = 2


class Dialing(Attached):
    """A node that dials."""

    def __init__(self, number: int, nursery: trio.Nursery) -> None:
        super().__init__(number, nursery)
        self.acted: list[Output] = []
        self.hub.act = self.acted.extend
        self.dialer = Dialer(
            self.hub,
            self.node.clock,
            self.attach,
            new_link=lambda nonce, expected: self.link("dial", nonce, expected),
            lanes=LANES,
            chance=random.Random(1),
        )
        self.scope = trio.CancelScope()
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        with self.scope:
            await self.dialer.run()

    def meet(self, other: Attached, id: bytes = b"") -> Member:
        meta = meta_of(other.address)
        member = Member(id or other.id, other.address, 1, State.ALIVE, meta, 0.0, encode_meta(meta))
        self.hub.swim._core.roster.add_live(member)
        self.hub.happened(Happened(Kind.JOINED, member, None))
        return member

    def bury(self, member: Member) -> None:
        member.state = State.DEAD
        self.hub.happened(Happened(Kind.DIED, member, None))


@asynccontextmanager
async def two_nodes() -> AsyncIterator[tuple[Dialing, Attached]]:
    """Run a node that dials, and one to be dialled."""
    async with trio.open_nursery() as nursery:
        one, other = Dialing(0, nursery), Attached(1, nursery)
        await trio.sleep(0.01)
        try:
            yield one, other
        finally:
            nursery.cancel_scope.cancel()
            one.close()
            other.close()


async def test_every_lane_is_opened_to_a_new_member(autojump_clock: MockClock) -> None:
    async with two_nodes() as (one, other):
        one.meet(other)
        await trio.sleep(0.5)
        assert sorted(one.hub.lanes) == [(other.id, 0), (other.id, 1)]
        assert [inlet.peer_id for inlet in other.hub.inlets] == [one.id, one.id]


async def test_a_lost_lane_is_dialled_again(autojump_clock: MockClock) -> None:
    async with two_nodes() as (one, other):
        one.meet(other)
        await trio.sleep(0.5)
        before = dict(one.hub.lanes)
        other.hang_up()
        await trio.sleep(0.01)
        assert not one.hub.lanes
        await trio.sleep(0.5)
        assert one.hub.lanes.keys() == before.keys()
        assert set(before.values()).isdisjoint(one.hub.lanes.values())


async def test_whoever_is_gone_is_dialled_no_more(autojump_clock: MockClock) -> None:
    async with two_nodes() as (one, other):
        member = one.meet(other)
        await trio.sleep(0.5)
        one.bury(member)
        await trio.sleep(5.0)
        assert not one.hub.lanes
        assert not other.hub.inlets
        assert not one.hub.directory.destinations


async def test_whoever_comes_back_is_dialled_again(autojump_clock: MockClock) -> None:
    async with two_nodes() as (one, other):
        member = one.meet(other)
        await trio.sleep(0.5)
        one.bury(member)
        member.state = State.ALIVE
        one.hub.happened(Happened(Kind.JOINED, member, None))
        await trio.sleep(0.5)
        assert len(one.hub.lanes) == LANES
        channels = one.hub.directory.destinations[other.id].channels
        assert {lane.channel for lane in one.hub.lanes.values()} == set(channels)


async def test_a_refused_connection_is_news_for_membership(autojump_clock: MockClock) -> None:
    async with two_nodes() as (one, other):
        await other.refuse()
        member = one.meet(other)
        await trio.sleep(0.2)
        assert member.state is State.SUSPECT
        assert any(isinstance(done, Happened) and done.kind is Kind.SUSPECTED for done in one.acted)


async def test_somebody_else_at_the_address_is_not_talked_to(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with two_nodes() as (one, other):
        with caplog.at_level(logging.WARNING):
            one.meet(other, id=b"?" * 20)
            await trio.sleep(20.0)
        assert not one.hub.lanes
        assert 1 <= len(caplog.records) <= 5, "the same trouble is not told at every try"


async def test_one_that_never_greets_is_given_up_and_tried_again(autojump_clock: MockClock) -> None:
    async with two_nodes() as (one, other):
        other.greets = False
        one.meet(other)
        await trio.sleep(HANDSHAKE_S + 1)
        other.greets = True
        await trio.sleep(2 * (HANDSHAKE_S + LONGEST_PAUSE_S))
        assert len(one.hub.lanes) == LANES


async def test_one_that_hangs_up_at_once_is_tried_less_and_less_often(
    autojump_clock: MockClock,
) -> None:
    async with two_nodes() as (one, other):
        other.accepts = False
        one.meet(other)
        await trio.sleep(60.0)
        assert 60 < len(one.connections) < 90
        other.accepts = True
        await trio.sleep(1.2 * LONGEST_PAUSE_S + 0.5)
        assert len(one.hub.lanes) == LANES


async def test_commands_travel_over_what_was_dialled(autojump_clock: MockClock) -> None:
    async with two_nodes() as (one, other):
        one.meet(other)
        await trio.sleep(0.5)
        lane = one.hub.lanes[other.id, 0]
        heard: list[bytes] = []

        class Sink:
            def fill(self, wire: bytes) -> None:
                heard.append(wire)

        client = one.hub.runner.context(NOBODY, 0, 2).client
        lane.channel.add(client, Sink(), [b"ECHO", b"hello"], 1024)
        await trio.sleep(0.1)
        assert heard == [b"$5\r\nhello\r\n"]


async def test_news_of_members_are_taken_at_every_moment_while_dialling_ends(
    autojump_clock: MockClock,
) -> None:
    async with two_nodes() as (one, other):
        ids = count(10)

        def join() -> None:
            nursery = one.dialer._nursery
            if nursery is not None and not nursery.child_tasks:  # it is about to end
                one.meet(other, bytes([next(ids)]) * 20)

        one.meet(other)
        with at_every_step(join) as errors:
            one.scope.cancel()
            await trio.sleep(0.1)
        assert errors == []


async def test_news_after_the_end_start_nothing(autojump_clock: MockClock) -> None:
    async with two_nodes() as (one, other):
        with trio.CancelScope() as scope:
            scope.cancel()
            await one.dialer.run()
        one.meet(other)
        await trio.sleep(0.1)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system cannot be asked for it")
def test_an_end_that_has_nothing_to_send_finds_out_as_well_that_the_other_has_gone() -> None:
    with socket.socket() as sock:
        bound_silence(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == SIGN_OF_LIFE_S
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == SILENT_MS
