import pytest

from tests.commands.harness import START_MS, Harness, HarnessClient
from tests.wire import RawClient, words

ALIKE = [
    "SLOWLOG RESET",
    "SLOWLOG GET",
    "SLOWLOG LEN",
    "SLOWLOG GET -1",
    "SLOWLOG GET -2",
    "SLOWLOG GET abc",
    "slowlog Get 1 2",
    "SLOWLOG LEN x",
    "SLOWLOG NOSUCH",
    "SLOWLOG",
]


@pytest.fixture
def client() -> HarnessClient:
    harness = Harness(slowlog_log_slower_than="-1")
    for number in range(12):
        harness.node.slowlog.threshold_us = 10
        harness.node.slowlog.record([b"GET", b"%d" % number], 20, START_MS // 1000, b"1.2.3.4:5", b"me")
    return harness.client()


@pytest.mark.redis
def test_the_answers_are_those_of_redis(real: RawClient) -> None:
    client = Harness(slowlog_log_slower_than="-1").client()
    for line in ALIKE:
        assert client.raw(line) == real.call(*words(line)), line


def test_the_ten_newest_come_first(client: HarnessClient) -> None:
    entries = client("SLOWLOG GET")
    assert len(entries) == 10
    assert entries[0] == [11, START_MS // 1000, 20, [b"GET", b"11"], b"1.2.3.4:5", b"me"]


def test_more_or_all_are_to_be_had(client: HarnessClient) -> None:
    assert len(client("SLOWLOG GET 11")) == 11
    assert len(client("SLOWLOG GET -1")) == client("SLOWLOG LEN") == 12


def test_a_reset_forgets_them(client: HarnessClient) -> None:
    assert client("SLOWLOG RESET") == b"OK"
    assert client("SLOWLOG LEN") == 0


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    text = b"\n".join(client("SLOWLOG HELP"))
    assert all(word in text for word in (b"GET", b"LEN", b"RESET", b"HELP"))
