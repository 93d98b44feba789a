"""What follows from a client's record: its class of output, and whether its commands may take the short way."""

from collections.abc import Callable

import pytest

from respcache.commands.client import Client, Ending, ReplyMode, Transaction
from respcache.commands.tracking import Subscription
from tests.commands.harness import Harness, HarnessClient

STATES: dict[str, Callable[[Client], object]] = {
    "has not logged in": lambda client: setattr(client, "is_authenticated", False),
    "is in a transaction": lambda client: setattr(client, "transaction", Transaction()),
    "gets no replies": lambda client: setattr(client, "reply_mode", ReplyMode.OFF),
    "skips the next reply": lambda client: setattr(client, "reply_mode", ReplyMode.SKIP_NEXT),
    "skips this reply": lambda client: setattr(client, "reply_mode", ReplyMode.SKIP),
    "leaves after its replies": lambda client: setattr(client, "ending", Ending.AFTER_REPLIES),
    "leaves at once": lambda client: setattr(client, "ending", Ending.AT_ONCE),
    "waits for a busy key": lambda client: setattr(client, "is_blocked", True),
    "watches what others do": lambda client: setattr(client, "is_monitor", True),
    "leaves no trace": lambda client: setattr(client, "leaves_no_trace", True),
    "caches": lambda client: setattr(client, "tracking", Subscription()),
    "subscribes in RESP2": lambda client: client.channels.update({b"c": None}),
}


@pytest.fixture
def record(client: HarnessClient) -> Client:
    """Return a client of RESP2 that has just come."""
    client.record.protocol = 2
    client.record.refresh()
    return client.record


def test_who_has_just_come_takes_the_short_way(record: Client) -> None:
    assert record.is_ordinary


@pytest.mark.parametrize("state", STATES)
def test_a_guard_may_have_something_to_say_to_one_who(record: Client, state: str) -> None:
    STATES[state](record)
    record.refresh()
    assert not record.is_ordinary


def test_a_name_and_a_database_are_nothing_special(record: Client) -> None:
    record.name, record.db_index, record.is_unevictable = b"worker", 3, True
    record.watched.add((0, b"a"))
    record.refresh()
    assert record.is_ordinary


def test_the_short_way_opens_again_when_the_state_is_over(record: Client) -> None:
    record.transaction = Transaction()
    record.refresh()
    record.transaction = None
    record.refresh()
    assert record.is_ordinary


@pytest.mark.parametrize("names", ["channels", "patterns", "shard_channels"])
def test_any_kind_of_subscription_makes_a_subscriber(record: Client, names: str) -> None:
    assert not record.is_subscriber
    getattr(record, names)[b"c"] = None
    assert record.is_subscriber


@pytest.mark.parametrize(("protocol", "is_restricted"), [(2, True), (3, False)])
def test_only_resp2_restricts_its_subscribers(record: Client, protocol: int, is_restricted: bool) -> None:
    record.protocol = protocol
    record.channels[b"c"] = None
    assert record.is_restricted is is_restricted


@pytest.mark.parametrize("protocol", [2, 3])
def test_subscribers_take_the_long_way(record: Client, protocol: int) -> None:
    record.protocol = protocol
    record.refresh()
    assert record.is_ordinary
    record.channels[b"c"] = None
    record.refresh()
    assert not record.is_ordinary


def test_readers_subscribers_and_monitors_have_limits_of_their_own(record: Client) -> None:
    classes = [record.output_class]
    record.patterns[b"*"] = None
    classes.append(record.output_class)
    record.is_monitor = True
    classes.append(record.output_class)
    assert classes == ["normal", "pubsub", "replica"]


def test_a_transaction_counts_the_words_it_holds(harness: Harness) -> None:
    transaction, get = Transaction(), harness.node.table["GET"]
    transaction.add(get, [b"GET", b"a" * 1000])
    transaction.add(get, [b"GET", b"b"])
    assert [argv[1][:1] for _, argv in transaction.queue] == [b"a", b"b"]
    assert 1007 < transaction.size_bytes < 1007 + 4 * 64
