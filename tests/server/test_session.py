"""A session: bytes in, bytes out, in order, whatever waits in between."""

from collections.abc import Callable, Collection, Sequence

import pytest

from respcache.commands.client import Client, Ending
from respcache.commands.context import Context
from respcache.commands.pending import Pending, Slot
from respcache.commands.spec import Command
from respcache.keyspace.slots import SLOTS as KEY_SLOTS
from respcache.protocol.replies import ErrorReply, Reply
from respcache.server.series import COMMANDS_PER_TURN
from respcache.server.session import SLOTS
from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def harness() -> Harness:
    return Harness(enable_debug_command="yes")


def pipeline(*commands: str) -> bytes:
    return b"".join(
        b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        for words in map(HarnessClient.words, commands)
    )


def busy(harness: Harness, key: bytes) -> Pending:
    """Keep a key's owner awake; its task never runs in these tests."""

    async def work() -> bytes:
        return b"done"

    return harness.composition.owners.wake(0, key, work)


def settle(harness: Harness, key: bytes, pending: Pending) -> None:
    """End the owner's work as its task would."""
    owner = harness.composition.owners.awake[(0, key)]
    owner.is_working = False
    pending.resolve(b"done")
    harness.composition.owners._move(owner)


def test_a_pipeline_is_answered_in_order(harness: Harness) -> None:
    replies = harness.client().receive(pipeline("SET a 1", "GET a", "NOPE", "INCR a", "GET none"))
    assert replies[0] == b"OK"
    assert replies[1] == b"1"
    assert isinstance(replies[2], ErrorReply)
    assert replies[3:] == [2, None]


def test_commands_may_come_byte_by_byte(harness: Harness) -> None:
    client = harness.client()
    got = [reply for byte in pipeline("SET a 1", "GET a") for reply in client.receive(bytes([byte]))]
    assert got == [b"OK", b"1"]


def test_commands_before_broken_input_are_answered_then_the_reason_is_told(harness: Harness) -> None:
    client = harness.client()
    replies = client.receive(pipeline("SET a 1") + b"*1\r\n:5\r\n")
    assert replies[0] == b"OK"
    assert replies[1].message.startswith("Protocol error: expected '$'")
    assert client.record.ending is Ending.AFTER_REPLIES


def test_one_turn_runs_a_bounded_number_of_commands(harness: Harness) -> None:
    client = harness.client()
    client.session.receive(pipeline("PING") * (2 * COMMANDS_PER_TURN))
    assert client.session.is_hungry
    assert not client.session.wants_input
    assert len(client.replies()) == 2 * COMMANDS_PER_TURN
    assert client.session.wants_input


def test_big_replies_end_a_turn_early(harness: Harness) -> None:
    client = harness.client()
    client("SET", "big", "x" * 600_000)
    client.session.receive(pipeline("GET big") * 200)
    assert sum(map(len, client.session.take_output())) < 64 * 700_000
    assert client.session.is_hungry


def test_replies_behind_a_waiting_one_wait_but_their_commands_run(harness: Harness) -> None:
    client, other = harness.client(), harness.client()
    pending = busy(harness, b"slow")
    assert client.receive(pipeline("GET slow", "SET quick 1")) == []
    assert other("GET quick") == b"1"
    settle(harness, b"slow", pending)
    assert client.replies() == [None, b"OK"]


def test_waiting_replies_leave_in_order_whichever_is_ready_first(harness: Harness) -> None:
    client = harness.client()
    first, second = busy(harness, b"first"), busy(harness, b"second")
    client.receive(pipeline("APPEND first a", "APPEND second bb", "PING"))
    settle(harness, b"second", second)
    assert client.replies() == []
    settle(harness, b"first", first)
    assert client.replies() == [1, 2, b"PONG"]


def test_a_waiting_reply_is_in_the_protocol_that_its_command_was_sent_in(harness: Harness) -> None:
    client = harness.client(protocol=2)
    pending = busy(harness, b"slow")
    client.session.receive(pipeline("GET slow", "HELLO 3", "GET none"))
    settle(harness, b"slow", pending)
    wire = b"".join(client.session.take_output())
    assert wire.startswith(b"$-1\r\n%")
    assert wire.endswith(b"_\r\n")


def test_a_client_owed_many_replies_is_not_read_further(harness: Harness) -> None:
    client = harness.client()
    pending = busy(harness, b"slow")
    client.session.receive(pipeline("INCR slow") * (SLOTS + 10))
    assert not client.session.wants_input
    settle(harness, b"slow", pending)
    while harness.tasks[1:]:
        with pytest.raises(StopIteration):
            harness.tasks.pop()().send(None)
    assert client.replies() == list(range(1, SLOTS + 11))


def test_a_command_queued_for_a_busy_key_keeps_its_database(harness: Harness) -> None:
    client, other = harness.client(), harness.client()
    pending = busy(harness, b"key")
    client.receive(pipeline("SET key zero", "SELECT 1"))
    settle(harness, b"key", pending)
    client.replies()
    assert other("GET key") == b"zero"
    assert client("GET key") is None


def test_the_transport_is_woken_for_output_outside_a_turn(harness: Harness) -> None:
    subscriber, publisher = harness.client(), harness.client()
    subscriber.send("SUBSCRIBE news")
    wakes = subscriber.wakes
    publisher("PUBLISH news hello")
    assert subscriber.wakes == wakes + 1
    subscriber.replies()
    assert subscriber.pushes[-1] == [b"message", b"news", b"hello"]


def test_a_subscriber_over_its_hard_limit_is_let_go(harness: Harness) -> None:
    harness.client()("CONFIG SET client-output-buffer-limit 'pubsub 10000 0 0'")
    subscriber, publisher = harness.client(), harness.client()
    subscriber.send("SUBSCRIBE news")
    for _ in range(20):
        publisher("PUBLISH", "news", "x" * 1000)
    assert subscriber.record.ending is Ending.AT_ONCE


def test_limits_grow_in_the_middle_of_a_read_when_the_password_is_given() -> None:
    client = Harness(requirepass="secret").client()
    big = "x" * 20_000
    replies = client.receive(pipeline("AUTH secret", f"SET a {big}", "STRLEN a"))
    assert replies == [b"OK", b"OK", 20_000]


def test_strangers_may_send_little() -> None:
    client = Harness(requirepass="secret").client()
    replies = client.receive(pipeline("SET a " + "x" * 20_000))
    assert replies[0].message == "Protocol error: unauthenticated bulk length"


def test_strangers_long_pipelines_are_read_to_the_end() -> None:
    client = Harness(requirepass="secret").client()
    replies = client.receive(pipeline("GET a") * 3000)
    assert len(replies) == 3000
    assert {reply.code for reply in replies} == {"NOAUTH"}


def test_a_bug_in_a_handler_is_an_error_with_an_id_and_the_server_goes_on(
    harness: Harness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = harness.client()
    monkeypatch.setattr(harness.node.keyspace.databases[0], "put", None)
    reply = client("SET a 1")
    assert reply.message.startswith("internal error ")
    assert reply.message.split()[-1] in caplog.text
    assert client("PING") == b"PONG"


def test_a_bug_on_the_long_way_is_told_alike(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    client = harness.client()
    monkeypatch.setattr(harness.node.keyspace.databases[0], "put", None)
    client("MULTI")
    client("SET a 1")
    [reply] = client("EXEC")
    assert reply.message.startswith("internal error ")


def test_closing_forgets_the_client_and_its_subscriptions(harness: Harness) -> None:
    client, publisher = harness.client(), harness.client()
    client.send("SUBSCRIBE news")
    client.close()
    assert publisher("PUBLISH news hello") == 0
    assert len(harness.node.clients) == 1


def test_a_client_that_left_has_its_queued_command_run(harness: Harness) -> None:
    client, other = harness.client(), harness.client()
    pending = busy(harness, b"key")
    client.send("SET key 1")
    client.close()
    settle(harness, b"key", pending)
    assert other("GET key") == b"1"


class Elsewhere:
    """A router that keeps the slots of every GET, and lets everything else run here."""

    def __init__(self, harness: Harness) -> None:
        self.slots: list[Slot] = []
        self.answers_at_once = False
        harness.node.router = self
        harness.dispatcher.reroute()

    def route(self, context: Context, command: Command, argv: Sequence[bytes]) -> Slot | None:
        if command.name != "GET":
            return None
        slot = Slot(context.client.connection)
        if self.answers_at_once:
            slot.fill(b"+once\r\n")
        self.slots.append(slot)
        return slot

    def serves(self, key: bytes) -> bool:
        return True

    def gone(self, command: Command, argv: Sequence[bytes]) -> Collection[int]:
        return ()

    def follow(
        self,
        client: Client,
        command: Command,
        argv: Sequence[bytes],
        pending: Pending,
        note: Callable[[], None],
    ) -> Pending:
        return pending

    def bound(
        self, command: Command, run: Callable[[Context, Sequence[bytes]], Reply | Slot]
    ) -> Callable[[Context, Sequence[bytes]], Reply | Slot]:
        return lambda context, argv: self.route(context, command, argv) or run(context, argv)

    def check_queued(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        """Let everything be queued."""

    def unwatch(self, client: Client) -> None:
        """Watch nothing."""

    @property
    def marks(self) -> tuple[bytearray, list[int]]:
        return bytearray(KEY_SLOTS), []


@pytest.mark.parametrize("way", ["short", "long"])
def test_replies_from_elsewhere_stand_where_their_commands_stood(harness: Harness, way: str) -> None:
    router, client = Elsewhere(harness), harness.client()
    if way == "long":
        client("CLIENT NO-TOUCH on")
    assert client.receive(pipeline("SET a 1", "GET a", "INCR a", "GET a", "PING")) == [b"OK"]
    first, second = router.slots
    second.fill(b"+two\r\n")
    assert client.replies() == []
    first.fill(b"+one\r\n")
    assert client.replies() == [b"one", 2, b"two", b"PONG"]


@pytest.mark.parametrize("way", ["short", "long"])
def test_a_reply_from_elsewhere_that_is_there_already_leaves_at_once(harness: Harness, way: str) -> None:
    router, client = Elsewhere(harness), harness.client()
    if way == "long":
        client("CLIENT NO-TOUCH on")
    router.answers_at_once = True
    assert client.receive(pipeline("GET a", "PING", "GET a")) == [b"once", b"PONG", b"once"]
    assert client.session.is_drained


def test_many_owed_replies_hold_a_client_until_half_are_there(harness: Harness) -> None:
    router, client = Elsewhere(harness), harness.client()
    client.receive(pipeline(*["GET a"] * (SLOTS + 100)))
    assert not client.session.wants_input
    for slot in router.slots[: SLOTS // 2]:
        slot.fill(b"+x\r\n")
    assert not client.session.wants_input
    for slot in router.slots[SLOTS // 2 :]:
        slot.fill(b"+x\r\n")
    assert len(client.replies()) == SLOTS
    for slot in router.slots[SLOTS:]:
        slot.fill(b"+x\r\n")
    assert len(client.replies()) == 100
    assert client.session.wants_input


def test_a_jammed_client_is_read_from_again_when_every_jam_is_cleared(harness: Harness) -> None:
    client = harness.client()
    session = client.session
    session.jam()
    session.jam()
    session.receive(pipeline("PING"))
    assert session.take_output() == []
    session.clear_jam()
    session.release()  # the end of somebody's pause is none of its business
    assert not session.wants_input
    session.clear_jam()
    assert client.replies() == [b"PONG"]
    assert session.wants_input


def test_replies_from_elsewhere_for_a_client_that_has_gone_are_dropped(harness: Harness) -> None:
    router, client = Elsewhere(harness), harness.client()
    client.receive(pipeline("GET a", "PING"))
    client.close()
    router.slots[0].fill(b"+late\r\n")
    assert client.session.take_output() == []


def test_the_next_command_is_awaited_only_after_an_answer_from_elsewhere(harness: Harness) -> None:
    client = harness.client()
    pending = busy(harness, b"a")
    client.receive(pipeline("GET a"))
    settle(harness, b"a", pending)
    assert client.session.is_awaited
    client.receive(pipeline("GET b"))
    assert not client.session.is_awaited


def test_who_is_dismissed_gets_every_answer_that_he_is_owed_and_nothing_more_is_run(harness: Harness) -> None:
    router, client = Elsewhere(harness), harness.client()
    client.receive(pipeline("GET a", "PING"))
    client.session.dismiss()
    assert not client.session.wants_input
    assert client.session.has_output
    [slot] = router.slots
    slot.fill(b"+one\r\n")
    assert client.replies() == [b"one", b"PONG"]
    assert not client.session.has_output


def test_who_is_dismissed_has_his_backlog_run_first(harness: Harness) -> None:
    client = harness.client()
    client.session.hold()
    client.receive(pipeline("SET a 1", "INCR a"))
    client.session.dismiss()
    assert client.record.ending is None
    client.session.release()
    client.session.resume()
    assert client.replies() == [b"OK", 2]
    assert client.record.ending is Ending.AFTER_REPLIES
