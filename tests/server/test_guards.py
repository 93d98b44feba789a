"""Guards: which commands each concerns, and what it says."""

from respcache.server.guards import Authentication, SubscriberMode, bound_guards, is_held_by_pause
from tests.commands.harness import Harness


def test_strangers_may_say_hello_and_nothing_else() -> None:
    table = Harness().node.table
    guard = Authentication()
    assert not guard.concerns(table["AUTH"])
    assert not guard.concerns(table["HELLO"])
    assert guard.concerns(table["GET"])
    assert guard.concerns(table["PING"])


def test_a_stranger_is_told_to_log_in() -> None:
    client = Harness(requirepass="secret").client()
    reply = client("GET a")
    assert (reply.code, reply.message) == ("NOAUTH", "Authentication required.")


def test_subscribers_of_resp2_may_only_do_what_cannot_confuse_them() -> None:
    client = Harness().client(2)
    client.send("SUBSCRIBE news")
    reply = client("GET a")
    assert reply.message.startswith("Can't execute 'get': only (P|S)SUBSCRIBE")
    assert not SubscriberMode().concerns(Harness().node.table["PING"])


def test_subscribers_of_resp3_may_do_everything() -> None:
    client = Harness().client(3)
    client.send("SUBSCRIBE news")
    assert client("SET a 1") == b"OK"


def test_a_command_that_concerns_no_guard_runs_unwrapped() -> None:
    get = Harness().node.table["GET"]
    assert bound_guards(get, ()) == (get.run, ())


def test_a_pause_keeps_everything_back_but_what_must_go_on() -> None:
    harness = Harness()
    context, table = harness.client().session.context, harness.node.table
    harness.node.pause.start(10**15, writes_only=False, now_ms=harness.clock.now_ms)
    assert is_held_by_pause(context, table["GET"])
    assert is_held_by_pause(context, table["SET"])
    assert not is_held_by_pause(context, table.resolve([b"CLIENT", b"UNPAUSE"]))


def test_a_pause_of_writes_keeps_back_transactions_that_write() -> None:
    harness = Harness()
    reader, writer, table = harness.client(), harness.client(), harness.node.table
    for client, command in ((reader, "GET a"), (writer, "SET a 1")):
        client("MULTI")
        client(command)
    harness.node.pause.start(10**15, writes_only=True, now_ms=harness.clock.now_ms)
    assert not is_held_by_pause(reader.session.context, table["GET"])
    assert is_held_by_pause(reader.session.context, table["SET"])
    assert not is_held_by_pause(reader.session.context, table["EXEC"])
    assert is_held_by_pause(writer.session.context, table["EXEC"])
