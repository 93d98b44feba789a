"""What becomes of news of members."""

import json

import pytest

from respcache.cluster.membership.outputs import Happened, Kind
from respcache.cluster.pubsub.observer import EVENTS
from respcache.events.encoding import to_json
from respcache.events.vocabulary import CLUSTER, Event, MemberDied
from tests.cluster.bus.pair import Peer, World


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
