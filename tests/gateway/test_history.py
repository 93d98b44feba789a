from typing import Any

import pytest

from respcache.gateway.history import COARSE_SAMPLES, FINE_SAMPLES, History
from tests.commands.harness import START_MS
from tests.gateway.visitor import HttpHarness


def pass_time(http: HttpHarness, seconds: int) -> History:
    for _ in range(seconds * 10):
        http.clock.advance(100)
        http.gateway.look_after(http.clock.now_ms)
    return http.gateway.history


def test_a_sample_tells_of_the_second_before_it(http: HttpHarness) -> None:
    client = http.client()
    for _ in range(30):
        client("SET a 1")
    client("GET a")
    client("GET nothing")
    history = pass_time(http, 1)
    [sample] = history.fine
    assert (sample.at_ms, sample.operations) == (START_MS + 1000, 32.0)
    assert (sample.hits, sample.misses) == (1.0, 1.0)
    assert 0 < sample.p50_us <= sample.p99_us
    assert (sample.keys, sample.memory_bytes) == (1, http.node.keyspace.used_bytes)
    assert pass_time(http, 1).fine[-1].operations == 0.0


def test_a_longer_step_tells_of_all_its_time(http: HttpHarness) -> None:
    client = http.client()
    for _ in range(5):
        for _ in range(10):
            client("SET a 1")
        history = pass_time(http, 1)
    assert [sample.operations for sample in history.fine] == [10.0] * 5
    assert [sample.operations for sample in history.coarse] == [10.0]


def test_rates_go_on_when_the_counters_are_set_back(http: HttpHarness) -> None:
    client = http.client()
    for _ in range(100):
        client("SET a 1")
    pass_time(http, 1)
    client("CONFIG RESETSTAT")
    client("SET a 1")
    sample = pass_time(http, 1).fine[-1]
    assert 0 <= sample.operations <= 2
    assert sample.p99_us >= 0


def test_an_hour_is_kept_and_no_more(http: HttpHarness) -> None:
    history = http.gateway.history
    for second in range(1, 4001):
        history.note(START_MS + second * 1000)
    assert len(history.fine) == FINE_SAMPLES
    assert len(history.coarse) == COARSE_SAMPLES == 720
    assert history.coarse[-1].at_ms - history.coarse[0].at_ms == 719 * 5000


def ask(http: HttpHarness, query: str = "") -> Any:
    return http.visitor()("GET", f"/v1/history{query}").json


def test_charts_get_columns(http: HttpHarness) -> None:
    pass_time(http, 12)
    told = ask(http)
    assert (told["scope"], told["step_ms"]) == ("node", 5000)
    assert told["samples"]["at_ms"] == [START_MS + 5000, START_MS + 10_000]
    assert len(told["samples"]["operations"]) == 2
    seconds = ask(http, "?step=1")["samples"]["at_ms"]
    assert seconds == [START_MS + number * 1000 for number in range(1, 13)]
    assert ask(http, f"?step=1&since={START_MS + 11_000}")["samples"]["at_ms"] == [START_MS + 12_000]


@pytest.mark.parametrize("query", ["?step=2", "?step=", "?since=x", "?since=-1", "?since=" + "9" * 16])
def test_other_questions_are_refused(http: HttpHarness, query: str) -> None:
    assert http.visitor()("GET", f"/v1/history{query}").status == 400
