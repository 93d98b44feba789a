import random
from collections.abc import Iterator
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.events.notifications import (
    LETTERS,
    NotificationClass,
    channels_for,
    notification_classes_text,
    parse_notification_classes,
)
from tests.servers import Server
from tests.wire import RawClient, parse

SETTING = "notify-keyspace-events"
BOTH = parse_notification_classes("KEA")


def combinations_of_letters() -> list[str]:
    """Return all single letters and pairs, A's own letters with one missing, and a fixed draw of the rest."""
    chance = random.Random(7)
    every = "".join(LETTERS)
    singles_and_pairs = ["".join(chosen) for count in (0, 1, 2) for chosen in combinations(every, count)]
    nearly_all = [f"KE{'g$lshzxetd'.replace(letter, '')}" for letter in "g$lshzxetd"]
    draws = ["".join(chance.sample(every, chance.randint(3, len(every)))) for _ in range(300)]
    return singles_and_pairs + nearly_all + draws


@pytest.fixture
def redis(redis_server: Server) -> Iterator[RawClient]:
    with redis_server.client() as client:
        yield client
        client.call("CONFIG", "SET", SETTING, "")


def messages_until(subscriber: RawClient, last_channel: bytes) -> list[tuple[bytes, ...]]:
    messages: list[tuple[bytes, ...]] = []
    while True:
        _, _, channel, message = parse(subscriber.read_reply()).children
        if channel.text == last_channel:
            return messages
        messages.append((channel.text, message.text))


@pytest.mark.redis
def test_every_combination_prints_as_redis_prints_it(redis: RawClient) -> None:
    texts = combinations_of_letters()
    theirs = []
    for text in texts:
        redis.call("CONFIG", "SET", SETTING, text)
        theirs.append(parse(redis.call("CONFIG", "GET", SETTING)).children[1].text.decode())
    assert [notification_classes_text(parse_notification_classes(text)) for text in texts] == theirs


@pytest.mark.redis
@pytest.mark.parametrize("text", ["q", "KEAq", "k", " A", "KE A", "a", "0", "é"])
def test_an_unknown_letter_gets_the_words_of_redis(redis: RawClient, text: str) -> None:
    theirs = redis.call("CONFIG", "SET", SETTING, text)
    with pytest.raises(ValueError, match="Invalid event class character") as caught:
        parse_notification_classes(text)
    assert str(caught.value) in str(theirs)


@pytest.mark.redis
@pytest.mark.parametrize("text", ["KEA", "KA", "EA", "A", "KE$", "K$", "E$", "KEh", "KEn"])
def test_channels_and_messages_are_those_of_redis(redis: RawClient, redis_server: Server, text: str) -> None:
    redis.call("CONFIG", "SET", SETTING, text)
    with redis_server.client() as subscriber:
        subscriber.call("PSUBSCRIBE", "__key*")
        redis.call("SET", "a:key", "value")
        redis.call("SET", "a:key", "value")
        redis.call("PUBLISH", "__key:end", "")
        theirs = messages_until(subscriber, b"__key:end")
    redis.call("DEL", "a:key")

    flags = parse_notification_classes(text)
    created = channels_for(flags, NotificationClass.NEW, b"new", 0, b"a:key")
    written = channels_for(flags, NotificationClass.STRING, b"set", 0, b"a:key")
    assert [*created, *written, *written] == theirs


def test_the_key_channel_comes_before_the_event_channel() -> None:
    assert channels_for(BOTH, NotificationClass.GENERIC, b"del", 3, b"k\x00\xff") == [
        (b"__keyspace@3__:k\x00\xff", b"del"),
        (b"__keyevent@3__:del", b"k\x00\xff"),
    ]


def test_a_class_that_is_off_says_nothing() -> None:
    assert channels_for(BOTH, NotificationClass.KEY_MISS, b"keymiss", 0, b"k") == []


def test_classes_without_a_channel_say_nothing() -> None:
    assert channels_for(NotificationClass.ALL, NotificationClass.STRING, b"set", 0, b"k") == []


def test_n_beside_a_is_not_printed_but_stays_on() -> None:
    flags = parse_notification_classes("KEAn")
    assert notification_classes_text(flags) == "AKE"
    assert channels_for(flags, NotificationClass.NEW, b"new", 0, b"k") != []


@given(st.text(alphabet=[letter for letter in LETTERS if letter != "n"]))
def test_what_is_printed_can_be_read_again(text: str) -> None:
    flags = parse_notification_classes(text)
    assert parse_notification_classes(notification_classes_text(flags)) == flags
