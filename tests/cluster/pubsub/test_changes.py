"""Clients that cache keys hear of changes wherever the keys live."""

from typing import Any

import hiredis
import pytest

from respcache.cluster.bus.outbox import frames_of
from respcache.cluster.pubsub.changes import KEYS, Changes, Reader
from respcache.cluster.pubsub.news import Changed, Heard, encode_item
from respcache.commands.tracking import DOUBTED_KEYS
from respcache.keyspace.journal import Journal, Notice
from tests.cluster.bus.pair import World, world_of
from tests.cluster.bus.wires import Caller
from tests.thoroughness import seeds

from .caching import CachingClient


def told(client: Caller) -> list[Any]:
    """Return which keys a client was told to forget since the last look; None stands for all."""
    client.world.serve()
    pushes = [reply for reply in client.replies() if isinstance(reply, hiredis.PushNotification)]
    assert all(push[0] == b"invalidate" for push in pushes)
    return [push[1] for push in pushes]


@pytest.fixture
def world() -> World:
    return world_of(3, lanes=2)


def tracker(world: World, number: int = 0, options: str = "") -> Caller:
    client = world.client(number)
    assert client(f"CLIENT TRACKING on {options}") == b"OK"
    return client


@pytest.mark.parametrize("writer", [0, 1, 2])
def test_a_reader_hears_of_a_change_at_another_node_whoever_makes_it(world: World, writer: int) -> None:
    reader, key = tracker(world), world.key_of(1)
    reader("GET", key)
    world.client(writer)("SET", key, "1")
    world.client(writer)("SET", key, "2")
    world.run(0.01)
    assert told(reader) == [[key.encode()]]


def test_a_key_that_is_read_in_the_same_breath_as_tracking_begins_is_watched(world: World) -> None:
    reader, key = world.client(0), world.key_of(1)
    reader.send("CLIENT TRACKING on", f"GET {key}")
    world.wire(0, 1, 0).lose()  # the channel on which everything else is told
    assert reader.wait(2) == [b"OK", None]
    world.client(1)("SET", key, "1")
    world.run(0.2)
    assert [key.encode()] in told(reader) or reader.replies() == []


def test_expiry_counts_as_a_change(world: World) -> None:
    reader, key = tracker(world), world.key_of(1)
    world.client(1)("SET", key, "1", "PX", "50")
    world.run(0.01)
    reader("GET", key)
    told(reader)
    world.run(0.1)
    world.peers[1].harness.sweep()
    world.serve()
    world.run(0.01)
    assert told(reader) == [[key.encode()]]


def test_broadcasting_clients_hear_of_every_key_with_their_prefix(world: World) -> None:
    reader = tracker(world, 0, "BCAST PREFIX user:")
    user, other = world.key_of(1, "user"), world.key_of(2, "other")
    world.run(0.01)  # the others must have heard of it
    world.client(2).ask(f"SET {user} 1", f"SET {other} 1")
    world.run(0.01)
    assert told(reader) == [[user.encode()]]


def test_under_optin_only_chosen_reads_count(world: World) -> None:
    reader = tracker(world, 0, "OPTIN")
    plain, chosen = world.keys_of(1, 2)
    reader.ask(f"GET {plain}", "CLIENT CACHING yes", f"GET {chosen}")
    world.client(1).ask(f"SET {plain} 1", f"SET {chosen} 1")
    world.run(0.01)
    assert told(reader) == [[chosen.encode()]]


def test_keys_read_in_a_transaction_elsewhere_count(world: World) -> None:
    reader, key = tracker(world), world.key_of(1)
    reader.ask("MULTI", f"GET {key}", "EXEC")
    world.client(2)("SET", key, "1")
    world.run(0.01)
    assert told(reader) == [[key.encode()]]


def test_emptying_all_nodes_invalidates_everything(world: World) -> None:
    reader = tracker(world)
    key = world.key_of(1)
    reader.ask(f"SET {key} 1", f"GET {key}")
    world.client(2)("FLUSHALL")
    world.run(0.01)
    assert None in told(reader)


def test_without_trackers_a_write_is_told_to_nobody(world: World) -> None:
    reader, key = tracker(world), world.key_of(1)
    world.run(0.01)
    assert world.peers[1].node.keyspace.journal.attentive
    reader("CLIENT TRACKING off")
    world.run(0.01)
    assert not world.peers[1].node.keyspace.journal.attentive
    world.client(1)("SET", key, "1")
    world.run(0.01)
    assert told(reader) == []


def test_keys_of_a_node_whose_news_may_be_lost_are_invalidated(world: World) -> None:
    reader = tracker(world)
    doubtful, sure = world.key_of(1), world.key_of(2)
    reader.ask(f"GET {doubtful}", f"GET {sure}")
    world.lose(1, 0)
    world.run(0.2)
    assert told(reader) == [[doubtful.encode()]]


def test_news_of_a_new_connection_say_that_those_of_the_old_one_may_be_lost(world: World) -> None:
    reader = tracker(world)
    doubtful, sure = world.key_of(1), world.key_of(2)
    reader.ask(f"GET {doubtful}", f"GET {sure}")
    [frame] = frames_of(1000, [encode_item(Heard(0))])
    world.peers[0].hub.relay.take(world.wire(1, 0).inlet, frame)
    assert told(reader) == [[doubtful.encode()]]


def test_a_node_that_is_met_anew_knows_of_trackers_before_it_runs_their_commands(world: World) -> None:
    world.reconnects = False
    for one, other in ((0, 1), (1, 0)):
        for index in range(2):
            world.lose(one, other, index)
        world.peers[one].hub.relay.gone(world.peers[other].id)
    reader = next(client for client in (world.client(0), world.client(0)) if client.record.id % 2)
    key = world.key_of(1)
    assert reader("CLIENT TRACKING on") == b"OK"
    world.connect(world.peers[0], world.peers[1], 1)  # the reader's channel; the first one stays closed
    world.connect(world.peers[1], world.peers[0], 0)
    world.run(0.05)
    reader.ask(f"GET {key}")
    told(reader)
    world.client(1)("SET", key, "1")
    world.run(0.01)
    assert told(reader) == [[key.encode()]]


def test_a_node_that_sees_new_owners_late_tells_those_who_have_read_from_it_since(world: World) -> None:
    reader = tracker(world)
    key = world.keys_of(1, 2)[1]
    reader("GET", key)
    told(reader)
    world.peers[1].be_replaced(world.key_of(1), by=2)
    world.run(0.01)
    assert told(reader) == [None]


def test_keys_of_a_dead_node_are_invalidated(world: World) -> None:
    reader = tracker(world)
    lost, kept = world.key_of(1), world.key_of(2)
    reader.ask(f"GET {lost}", f"GET {kept}")
    world.kill(1)
    world.run(0.01)
    assert [lost.encode()] in told(reader)
    reader(f"GET {kept}")
    world.client(2)("SET", kept, "1")
    world.run(0.01)
    assert told(reader) == [[kept.encode()]]


def test_broadcasting_clients_cannot_be_told_which_keys_are_doubtful(world: World) -> None:
    reader = tracker(world, 0, "BCAST")
    world.kill(1)
    world.run(0.01)
    assert None in told(reader)


def test_so_many_doubtful_keys_are_not_looked_at_one_by_one() -> None:
    world = World(2)
    reader = tracker(world)
    world.peers[0].node.tracking.remember(reader.record, [b"%d" % at for at in range(DOUBTED_KEYS + 1)])
    world.peers[0].node.tracking.doubt(lambda key: False)
    assert told(reader) == [None]


def test_a_change_while_a_connection_is_away_is_told_when_it_is_back(world: World) -> None:
    reader, key = tracker(world), world.key_of(1)
    world.lose(1, 0)
    reader("GET", key)
    world.client(1)("SET", key, "1")
    world.run(0.2)
    assert [key.encode()] in told(reader)


def test_a_change_is_noted_once_until_it_is_told() -> None:
    asked: list[None] = []
    reader = Reader(lambda: asked.append(None))
    for key in (b"a", b"b", b"a"):
        reader.note(key)
    assert reader.take() == Changed([b"a", b"b"])
    assert reader.take() is None
    assert len(asked) == 1


def test_too_many_changes_stand_for_any() -> None:
    reader = Reader(lambda: None)
    for number in range(KEYS + 1):
        reader.note(b"%d" % number)
    assert reader.take() == Changed(None)
    reader.note(b"k")
    assert reader.take() == Changed([b"k"])


def test_long_keys_stand_for_any_sooner() -> None:
    reader = Reader(lambda: None)
    reader.note(bytes(2 << 20))
    assert reader.take() == Changed(None)


def test_all_kinds_of_changes_are_noted_and_reads_are_not() -> None:
    journal = Journal()
    changes = Changes(journal)
    changes.begin(b"node", lambda: None)
    notice = Notice("$", "set")
    journal.created(0, b"1", b"", notice)
    journal.updated(0, b"2", b"", notice)
    journal.deleted(0, b"3", b"", notice)
    journal.touched(0, b"4", notice)
    journal.expired(0, b"5", b"")
    journal.evicted(0, b"6", b"")
    journal.read(0, b"7", b"")
    journal.missed(0, b"8")
    assert changes.readers[b"node"].take() == Changed([b"1", b"2", b"3", b"4", b"5", b"6"])
    journal.flushed(0)
    assert changes.readers[b"node"].take() == Changed(None)
    changes.end(b"node")
    assert not journal.attentive


def read_write_and_break(world: World, caches: list[CachingClient], keys: list[str], *, moves: bool) -> None:
    chance = world.chance
    writers = [world.client(number) for number in range(3)]
    for turn in range(200):
        caches[chance.randrange(3)].read(chance.choice(keys))
        if chance.random() < 0.3:
            writers[chance.randrange(3)].send(f"SET {chance.choice(keys)} {turn}")
        if chance.random() < 0.05:
            one, other = chance.sample(range(3), 2)
            world.lose(one, other, chance.randrange(2))
        if moves and chance.random() < 0.02:
            world.peers[chance.randrange(3)].see(chance.choice([[0, 1], [0, 1, 2], [1, 2]]))
        world.run(chance.choice([0.0, 0.002, 0.02]))
        for cache in caches:
            cache.look()


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("seed", seeds(3, 12))
def test_nobody_believes_in_old_values_for_ever_whatever_happens(seed: int, moves: bool) -> None:
    world = World(3, seed=seed, lanes=2, delay_s=(0.0005, 0.03), cuts=True)
    keys = [key for number in range(3) for key in world.keys_of(number, 3)]
    caches = [CachingClient(world, number) for number in (0, 0, 1)]
    read_write_and_break(world, caches, keys, moves=moves)
    world.move(0, 1, 2)
    world.rest()
    read_write_and_break(world, caches, keys, moves=False)
    world.run(2.0)
    truth = {key.encode(): world.client(2)("GET", key) for key in keys}
    for cache in caches:
        cache.look()
        assert cache.cache  # it would be easy to believe in nothing
        assert cache.cache.items() <= truth.items()
