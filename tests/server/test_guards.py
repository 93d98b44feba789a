"""Guards: which commands each concerns, and what it says."""

from respcache.server.guards import Authentication, SubscriberMode, bound_guards
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
