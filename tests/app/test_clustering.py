"""Nodes of one process over real sockets: they find each other, answer for each other, and leave."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from respcache.app import clustering
from respcache.app.clustering import Clustering, ClusteringError
from respcache.cluster.membership.member import Phase, State
from respcache.server.housekeeping import LoopLag
from respcache.server.pollers import new_poller
from respcache.server.reactor import Reactor
from tests.commands.harness import Harness

PATIENCE_S = 10.0


class Member:
    """A node without a client port."""

    def __init__(self, **settings: str) -> None:
        self.harness = Harness(None, cluster_enabled="yes", port="0", cluster_profile="local", **settings)
        self.clustering = Clustering(
            self.harness.settings, self.harness.composition, LoopLag(), random.Random(1)
        )
        poller = new_poller()
        assert poller is not None
        self.reactor = Reactor(poller, self.harness.dispatcher, lambda: None)

    @property
    def bus(self) -> str:
        host, port = self.clustering.listeners[0].getsockname()[:2]
        return f"{host}:{port}"

    @property
    def states(self) -> list[State]:
        return sorted(member.state for member in self.clustering.hub.swim.members.values())

    async def wait_states(self, *states: State) -> None:
        with trio.fail_after(PATIENCE_S):
            while self.states != sorted(states):  # noqa: ASYNC110  # the members tell nobody
                await trio.sleep(0.01)


@asynccontextmanager
async def running(member: Member) -> AsyncIterator[Member]:
    """Let a node take part until the block ends; then it vanishes without a word."""
    member.clustering.join(7000, 0)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(member.reactor.run)
            await nursery.start(member.clustering.run, member.reactor)
            yield member
            nursery.cancel_scope.cancel()
    finally:
        member.clustering.close()


async def test_when_a_write_counts_and_how_fast_copies_are_made_can_be_changed_while_it_runs() -> None:
    async with running(Member()) as member:
        client, replication = member.harness.client(), member.clustering.hub.replication
        assert replication.holds.is_sync
        client("CONFIG SET cluster-replication-ack async cluster-transfer-rate 8mb")
        assert not replication.holds.is_sync
        assert replication.syncing.rate_bytes_s == 8 << 20
        client("CONFIG SET cluster-replication-ack sync")
        assert replication.holds.is_sync


async def test_two_nodes_with_one_seed_are_one_cache() -> None:
    async with running(Member()) as first, running(Member(cluster_seeds=first.bus)) as second:
        await first.wait_states(State.ALIVE, State.ALIVE)
        with trio.fail_after(PATIENCE_S):
            while second.clustering.hub.ownership.digest != first.clustering.hub.ownership.digest:  # noqa: ASYNC110
                await trio.sleep(0.01)
        serving = [one.clustering.hub.replication.serving for one in (first, second)]
        with trio.fail_after(PATIENCE_S):
            while sum(one.is_safe(partition) for one in serving for partition in range(1024)) < 1024:  # noqa: ASYNC110
                await trio.sleep(0.01)
        client, other = first.harness.client(), second.harness.client()
        for number in range(20):
            client.send(f"SET k{number} {number}")
        with trio.fail_after(PATIENCE_S):
            while len(client.replies()) + client.session.is_drained < 1:  # noqa: ASYNC110
                await trio.sleep(0.01)
        counts = [len(one.harness.node.keyspace.databases[0]) for one in (first, second)]
        assert sum(counts) == 20
        assert 0 not in counts
        assert other.session.is_drained


async def test_when_a_write_counts_and_how_fast_copies_are_made_can_be_changed() -> None:
    async with running(Member()) as only:
        replication, client = only.clustering.hub.replication, only.harness.client()
        assert replication.holds.is_sync
        assert client("CONFIG SET cluster-replication-ack async cluster-transfer-rate 1mb") == b"OK"
        assert not replication.holds.is_sync
        assert replication.syncing.rate_bytes_s == 1 << 20


async def test_a_node_that_leaves_is_gone_at_once_and_suspected_by_nobody() -> None:
    async with running(Member()) as first, running(Member(cluster_seeds=first.bus)) as second:
        await first.wait_states(State.ALIVE, State.ALIVE)
        await second.clustering.leave()
        await first.wait_states(State.ALIVE, State.LEFT)
        assert first.clustering.hub.swim.statistics()["suspicions"] == 0
        assert {owners[0] for owners in first.clustering.hub.ownership.owners} == {first.clustering.id}


async def test_a_node_that_vanishes_is_declared_dead() -> None:
    async with running(Member()) as first:
        async with running(Member(cluster_seeds=first.bus)):
            await first.wait_states(State.ALIVE, State.ALIVE)
        await first.wait_states(State.ALIVE, State.DEAD)


async def test_another_secret_keeps_a_node_out(caplog: pytest.LogCaptureFixture) -> None:
    async with running(Member(cluster_secret="one-secret-that-is-long-enough")) as first:
        stranger = Member(cluster_seeds=first.bus, cluster_secret="another-secret-that-is-long-enough")
        async with running(stranger):
            assert first.states == [State.ALIVE]
            assert stranger.states == [State.ALIVE]
            assert "secret" in caplog.text


async def test_a_secret_can_be_added_and_changed_while_running() -> None:
    old, new = "the-first-secret-long-enough", "the-second-secret-long-enough"
    async with running(Member(cluster_secret=old)) as first:
        first.harness.settings.set_many([("cluster-secret", f"{old} {new}")])
        async with running(Member(cluster_seeds=first.bus, cluster_secret=f"{new} {old}")):
            await first.wait_states(State.ALIVE, State.ALIVE)


async def test_a_node_without_seeds_serves_at_once_and_one_with_dead_seeds_soon() -> None:
    started_s = trio.current_time()
    async with running(Member()) as alone:
        assert alone.clustering.hub.swim.me.meta.phase is Phase.ACTIVE
        assert trio.current_time() - started_s < 1.5
    with trio.fail_after(PATIENCE_S):
        async with running(Member(cluster_seeds="127.0.0.1:1")) as seeker:
            assert seeker.clustering.hub.is_serving


def test_settings_that_cannot_be_had_are_told_in_one_line() -> None:
    with pytest.raises(ClusteringError, match="discovery dns"):
        Member(cluster_discovery="dns")
    with pytest.raises(ClusteringError, match=r"cluster-announce-host no-such-host\.invalid: "):
        Member(cluster_announce_host="no-such-host.invalid")
    with pytest.raises(ClusteringError, match="nowhere"):
        Member(
            cluster_tls_cert_file="/nowhere/cert.pem",
            cluster_tls_key_file="/nowhere/key.pem",
            cluster_tls_ca_file="/nowhere/ca.pem",
        )


async def test_who_connects_and_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "GREETING_S", 0.05)
    monkeypatch.setattr(clustering, "STRANGERS", 1)
    async with running(Member()) as member:
        port = member.clustering.listeners[0].getsockname()[1]
        with trio.fail_after(PATIENCE_S):
            async with await trio.open_tcp_stream("127.0.0.1", port) as silent:
                async with await trio.open_tcp_stream("127.0.0.1", port) as one_too_many:
                    assert await one_too_many.receive_some(1) == b""
                assert await silent.receive_some(1) == b""
            async with running(Member(cluster_seeds=member.bus)):
                await member.wait_states(State.ALIVE, State.ALIVE)
