import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import START_MS, Harness, HarnessClient
from tests.wire import RawClient, words

ALIKE = [
    "TIME x",
    "ROLE",
    "ROLE x",
    "LASTSAVE x",
    "LOLWUT VERSION abc",
    "SHUTDOWN ABORT",
    "SHUTDOWN NOSUCH",
    "SHUTDOWN NOSAVE SAVE",
    "SHUTDOWN ABORT NOW",
    "SHUTDOWN NOW NOW ABORT",
    "MULTI",
    "MONITOR",
    "EXEC",
]


@pytest.mark.redis
def test_the_answers_are_those_of_redis(client: HarnessClient, real: RawClient) -> None:
    for line in ALIKE:
        assert client.raw(line) == real.call(*words(line)), line


def test_time_is_that_of_the_clock(harness: Harness, client: HarnessClient) -> None:
    harness.clock.advance(1_234)
    assert client("TIME") == [b"%d" % (START_MS // 1000 + 1), b"234000"]


def test_the_last_save_was_the_start(harness: Harness, client: HarnessClient) -> None:
    harness.clock.advance(60_000)
    assert client("LASTSAVE") == START_MS // 1000


def test_lolwut_draws_another_maze_each_time_and_tells_the_version(client: HarnessClient) -> None:
    first, second = client("LOLWUT"), client("LOLWUT VERSION 5 1 2")
    assert first != second
    assert b"Redis ver." in first
    assert b"Redis ver." in second


def test_shutdown_ends_the_server_without_a_reply(harness: Harness, client: HarnessClient) -> None:
    assert client.send("SHUTDOWN NOSAVE NOW") == []
    assert harness.host.asked_to_stop


def test_what_cannot_be_saved_is_only_given_up_by_force(harness: Harness, client: HarnessClient) -> None:
    assert isinstance(client("SHUTDOWN SAVE"), ErrorReply)
    assert not harness.host.asked_to_stop
    assert client.send("SHUTDOWN SAVE FORCE") == []
    assert harness.host.asked_to_stop


def test_a_shutdown_under_way_can_be_taken_back(harness: Harness, client: HarnessClient) -> None:
    harness.host.cancel_shutdown = lambda: True  # type: ignore[method-assign]
    assert client("SHUTDOWN ABORT") == b"OK"


def test_a_monitor_sees_what_others_run(harness: Harness, client: HarnessClient) -> None:
    monitor = harness.client()
    assert monitor("MONITOR") == b"OK"
    client('SET "a b" 1')
    assert monitor.replies() == [b'1700000000.000000 [0 127.0.0.1:50000] "SET" "a b" "1"']


def test_a_monitor_that_resets_sees_no_more(harness: Harness, client: HarnessClient) -> None:
    monitor = harness.client()
    monitor("MONITOR")
    monitor.send("RESET")
    monitor.replies()
    client("SET a 1")
    assert monitor.replies() == []
