"""Messages between nodes, on connections that exist only in memory."""

import json
from typing import Any

import hiredis
import pytest

from respcache.app.sinks import EventSinks
from respcache.cluster.bus.outbox import frames_of
from respcache.cluster.pubsub.interest import NAMES
from respcache.cluster.pubsub.news import Message, encode_item
from respcache.cluster.pubsub.silence import PATIENCE_S, QUIET_S
from tests.cluster.bus.pair import World
from tests.cluster.bus.wires import Caller


def pushed(client: Caller) -> list[Any]:
    """Return what was pushed to a client since the last look."""
    return [list(reply) for reply in client.replies() if isinstance(reply, hiredis.PushNotification)]


def subscriber(world: World, number: int, *commands: str) -> Caller:
    client = world.client(number)
    client.ask(*commands)
    return client


def test_a_message_reaches_subscribers_of_every_node() -> None:
    world = World(3)
    listeners = [subscriber(world, number, "SUBSCRIBE news", "PSUBSCRIBE n*") for number in range(3)]
    world.run(0.01)
    assert world.client(1)("PUBLISH news hello") == 6
    world.run(0.01)
    expected = [[b"message", b"news", b"hello"], [b"pmessage", b"n*", b"news", b"hello"]]
    assert [pushed(listener) for listener in listeners] == [expected] * 3


def test_shard_channels_are_a_world_of_their_own() -> None:
    world = World(2)
    listener = subscriber(world, 0, "SSUBSCRIBE news", "SUBSCRIBE old")
    world.run(0.01)
    publisher = world.client(1)
    assert publisher.ask("SPUBLISH news a", "PUBLISH news b", "SPUBLISH old c") == [1, 0, 0]
    world.run(0.01)
    assert pushed(listener) == [[b"smessage", b"news", b"a"]]


@pytest.mark.parametrize("seed", range(5))
def test_messages_of_one_publisher_keep_their_order(seed: int) -> None:
    world = World(2, seed=seed, lanes=3, cuts=True)
    listener = subscriber(world, 1, "SUBSCRIBE c")
    publisher = world.client(0)
    for turn in range(50):
        publisher.send(*[f"PUBLISH c {turn * 4 + number}" for number in range(4)])
        world.run(world.chance.choice([0.0, 0.0001, 0.003]))
    world.run(0.05)
    assert [int(message[2]) for message in pushed(listener)] == list(range(200))


def test_order_is_kept_when_connections_are_lost() -> None:
    world = World(2, seed=3, delay_s=(0.0005, 0.02))
    listener = subscriber(world, 1, "SUBSCRIBE c")
    publisher = world.client(0)
    for number in range(100):
        publisher.send(f"PUBLISH c {number}")
        if number % 30 == 10:
            world.lose(0, 1)
        world.run(0.005)
    world.run(0.2)
    got = [int(message[2]) for message in pushed(listener)]
    assert got == sorted(set(got))
    assert got[-1] == 99
    assert len(got) >= 80  # only what was on its way is lost


def test_messages_wait_for_a_connection() -> None:
    world = World(2)
    listener = subscriber(world, 1, "SUBSCRIBE c")
    world.lose(0, 1)
    world.client(0)("PUBLISH c hello")
    world.run(0.2)
    assert pushed(listener) == [[b"message", b"c", b"hello"]]


def test_a_stopped_node_delays_no_publisher_and_costs_a_bounded_memory() -> None:
    world = World(3)
    world.window_bytes = 1 << 16
    listener = subscriber(world, 2, "SUBSCRIBE c")
    world.run(0.01)
    world.peers[1].stop()
    publisher = world.client(0)
    for number in range(12):
        before_s = world.now_s
        assert publisher(b"PUBLISH", b"c", bytes([number]) * (1 << 20)) == 1
        assert world.now_s == before_s
        world.run(0.01)
    assert (
        world.peers[0].hub.relay.figures()["cluster_pubsub_dropped"] == 4
    )  # 8 MiB wait, and one is on its way
    assert len(pushed(listener)) == 12


def test_a_subscription_is_known_when_it_is_confirmed_even_after_a_long_silence() -> None:
    world = World(3, delay_s=(0.01, 0.05))
    world.run(QUIET_S + 1)
    publisher = world.client(0)
    publisher("PUBLISH c nobody")
    assert world.peers[0].hub.relay.figures()["cluster_silent_nodes"] == 2
    assert world.peers[0].hub.relay.figures()["cluster_pubsub_sent"] == 0
    listener = world.client(2)
    listener("SUBSCRIBE c")
    publisher("PUBLISH c hello")
    world.run(0.1)
    assert pushed(listener) == [[b"message", b"c", b"hello"]]


def test_what_a_client_sees_of_a_subscription_keeps_its_order() -> None:
    world = World(2, delay_s=(0.01, 0.05))
    world.run(QUIET_S + 1)
    client = world.client(1)
    client.send("SUBSCRIBE c", "PUBLISH c own", "PING")
    world.run(0.2)
    assert [list(reply) if isinstance(reply, list) else reply for reply in client.replies()] == [
        [b"subscribe", b"c", 1],
        [b"message", b"c", b"own"],
        1,
        b"PONG",
    ]


def test_a_subscription_is_confirmed_in_time_though_a_node_is_stopped() -> None:
    world = World(3)
    world.run(QUIET_S + 1)
    world.peers[1].stop()
    before_s = world.now_s
    world.client(0)("SUBSCRIBE c")
    assert world.now_s - before_s <= PATIENCE_S + 0.05


def test_a_node_that_has_died_is_waited_for_no_longer() -> None:
    world = World(3)
    world.run(QUIET_S + 1)
    world.peers[1].stop()
    listener = world.client(0)
    listener.send("SUBSCRIBE c")
    world.run(0.02)
    assert listener.replies() == []
    world.kill(1)
    world.run(0.005)
    assert len(listener.replies()) == 1
    assert world.client(0)("PUBLISH c x") == 1


def test_nodes_that_stop_listening_are_forgotten() -> None:
    world = World(2)
    listener = subscriber(world, 1, "SUBSCRIBE c", "PSUBSCRIBE p*", "SSUBSCRIBE s")
    world.run(0.01)
    publisher = world.client(0)
    assert publisher.ask("PUBLISH c x", "PUBLISH pq x", "SPUBLISH s x") == [1, 1, 1]
    listener.close()
    world.run(0.01)
    assert publisher.ask("PUBLISH c x", "PUBLISH pq x", "SPUBLISH s x") == [0, 0, 0]


def test_the_dead_listen_to_nothing() -> None:
    world = World(2)
    subscriber(world, 1, "SUBSCRIBE c")
    world.run(0.01)
    publisher = world.client(0)
    assert publisher("PUBLISH c x") == 1
    world.kill(1)
    assert publisher("PUBLISH c x") == 0


def test_a_transaction_that_runs_elsewhere_subscribes_nobody() -> None:
    world = World(2)
    client, key = world.client(0), world.key_of(1)
    replies = client.ask("MULTI", f"SET {key} 1", "SUBSCRIBE c", "EXEC", f"GET {key}")
    assert "SUBSCRIBE cannot be part of a transaction whose keys another node owns" in replies[3].message
    assert replies[4] is None
    assert not world.peers[1].node.broker.channels


# -- what the cache itself tells -----------------------------------------------------


def world_with_sinks(nodes: int = 3, **settings: str) -> World:
    world = World(nodes, **settings)  # type: ignore[arg-type]  # the rest are settings of the nodes
    for peer in world.peers:
        EventSinks(peer.harness.composition, peer.harness.settings)
    return world


def test_events_of_every_node_reach_a_subscriber_of_any_once() -> None:
    world = world_with_sinks()
    listener = subscriber(world, 0, "SUBSCRIBE respcache:events")
    world.run(0.01)
    keys = [key for number in range(3) for key in world.keys_of(number, 5)]
    writer = world.client(1)
    writer.ask(*[f"SET {key} {turn}" for turn in range(2) for key in keys])
    world.run(0.01)
    events = [json.loads(message[2]) for message in pushed(listener)]
    assert sorted((event["key"], event["kind"]) for event in events) == sorted(
        (key, kind) for key in keys for kind in ("created", "updated")
    )


def test_notifications_of_every_node_reach_a_subscriber_of_any() -> None:
    world = world_with_sinks(notify_keyspace_events="KEA")
    listener = subscriber(world, 0, "PSUBSCRIBE __keyevent@*__:set")
    world.run(0.01)
    keys = [world.key_of(number) for number in range(3)]
    world.client(2).ask(*[f"SET {key} 1" for key in keys])
    world.run(0.01)
    assert sorted(message[3] for message in pushed(listener)) == sorted(key.encode() for key in keys)


def test_only_nodes_that_listen_are_told() -> None:
    world = world_with_sinks()
    subscriber(world, 0, "SUBSCRIBE respcache:events")
    subscriber(world, 2, "SUBSCRIBE something-else")
    world.run(0.01)
    world.client(1)(f"SET {world.key_of(1)} 1")
    world.run(0.01)
    received = [peer.hub.relay.figures()["cluster_pubsub_received"] for peer in world.peers]
    assert received == [1, 0, 0]


def test_without_listeners_anywhere_a_write_is_no_event() -> None:
    world = world_with_sinks(2, notify_keyspace_events="KEA")
    journal = world.peers[1].node.keyspace.journal
    assert not journal.attentive
    listener = subscriber(world, 0, "SUBSCRIBE __keyevent@0__:set")
    world.run(0.01)
    assert journal.attentive
    listener("UNSUBSCRIBE")
    world.run(0.01)
    assert not journal.attentive
    subscriber(world, 0, "PSUBSCRIBE news*")  # that is none of theirs
    world.run(0.01)
    assert not journal.attentive


def test_each_node_tells_its_own_clients_what_it_notices_of_the_cluster() -> None:
    world = world_with_sinks(3, cluster_enabled="yes")
    listeners = [subscriber(world, number, "SUBSCRIBE respcache:cluster") for number in (0, 1)]
    world.run(0.01)
    world.kill(2)
    world.run(0.01)
    for listener in listeners:
        assert [json.loads(message[2])["kind"] for message in pushed(listener)] == ["died", "view-changed"]


# -- what may go wrong ---------------------------------------------------------------------


def test_a_node_that_was_forgotten_and_is_back_is_asked_what_it_listens_to() -> None:
    world = World(2)
    subscriber(world, 1, "SUBSCRIBE c")
    reader = subscriber(world, 1, "CLIENT TRACKING on")
    world.run(0.01)
    here, other = world.peers
    here.hub.relay.gone(other.id)
    assert world.client(0)("PUBLISH c x") == 0
    here.hub.relay.met(other.id)
    world.lose(0, 1)  # lanes to the dead are closed
    world.run(0.2)
    assert world.client(0)("PUBLISH c x") == 1
    key = world.key_of(0)
    reader.ask(f"GET {key}")
    world.client(0)("SET", key, "1")
    world.run(0.01)
    assert [b"invalidate", [key.encode()]] in pushed(reader)


def test_news_of_an_old_connection_are_not_taken_after_those_of_a_new_one() -> None:
    world = World(2)
    listener = subscriber(world, 0, "SUBSCRIBE c")
    relay, inlet = world.peers[0].hub.relay, world.wire(1, 0).inlet
    for generation, message in ((5, b"new"), (4, b"old"), (0, b"unordered")):
        [frame] = frames_of(generation, [encode_item(Message(b"c", message))])
        relay.take(inlet, frame)
    world.serve()
    assert [message[2] for message in pushed(listener)] == [b"new", b"unordered"]


def test_a_broken_frame_ends_the_connection_and_no_more() -> None:
    world = World(2)
    world.peers[1].hub.relay._peer(world.peers[0].id).outbox.add(b"\xc1")
    world.run(0.2)
    assert world.client(0)("PING") == b"PONG"
    listener = subscriber(world, 0, "SUBSCRIBE c")
    world.client(1)("PUBLISH c x")
    world.run(0.01)
    assert pushed(listener) == [[b"message", b"c", b"x"]]


def test_a_node_that_listens_to_too_much_gets_everything() -> None:
    world = World(2)
    listener = world.client(1)
    listener.ask(*[f"SUBSCRIBE channel:{at}" for at in range(NAMES + 1)])
    world.run(0.05)
    listener.replies()
    assert world.client(0)("PUBLISH channel:7 x") == 0  # not counted, and told nevertheless
    world.run(0.01)
    assert pushed(listener) == [[b"message", b"channel:7", b"x"]]
