"""Who gets which message."""

from respcache.commands.broker import UNLIMITED_BYTES, Broker, World
from respcache.commands.client import Client, Ending, Transaction
from respcache.commands.pending import Pending
from respcache.protocol.limits import Limits
from respcache.protocol.replies import Reply


class FakeConnection:
    """A transport that keeps what is pushed."""

    query_bytes = output_bytes = received_bytes = sent_bytes = 0

    def __init__(self) -> None:
        self.pushed: list[bytes] = []

    def push(self, wire: bytes) -> None:
        self.pushed.append(wire)

    def end(self, ending: Ending) -> None: ...
    def hold(self) -> None: ...
    def release(self) -> None: ...
    def jam(self) -> None: ...
    def dismiss(self) -> None: ...
    def clear_jam(self) -> None: ...
    def select(self, index: int) -> None: ...
    def settle(self) -> None: ...
    def set_request_limits(self, limits: Limits) -> None: ...


def listener(id: int, protocol: int = 2) -> tuple[Client, list[bytes]]:
    connection = FakeConnection()
    client = Client(id, connection, "127.0.0.1:1", "127.0.0.1:6379", 0)
    client.protocol = protocol
    return client, connection.pushed


def test_a_message_reaches_each_subscriber_in_its_own_protocol() -> None:
    broker = Broker()
    (old, old_pushed), (new, new_pushed) = listener(1, 2), listener(2, 3)
    broker.subscribe(old, b"c")
    broker.subscribe(new, b"c")
    assert broker.publish(b"c", b"hi") == 2
    assert old_pushed == [b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"]
    assert new_pushed == [b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"]


def test_a_message_comes_once_for_each_subscription_it_fits() -> None:
    broker = Broker()
    client, pushed = listener(1)
    broker.subscribe(client, b"news")
    for pattern in (b"n*", b"*s", b"x*"):
        broker.subscribe_pattern(client, pattern)
    assert broker.publish(b"news", b"hi") == len(pushed) == 3
    assert pushed[1] == b"*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n"


def test_what_every_limit_allows_is_surely_allowed() -> None:
    broker = Broker()
    assert broker.fan_out.surely_allowed_bytes == 0  # until it has been told
    broker.allow([0, 500, 300])
    assert broker.fan_out.surely_allowed_bytes == 300
    broker.allow([0, 0])
    assert broker.fan_out.surely_allowed_bytes == UNLIMITED_BYTES


def test_shard_channels_are_a_world_of_their_own() -> None:
    broker = Broker()
    client, pushed = listener(1)
    broker.subscribe_shard(client, b"c")
    assert broker.publish(b"c", b"hi") == 0
    assert broker.publish_shard(b"c", b"hi") == 1
    assert pushed == [b"*3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"]


def test_subscribing_twice_changes_nothing() -> None:
    broker = Broker()
    client, pushed = listener(1)
    assert [broker.subscribe(client, b"c"), broker.subscribe(client, b"c")] == [True, False]
    assert [broker.unsubscribe(client, b"c"), broker.unsubscribe(client, b"c")] == [True, False]
    assert broker.publish(b"c", b"hi") == 0
    assert pushed == []


def test_a_pattern_lives_until_its_last_subscriber_leaves() -> None:
    broker = Broker()
    (one, _), (two, pushed) = listener(1), listener(2)
    broker.subscribe_pattern(one, b"n*")
    broker.subscribe_pattern(two, b"n*")
    broker.unsubscribe_pattern(one, b"n*")
    assert broker.publish(b"news", b"hi") == len(pushed) == 1
    broker.unsubscribe_pattern(two, b"n*")
    assert not broker.has_listeners(b"news")


def test_a_client_that_leaves_is_forgotten_everywhere() -> None:
    broker = Broker()
    client, _ = listener(1)
    broker.subscribe(client, b"c")
    broker.subscribe_pattern(client, b"p*")
    broker.subscribe_shard(client, b"s")
    broker.forget(client)
    assert [broker.channels, broker.patterns, broker.shard_channels] == [{}, {}, {}]
    assert not client.is_subscriber


def test_interest_is_told_when_it_begins_and_ends() -> None:
    broker = Broker()
    told: list[bool] = []
    broker.on_interest = lambda: told.append(broker.has_listeners(b"news"))
    (one, _), (two, _) = listener(1), listener(2)
    broker.subscribe(one, b"news")
    broker.subscribe(two, b"news")
    broker.unsubscribe(one, b"news")
    broker.unsubscribe(two, b"news")
    broker.subscribe_pattern(one, b"n*")
    broker.unsubscribe_pattern(one, b"n*")
    assert told == [True, False, True, False]


class Others:
    """Other nodes, with three listeners for everything."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.noted: list[tuple[World, bytes, int]] = []

    def publish(self, channel: bytes, message: bytes) -> int:
        self.messages.append(("publish", channel))
        return 3

    def publish_shard(self, channel: bytes, message: bytes) -> int:
        self.messages.append(("shard", channel))
        return 3

    def announce(self, channel: bytes, message: bytes) -> None:
        self.messages.append(("announce", channel))

    def has_listeners(self, channel: bytes) -> bool:
        return channel == b"there"

    def has_listeners_under(self, prefix: bytes) -> bool:
        return b"there".startswith(prefix)

    def note(self, world: World, name: bytes, more: int) -> None:
        self.noted.append((world, name, more))

    def confirmation(self, reply: Reply) -> Reply | Pending:
        return Pending()


def test_listeners_elsewhere_are_counted_and_told() -> None:
    broker, others = Broker(), Others()
    broker.elsewhere = others
    client, pushed = listener(1)
    broker.subscribe(client, b"c")
    broker.subscribe_shard(client, b"s")
    assert broker.publish_everywhere(b"c", b"hi") == 4
    assert broker.publish_shard_everywhere(b"s", b"hi") == 4
    assert broker.announce(b"c", b"hi") == 1
    assert broker.publish(b"c", b"hi") == 1
    assert others.messages == [("publish", b"c"), ("shard", b"s"), ("announce", b"c")]
    assert len(pushed) == 4


def test_listeners_elsewhere_are_listeners_and_not_here() -> None:
    broker = Broker()
    broker.elsewhere = Others()
    assert broker.has_listeners(b"there")
    assert not broker.has_listeners(b"nowhere")
    assert not broker.has_listeners_here(b"there")
    assert broker.may_have_listeners_under(b"the")
    assert not broker.may_have_listeners_under(b"nowhere")


def test_others_are_told_of_the_first_the_last_and_any_other_subscriber() -> None:
    broker, others = Broker(), Others()
    broker.elsewhere = others
    (one, _), (two, _) = listener(1), listener(2)
    for client in (one, two):
        broker.subscribe(client, b"c")
    for client in (one, two):
        broker.forget(client)
    assert others.noted == [(World.CHANNELS, b"c", more) for more in (1, 0, 0, -1)]


def test_a_subscription_may_have_to_wait_but_not_within_a_transaction() -> None:
    broker, (client, _) = Broker(), listener(1)
    assert broker.confirmation(client, 1) == 1
    broker.elsewhere = Others()
    assert isinstance(broker.confirmation(client, 1), Pending)
    client.transaction = Transaction()
    assert broker.confirmation(client, 1) == 1
