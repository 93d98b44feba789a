"""What only respcache has."""

import re
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.app.loaders import join_loaders
from respcache.commands.cluster_view import COPYING, IN_STEP, Following, PartitionState
from respcache.commands.loads import LoaderControls, LoaderReport
from respcache.gateway.own_metrics import BOUNDS, COARSEST_BITS, FINEST_BITS, histogram_of
from respcache.loading import Change, Loader
from respcache.telemetry.histogram import SLOTS, new_counts
from tests.commands.cluster import FakeCluster, peer
from tests.gateway.live import Live, get
from tests.gateway.scraping import Samples, scrape, value

REPOSITORY = Path(__file__).parents[2]


@given(st.lists(st.integers(0, 2**40), max_size=30))
def test_a_histogram_counts_what_is_shorter_than_each_bound(durations_ns: list[int]) -> None:
    counts = new_counts()
    for duration_ns in durations_ns:
        counts[duration_ns.bit_length()] += 1
    histogram = histogram_of(counts, sum(durations_ns))
    *bounded, (_, total) = histogram.buckets
    for bound, count in bounded:
        assert count == sum(duration_ns < round(float(bound) * 1e9) for duration_ns in durations_ns)
    assert total == len(durations_ns)
    assert histogram.sum == pytest.approx(sum(durations_ns) / 1e9)


def test_bounds_are_powers_of_two_of_nanoseconds() -> None:
    assert [float(bound) for bound in BOUNDS[:-1]] == [
        2**bits / 1e9 for bits in range(FINEST_BITS, COARSEST_BITS + 1)
    ]
    assert BOUNDS[-1] == "+Inf"
    assert COARSEST_BITS < SLOTS


def test_latencies_are_by_family_of_commands() -> None:
    live = Live()
    for line in ("SET a 1", "GET a", "GET a", "HSET h f v"):
        live.client(line)
    found = scrape(live)
    name = "respcache_command_duration_seconds"
    assert value(found, f"{name}_count", family="string") == 3
    assert value(found, f"{name}_bucket", family="string", le="+Inf") == 3
    assert value(found, f"{name}_count", family="hash") == 1
    record = live.node.command_statistics["hset"]
    assert value(found, f"{name}_sum", family="hash") == pytest.approx(record.nanoseconds / 1e9)


def test_owners_are_counted() -> None:
    live = Live(enable_debug_command="yes")
    live.harness.client().send("DEBUG OWNER-SLEEP busy 0")
    live.client.send("INCR busy")
    live.harness.clock.advance(1500)
    found = scrape(live)
    assert found["respcache_owners_awake"][()] == 1
    assert found["respcache_owners_longest_mailbox"][()] == 1
    assert found["respcache_owners_longest_wait_seconds"][()] == 1.5
    assert found["respcache_owners_woken_total"][()] == 1


def test_lag_of_the_loop_and_of_expiry() -> None:
    live = Live()
    live.client("SET a 1 PX 10")
    live.harness.clock.advance(5000)
    found = scrape(live)
    assert found["respcache_loop_lag_seconds"][()] == pytest.approx(0.0001)
    assert found["respcache_loop_lag_worst_seconds"][()] == pytest.approx(0.001)
    assert 4 < found["respcache_expiry_lag_seconds"][()] < 5
    live.harness.sweep()
    assert scrape(live)["respcache_expiry_lag_seconds"][()] == 0


def test_followers_of_events_are_counted() -> None:
    live = Live()
    stream, socket = live.follow(), live.websocket()
    live.client("SET a 1")
    live.hub.flush()
    live.hub.drop(next(iter(live.hub.readers)), "slow-stream")
    found = scrape(live)
    assert value(found, "respcache_http_readers", way="stream") == 0
    assert value(found, "respcache_http_readers", way="websocket") == 1
    assert value(found, "respcache_http_readers_dropped_total", reason="slow-stream") == 1
    assert value(found, "respcache_http_readers_dropped_total", reason="slow-websocket") == 0
    assert found["respcache_http_events_total"][()] == 1
    assert value(found, "respcache_events_delivered_total", sink="channel") == 0
    assert stream.wire.ending is None
    assert socket.wire.ending is None


def test_answers_are_counted_by_status() -> None:
    live = Live()
    live.open(get("/healthcheck") + get("/healthcheck") + get("/nowhere"))
    live.open(b"nonsense\r\n\r\n")
    found = scrape(live)
    assert value(found, "respcache_http_responses_total", status="200") == 2
    assert value(found, "respcache_http_responses_total", status="404") == 1
    assert value(found, "respcache_http_responses_total", status="400") == 1
    assert found["respcache_http_connections"][()] == 2


def partition(number: int, *, wanted: str = "a", following: str = IN_STEP) -> PartitionState:
    return PartitionState(number, 1, 10, "a", (wanted, "b"), (Following("b", following),))


def in_cluster() -> Samples:
    live = Live()
    members = [peer(1, is_self=True), peer(2, state="suspect"), peer(3, state="dead")]
    told: dict[str, int | float | str] = {
        "cluster_replication_lag_ms": 1500,
        "cluster_lost": 7,
        "cluster_phase": "active",
    }
    states = [partition(1), partition(2, following=COPYING), partition(3, following="lagging")]
    live.node.cluster = FakeCluster(members, [], states=states, set_aside=4, told=told)
    return scrape(live)


def test_members_and_partitions_of_a_cluster() -> None:
    found = in_cluster()
    members = {
        state: value(found, "respcache_cluster_members", state=state)
        for state in ("alive", "suspect", "dead", "left")
    }
    assert members == {"alive": 1, "suspect": 1, "dead": 1, "left": 0}
    partitions = {
        state: value(found, "respcache_cluster_partitions", state=state)
        for state in ("safe", "degraded", "moving", "set-aside")
    }
    assert partitions == {"safe": 1, "degraded": 1, "moving": 1, "set-aside": 4}
    assert found["respcache_cluster_partitions_served"][()] == 3
    assert found["respcache_cluster_ok"][()] == 1


def test_figures_of_a_cluster_are_those_of_info() -> None:
    found = in_cluster()
    assert found["respcache_cluster_replication_lag_seconds"][()] == 1.5
    assert found["respcache_cluster_lost_total"][()] == 7
    assert "respcache_cluster_copies_held" not in found


def test_without_a_cluster_nothing_is_said_of_it() -> None:
    assert not [name for name in scrape(Live()) if re.match("respcache_cluster_", name)]


class Shop(Loader):
    """Knows users, and writes what clients change of them."""

    name = "users"
    pattern = "user:*"

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        return dict.fromkeys(keys, b"somebody")

    async def bulk_write(self, changes: Sequence[Change]) -> None:
        """Forget them."""


def test_without_loaders_nothing_is_said_of_them() -> None:
    assert not [name for name in scrape(Live()) if re.match("respcache_loader_", name)]


async def test_loaders_tell_how_they_stand() -> None:
    live = Live(loader=f"{__name__}:Shop")
    join_loaders(live.harness.settings, live.harness.composition, lambda: None)
    loads = live.node.loads
    assert loads is not None
    assert loads.request(0, b"user:1")
    found = scrape(live)
    assert value(found, "respcache_loader_state", loader="users", state="closed") == 1
    assert value(found, "respcache_loader_now", loader="users", what="requested") == 1
    assert value(found, "respcache_loader_done_total", loader="users", what="loaded") == 0
    assert value(found, "respcache_loader_done_total", loader="users", what="write_failed") == 0
    loads.pause("users")
    found = scrape(live)
    assert value(found, "respcache_loader_state", loader="users", state="paused") == 1


def test_the_age_of_writes_is_told_in_seconds_and_not_among_numbers_of_keys() -> None:
    report = LoaderReport("users", "user:*", 0, "closed", "closed", {"oldest_pending_ms": 1500}, {}, {}, "")
    live = Live()
    live.node.loads = Mock(spec=LoaderControls, reports=lambda: [report])
    found = scrape(live)
    assert value(found, "respcache_loader_oldest_write_seconds", loader="users") == 1.5
    assert "respcache_loader_now" not in found


def test_every_label_that_alerts_and_dashboards_choose_loaders_by_is_told() -> None:
    live = Live(loader=f"{__name__}:Shop")
    join_loaders(live.harness.settings, live.harness.composition, lambda: None)
    told = {dict(labels)["what"] for labels in scrape(live)["respcache_loader_done_total"]}
    chosen = r'respcache_loader_done_total{[^}]*what=~\\?"([^"\\]+)'
    for name in ("prometheus-alerts.yml", "grafana-dashboard.json"):
        found = re.findall(chosen, (REPOSITORY / "conf" / name).read_text())
        assert found
        for one in found:
            assert set(one.split("|")) <= told
