"""What becomes of news of members."""

import json
from typing import Any

import pytest

from respcache.cluster.membership.outputs import Happened, Kind
from respcache.cluster.modes.splits import Stage, Told
from respcache.cluster.pubsub.observer import EVENTS, PARTITION_EVENTS, ranges_of
from respcache.events.encoding import to_json
from respcache.events.record import Event
from respcache.events.vocabulary import CLUSTER, MemberDied
from tests.cluster.bus.pair import World
from tests.cluster.bus.peer import Peer


class Follower:
    def __init__(self, peer: Peer, kinds: frozenset[type[Event]] = CLUSTER) -> None:
        self.events: list[Event] = []
        peer.node.bus.subscribe(self, kinds)

    def deliver(self, event: Event) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def test_a_death_is_told_and_then_what_follows_from_it() -> None:
    world = World(3)
    follower = Follower(world.peers[0])
    world.kill(1)
    assert follower.kinds == ["died", "view-changed"]
    died, changed = (json.loads(to_json(event)) for event in follower.events)
    assert died["member"] == "127.0.0.1:7002"
    assert died["id"] == "02" * 20
    assert died["address"] == "127.0.0.1:17002"
    assert died["node"] == changed["node"] == "127.0.0.1:7001"
    assert changed["members"] == 2
    assert 200 < changed["partitions"] < 500
    assert changed["digest"] == world.peers[2].hub.ownership.digest.hex()


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UPDATED])
def test_every_kind_of_news_has_its_event(kind: Kind) -> None:
    world = World(2)
    follower = Follower(world.peers[0])
    member = world.peers[0].hub.swim.members[world.peers[1].id]
    world.peers[0].hub.observer.happened(Happened(kind, member, world.peers[0].id))
    assert follower.kinds == [kind.value] == [EVENTS[kind].kind]
    assert json.loads(to_json(follower.events[0]))["by"] == "01" * 20


def test_what_a_member_tells_of_itself_is_no_event() -> None:
    world = World(2)
    follower = Follower(world.peers[0])
    world.peers[0].hub.happened(Happened(Kind.UPDATED, world.peers[0].hub.swim.me, None))
    assert follower.events == []


def test_only_what_is_wanted_is_told() -> None:
    world = World(3)
    follower = Follower(world.peers[0], frozenset({MemberDied}))
    world.kill(1)
    assert follower.kinds == ["died"]


def test_a_change_of_owners_without_news_of_a_member_is_told_soon() -> None:
    world = World(2)
    follower = Follower(world.peers[0])
    world.peers[0].hub.observer.view_changed([1, 2])
    world.run(0.05)
    assert follower.kinds == ["view-changed"]


def documents(follower: Follower) -> list[dict[str, Any]]:
    return [json.loads(to_json(event)) for event in follower.events]


def test_what_happens_to_a_thousand_partitions_at_once_is_one_event_for_each_kind_and_peer() -> None:
    world = World(2)
    follower = Follower(world.peers[0])
    observer = world.peers[0].hub.observer
    for partition in range(1000):
        observer.partition("promoted", partition, b"\x07" * 20)
    observer.partition("degraded", 9)
    observer.partition("promoted", 1002, b"\x07" * 20)
    assert follower.events == []
    observer.flush()
    assert follower.kinds == ["partition-promoted", "partition-degraded"]
    promoted, degraded = documents(follower)
    assert (promoted["peer"], promoted["partitions"], promoted["count"]) == ("07" * 20, "0-999,1002", 1001)
    assert (degraded["peer"], degraded["partitions"]) == ("", "9")
    observer.flush()
    assert len(follower.events) == 2


@pytest.mark.parametrize("kind", PARTITION_EVENTS)
def test_every_fate_of_a_partition_has_its_event(kind: str) -> None:
    world = World(2)
    follower = Follower(world.peers[0])
    world.peers[0].hub.observer.partition(kind, 3)
    world.run(0.05)
    assert follower.kinds == [f"partition-{kind}"]


def test_nothing_is_kept_of_partitions_while_nobody_wants_it() -> None:
    world = World(2)
    world.peers[0].hub.observer.partition("moved", 3)
    follower = Follower(world.peers[0])
    world.peers[0].hub.observer.flush()
    assert follower.events == []


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_of_a_split_has_its_event(stage: Stage) -> None:
    world = World(2)
    follower = Follower(world.peers[0])
    observer = world.peers[0].hub.observer
    observer.partition("lost", 1)
    observer.split(Told(stage, 3, 2, 70, 4, 1.5))
    assert follower.kinds == [
        "partition-lost",
        stage.value.replace("merge ", "merge-").replace("det", "split-det"),
    ]
    assert documents(follower)[1]["members"] == 3


def test_a_finished_merge_tells_what_it_took() -> None:
    world = World(2)
    follower = Follower(world.peers[0])
    world.peers[0].hub.observer.split(Told(Stage.MERGE_FINISHED, 3, 2, 70, 4, 1.5))
    [document] = documents(follower)
    assert (document["entries"], document["conflicts"], document["took_ms"]) == (70, 4, 1500)


@pytest.mark.parametrize(
    ("partitions", "text"), [([], ""), ([7], "7"), ([3, 1, 2, 9], "1-3,9"), ([0, 1023], "0,1023")]
)
def test_partitions_are_written_as_ranges(partitions: list[int], text: str) -> None:
    assert ranges_of(partitions) == text
