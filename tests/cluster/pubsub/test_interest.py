"""What others are told of this node's subscriptions."""

import pytest

from respcache.cluster.pubsub.interest import NAMES, NAMES_BYTES, PATTERNS, OwnInterest, Untold
from respcache.cluster.pubsub.news import Interest
from respcache.commands.broker import Broker, World
from respcache.commands.client import Client
from respcache.protocol.replies import Reply
from tests.commands.test_broker import listener


class Listening:
    """A broker and what is told of it to one node."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.interest = OwnInterest(self.broker)
        self.untold = Untold()
        self.turns = 0
        self.broker.elsewhere = self
        self.told()

    def told(self) -> Interest:
        return self.interest.news(self.untold, is_silent=False, asks=False, token=0)

    def note(self, world: World, name: bytes, more: int) -> None:
        if more and self.interest.note(name, more):
            self.turns += 1
            self.untold.tell_all()
        else:
            self.untold.tell(world, name)

    def publish(self, channel: bytes, message: bytes) -> int:
        return 0

    publish_shard = publish

    def announce(self, channel: bytes, message: bytes) -> None: ...
    def has_listeners(self, channel: bytes) -> bool:
        return False

    has_listeners_under = has_listeners

    def confirmation(self, reply: Reply) -> Reply:
        return reply


@pytest.fixture
def here() -> Listening:
    return Listening()


@pytest.fixture
def client() -> Client:
    return listener(1)[0]


def test_only_what_has_changed_is_told(here: Listening, client: Client) -> None:
    here.broker.subscribe(client, b"c")
    here.broker.subscribe_pattern(client, b"p")
    here.told()
    here.broker.subscribe(listener(2)[0], b"c")
    here.broker.subscribe_shard(client, b"s")
    here.broker.unsubscribe_pattern(client, b"p")
    news = here.told()
    assert (news.is_full, news.channels, news.patterns, news.shard_channels) == (
        False,
        {b"c": 2},
        {b"p": 0},
        {b"s": 1},
    )
    assert not here.untold.is_due


def test_many_changes_of_one_name_are_told_once(here: Listening, client: Client) -> None:
    for _ in range(100):
        here.broker.subscribe(client, b"c")
        here.broker.unsubscribe(client, b"c")
    assert here.told().channels == {b"c": 0}


def test_who_is_new_is_told_everything(here: Listening, client: Client) -> None:
    for name in (b"a", b"b"):
        here.broker.subscribe(client, name)
    here.untold = Untold()
    news = here.told()
    assert (news.is_full, news.channels) == (True, {b"a": 1, b"b": 1})


def test_too_many_names_are_everything_until_they_are_half_as_many(here: Listening, client: Client) -> None:
    for at in range(NAMES + 1):
        here.broker.subscribe(client, b"%d" % at)
    assert (here.told().is_everything, here.turns) == (True, 1)
    for at in range(NAMES // 2 + 1):
        assert here.interest.is_everything
        here.broker.unsubscribe(client, b"%d" % at)
    news = here.told()
    assert (news.is_everything, news.is_full, len(news.channels), here.turns) == (False, True, NAMES // 2, 2)


def test_too_many_patterns_are_everything_sooner(here: Listening, client: Client) -> None:
    for at in range(PATTERNS + 1):
        here.broker.subscribe_pattern(client, b"%d*" % at)
    assert here.told().is_everything


def test_long_names_are_everything_sooner(here: Listening, client: Client) -> None:
    here.broker.subscribe(client, bytes(NAMES_BYTES + 1))
    assert here.told() == Interest(True, False, True, False, 0, {}, {}, {})
    here.broker.unsubscribe(client, bytes(NAMES_BYTES + 1))
    assert not here.told().is_everything


def test_a_node_that_takes_nothing_costs_a_bounded_memory(here: Listening, client: Client) -> None:
    for at in range(3 * NAMES):
        here.broker.subscribe(client, b"%d" % at)
        here.broker.unsubscribe(client, b"%d" % at)
    assert len(here.untold.names) <= NAMES
    assert here.told().channels == {}
