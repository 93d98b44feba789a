"""What becomes of commands."""

import logging

import pytest

from respcache.commands.errors import CommandError
from respcache.server.binding import bind_command
from respcache.server.ledger import NEVER_NS, Ledger
from respcache.telemetry.command_statistics import CommandStatistics
from tests.commands.harness import Harness


def test_nothing_is_slow_while_nobody_wants_to_know(harness: Harness) -> None:
    ledger = Ledger(harness.node)
    harness.node.slowlog.threshold_us = -1
    harness.node.latency.threshold_ms = 0
    ledger.refresh()
    assert ledger.slow_ns == NEVER_NS


def test_slow_is_what_either_the_slow_log_or_the_latency_monitor_asks_for(harness: Harness) -> None:
    ledger = Ledger(harness.node)
    harness.node.slowlog.threshold_us = 500
    harness.node.latency.threshold_ms = 100
    ledger.refresh()
    assert ledger.slow_ns == 500_000


def test_a_failure_and_a_refusal_are_counted_apart(harness: Harness) -> None:
    ledger = Ledger(harness.node)
    bound = bind_command(harness.node.table.resolve([b"GET"]), (), CommandStatistics())
    error = CommandError("no", "WRONGTYPE")
    assert ledger.fail(bound, error).wire == b"-WRONGTYPE no\r\n"
    assert ledger.reject(bound, error).wire == b"-WRONGTYPE no\r\n"
    assert ledger.reject(None, error).wire == b"-WRONGTYPE no\r\n"
    assert (bound.statistics.failed_calls, bound.statistics.rejected_calls) == (1, 1)


def test_a_bug_is_told_by_an_id_that_stands_in_the_log(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    client = harness.client()
    bound = bind_command(harness.node.table.resolve([b"GET"]), (), CommandStatistics())
    ledger = Ledger(harness.node)
    with caplog.at_level(logging.ERROR):
        reply = ledger.crash(client.session.client, bound, [b"GET", b"a"], ValueError("oops"))
    crash_id = reply.message.removeprefix("internal error ")
    assert crash_id in caplog.text
    assert "oops" in caplog.text
