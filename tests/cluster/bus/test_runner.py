"""Commands of other nodes keep their order when the owner pauses, and say what is wrong with them."""

import pytest

from respcache.commands.nobody import NOBODY
from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.pair import World, world_of


@pytest.fixture
def world() -> World:
    return world_of(2)


def test_a_pause_at_the_owner_holds_forwarded_commands_in_their_order(world: World) -> None:
    key = world.key_of(1)
    world.client(1)("CLIENT", "PAUSE", 3000)
    client = world.client(0)
    client.send(f"SET {key} 1", f"INCR {key}", f"GET {key}", "PING")
    world.run(2.0)
    assert client.replies() == []
    assert world.peers[1].hub.runner.is_held
    world.run(1.5)
    world.peers[1].harness.dispatcher.end_pause(world.peers[1].node.clock.now_ms)
    assert client.wait(4) == [b"OK", 2, b"2", b"PONG"]
    assert not world.peers[1].hub.runner.is_held


def test_the_end_of_a_pause_comes_before_its_time(world: World) -> None:
    key = world.key_of(1)
    world.client(1)("CLIENT", "PAUSE", 100_000)
    client = world.client(0)
    client.send("MULTI", f"SET {key} 1", "EXEC", f"GET {key}")
    world.run(0.1)
    world.client(1)("CLIENT", "UNPAUSE")
    assert client.wait(4)[2:] == [[b"OK"], b"1"]


def test_a_pause_of_writes_lets_reads_pass_that_have_no_write_before_them(world: World) -> None:
    key = world.key_of(1)
    world.client(1)("CLIENT", "PAUSE", 100_000, "WRITE")
    client = world.client(0)
    assert client("GET", key) is None
    client.send(f"SET {key} 1", f"GET {key}")
    world.run(0.1)
    assert client.replies() == []
    world.client(1)("CLIENT", "UNPAUSE")
    assert client.wait(2) == [b"OK", b"1"]


def test_a_new_pause_keeps_the_order_of_what_the_old_one_held(world: World) -> None:
    key = world.key_of(1)
    pausing = world.client(1)
    pausing("CLIENT", "PAUSE", 100_000)
    client = world.client(0)
    client.send(*(f"APPEND {key} {letter}" for letter in "abc"))
    world.run(0.1)
    world.peers[1].node.pause.until_ms = 0
    pausing("CLIENT", "PAUSE", 100_000, "WRITE")
    world.peers[1].hub.runner.release()
    world.run(0.1)
    assert client.replies() == []
    pausing("CLIENT", "UNPAUSE")
    client.send(f"GET {key}")
    assert client.wait(4)[3] == b"abc"


def test_a_pause_here_holds_what_goes_elsewhere(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    world.client(0)("CLIENT", "PAUSE", 100_000)
    client.send(f"SET {key} 1")
    world.run(0.1)
    assert client.replies() == []
    assert world.peers[0].waiting == 0
    world.client(0)("CLIENT", "UNPAUSE")
    assert client.wait(1) == [b"OK"]


def test_a_transaction_of_another_version_is_refused_and_watches_nothing(world: World) -> None:
    runner = world.peers[1].hub.runner
    context = runner.context(NOBODY, 0, 2)
    heard: list[bytes] = []
    assert runner.run(context, [b"WATCH", b"k"], heard.append)
    assert runner.run_transaction(context, [[b"SET", b"k", b"1"], [b"COMMAND-OF-TOMORROW"]], heard.append)
    assert heard[1].startswith(b"-ERR unknown command")
    assert world.peers[1].watched == 0
    assert isinstance(world.client(1)("COMMAND-OF-TOMORROW"), ErrorReply)


def test_busy_keys_hold_up_nobody_else(world: World) -> None:
    busy, *idle = world.keys_of(1, 6)
    world.client(1).send(f"DEBUG OWNER-SLEEP {busy} 1")
    world.run(0.01)
    waiting, client = world.client(0), world.client(0)
    waiting.send(f"INCR {busy}")
    assert client.ask(*(f"INCR {key}" for key in idle)) == [1] * 5
    assert waiting.replies() == []
    assert waiting.wait(1) == [1]
