from typing import Any
from unittest.mock import Mock

from respcache.commands.loads import LoaderControls, LoaderReport
from respcache.protocol.replies import OK, Reply
from tests.commands.cluster import cluster_of_two
from tests.commands.tasks import run_tasks
from tests.gateway.visitor import HttpHarness


def status(http: HttpHarness) -> Any:
    answer = http.visitor()("GET", "/v1/status")
    assert answer.status == 200
    return answer.json


def test_a_server_that_is_alone_tells_of_itself(http: HttpHarness) -> None:
    client = http.client()
    client("MSET a 1 b 2")
    client("EXPIRE a 100")
    client("GET a")
    client("GET nothing")
    http.clock.advance(90_000)
    told = status(http)
    assert told["scope"] == "node"
    assert told["node"]["name"] == "test"
    assert told["node"]["uptime_s"] == 90
    assert told["databases"] == [{"db": 0, "keys": 2, "expires": 1}]
    assert (told["totals"]["hits"], told["totals"]["misses"]) == (1, 1)
    assert told["memory"]["used_bytes"] == http.node.keyspace.used_bytes
    assert told["clients"]["http"] == 1
    assert (told["cluster"], told["loaders"], told["now"]) == (None, [], None)


def test_now_is_the_last_second(http: HttpHarness) -> None:
    http.clock.advance(1000)
    http.gateway.look_after(http.clock.now_ms)
    assert status(http)["now"]["at_ms"] == http.clock.now_ms


def test_slow_commands_stand_with_their_words(http: HttpHarness) -> None:
    http.node.slowlog.record([b"SET", b"\xff", b"x"], 20_000, 1_700_000_000, b"127.0.0.1:5", b"worker")
    slow = status(http)["slow_commands"]
    assert (slow["kept"], slow["threshold_us"]) == (1, 10_000)
    [one] = slow["last"]
    assert one["words"] == ["SET", {"base64": "/w=="}, "x"]
    assert (one["took_us"], one["client_name"]) == (20_000, "worker")


def test_busy_keys_are_named(http: HttpHarness) -> None:
    async def work() -> Reply:
        return OK

    http.node.owners.wake(0, b"busy", work)
    owners = status(http)["owners"]
    assert (owners["awake"], owners["keys"]) == (1, ["busy"])
    run_tasks(http)
    assert status(http)["owners"]["keys"] == []


def test_loaders_tell_of_themselves(http: HttpHarness) -> None:
    now, totals = {"loading": 2}, {"loaded": 3}
    settings, reason = {"tries": 1}, "no answer"
    report = LoaderReport("products", "product:*", 0, "paused", "closed", now, totals, settings, reason)
    http.node.loads = Mock(spec=LoaderControls, reports=lambda: [report])
    [told] = status(http)["loaders"]
    assert (told["name"], told["state"], told["now"], told["totals"]) == ("products", "paused", now, totals)
    assert (told["settings"], told["last_failure"]) == (settings, reason)


def test_the_cluster_is_told_of_for_a_moment(http: HttpHarness) -> None:
    view = http.node.cluster = cluster_of_two()
    view.told = {"cluster_partitions_moving": 3, "cluster_gossip_acks": 1}
    told = status(http)["cluster"]
    assert told["figures"] == {"partitions_moving": 3}
    assert [member["is_self"] for member in told["members"]].count(True) == 1
    assert {member["state"] for member in told["members"]} == {"alive"}
    view.told = {"cluster_partitions_moving": 4}
    assert status(http)["cluster"]["figures"]["partitions_moving"] == 3
    http.clock.advance(501)
    assert status(http)["cluster"]["figures"]["partitions_moving"] == 4
