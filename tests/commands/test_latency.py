import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import START_MS, Harness, HarnessClient
from tests.wire import RawClient, words

NOW_S = START_MS // 1000

ALIKE = [
    "LATENCY LATEST",
    "LATENCY HISTORY command",
    "LATENCY RESET",
    "LATENCY RESET a b",
    "LATENCY GRAPH command",
    "LATENCY HISTOGRAM nosuch",
    "LATENCY HISTORY",
    "LATENCY NOSUCH",
    "LATENCY",
]


@pytest.fixture
def harness() -> Harness:
    harness = Harness(latency_monitor_threshold="5")
    harness.node.latency.record("command", 40, NOW_S - 61)
    harness.node.latency.record("command", 20, NOW_S - 1)
    harness.node.latency.record("loop-lag", 7, NOW_S)
    return harness


@pytest.mark.redis
def test_the_answers_are_those_of_redis(real: RawClient) -> None:
    client = Harness().client()
    for line in ALIKE:
        assert client.raw(line) == real.call(*words(line)), line


def test_the_newest_and_the_worst_spike_of_each_event_are_told(client: HarnessClient) -> None:
    assert client("LATENCY LATEST") == [[b"command", NOW_S - 1, 20, 40], [b"loop-lag", NOW_S, 7, 7]]


def test_the_spikes_of_an_event_come_oldest_first(client: HarnessClient) -> None:
    assert client("LATENCY HISTORY command") == [[NOW_S - 61, 40], [NOW_S - 1, 20]]


def test_some_events_or_all_can_be_forgotten(client: HarnessClient) -> None:
    assert client("LATENCY RESET loop-lag nosuch") == 1
    assert client("LATENCY RESET") == 1
    assert client("LATENCY LATEST") == []


def test_the_graph_draws_a_bar_for_each_spike(client: HarnessClient) -> None:
    head, first, second = client("LATENCY GRAPH command").decode().splitlines()
    assert head == "command - high 40 ms, low 20 ms (all time high 40 ms)"
    assert first.split() == ["1m", "ago", "#" * 50, "40", "ms"]
    assert second.split() == ["1s", "ago", "#" * 25, "20", "ms"]


def test_the_doctor_names_what_was_slow_and_what_may_help(client: HarnessClient) -> None:
    text = client("LATENCY DOCTOR").decode()
    assert (
        "1. command: 2 spikes, 30 ms on average, give or take 10 ms, one every 60.0 s; the worst ever 40 ms."
        in text
    )
    assert "2. loop-lag: 1 spike, 7 ms" in text
    assert "SLOWLOG GET" in text


@pytest.mark.parametrize(("threshold", "word"), [("0", "CONFIG SET"), ("5", "nothing to mend")])
def test_a_healthy_patient_is_told_so(threshold: str, word: str) -> None:
    assert word in Harness(latency_monitor_threshold=threshold).client()("LATENCY DOCTOR").decode()


def test_a_histogram_counts_calls_up_to_each_bound(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1")
    harness.node.command_statistics["set"].reset()
    harness.node.command_statistics["set"].counts[10] = 2
    harness.node.command_statistics["set"].counts[13] = 1
    assert client("LATENCY HISTOGRAM SET nosuch") == {b"set": {b"calls": 3, b"histogram_usec": {1: 2, 8: 3}}}


def test_a_parent_stands_for_its_subcommands(client: HarnessClient) -> None:
    client("CONFIG GET maxmemory")
    client("CONFIG RESETSTAT")
    client("CONFIG GET maxmemory")
    assert set(client("LATENCY HISTOGRAM config")) == {b"config|get", b"config|resetstat"}
    assert set(client("LATENCY HISTOGRAM config|get")) == {b"config|get"}


def test_all_commands_that_ran_are_shown_by_default(client: HarnessClient) -> None:
    client("SET a 1")
    client("GET a")
    assert {b"set", b"get"} <= set(client("LATENCY HISTOGRAM"))


def test_an_event_without_spikes_has_no_graph(client: HarnessClient) -> None:
    assert client("LATENCY GRAPH nosuch") == ErrorReply("ERR", "No samples available for event 'nosuch'")


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    text = b"\n".join(client("LATENCY HELP"))
    words_ = (b"DOCTOR", b"GRAPH", b"HISTORY", b"LATEST", b"RESET", b"HISTOGRAM", b"HELP")
    assert all(word in text for word in words_)
