import tomllib

import pytest

from respcache.settings.buffer_limits import BufferLimit, BufferLimits, OutputBufferLimits
from respcache.settings.clients import Clients
from respcache.settings.errors import InvalidValueError

KIND = OutputBufferLimits()
DEFAULT = Clients.client_output_buffer_limit.default


def test_limits_are_shown_as_redis_shows_its_defaults() -> None:
    assert KIND.show(DEFAULT) == "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"


def test_a_class_that_is_not_mentioned_keeps_its_limit() -> None:
    limits = KIND.parse("pubsub 1mb 1k 5", DEFAULT)
    assert limits == BufferLimits(DEFAULT.normal, DEFAULT.replica, BufferLimit(1024**2, 1000, 5))


def test_replica_and_slave_are_one_class_in_any_case() -> None:
    assert KIND.parse("replica 1 2 3", DEFAULT) == KIND.parse("SLAVE 1 2 3", DEFAULT)


def test_the_last_of_two_limits_for_one_class_counts() -> None:
    assert KIND.parse("pubsub 1 1 1 pubsub 2 2 2", DEFAULT).pubsub == BufferLimit(2, 2, 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pubsub 1mb 1mb", "Wrong number of arguments in buffer limit configuration."),
        ("pubsub  1 1 1", "Wrong number of arguments in buffer limit configuration."),
        ("foo 1 1 1", "Invalid client class specified in buffer limit configuration."),
        ("master 1 1 1", "Invalid client class specified in buffer limit configuration."),
        ("pubsub a 1 1", "Error in hard, soft or soft_seconds setting in buffer limit configuration."),
        ("pubsub 1 1 -1", "Error in hard, soft or soft_seconds setting in buffer limit configuration."),
        ("pubsub 1 1 6x", "Error in hard, soft or soft_seconds setting in buffer limit configuration."),
    ],
)
def test_wrong_limits_are_refused_in_redis_words(text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError, match="^" + reason.replace(".", r"\.") + "$"):
        KIND.parse(text, DEFAULT)


def test_limits_survive_toml() -> None:
    limits = KIND.parse("normal 1gb 3kb 7 pubsub 5 6 7", DEFAULT)
    written = tomllib.loads(f"value = {KIND.toml(limits)}")["value"]
    assert KIND.parse(KIND.text_of_toml(written), DEFAULT) == limits


def test_a_list_in_toml_is_its_words() -> None:
    assert KIND.text_of_toml(["pubsub 1mb 1mb 5", "normal 0 0 0"]) == "pubsub 1mb 1mb 5 normal 0 0 0"
