"""What becomes of commands: how many ran, failed or were refused, which were slow, and what a bug of ours tells the client.

Answers that are errors are made here, because each of them is counted.
"""

import itertools
import logging
from collections.abc import Sequence
from typing import Final

from .._speedups import LedgerState
from ..commands.client import Client
from ..commands.errors import CommandError
from ..commands.node import Node
from ..commands.spec import Flag
from ..protocol.replies import ErrorReply
from .binding import BoundCommand

log = logging.getLogger(__name__)

NEVER_NS: Final = 1 << 62


class Ledger(LedgerState):
    """The books of one node's dispatcher."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.statistics = node.statistics
        self.slow_ns = NEVER_NS
        self._crash_ids = itertools.count(1)

    def refresh(self) -> None:
        """Take note of what counts as slow; call it when the settings of the slow log or the latency monitor change."""
        threshold_us = self.node.slowlog.threshold_us
        monitor_us = self.node.latency.threshold_ms * 1000
        limits = [
            us for us in (threshold_us if threshold_us >= 0 else None, monitor_us or None) if us is not None
        ]
        self.slow_ns = min(limits) * 1000 if limits else NEVER_NS

    def reject(self, bound: BoundCommand | None, error: CommandError) -> ErrorReply:
        """Count a command that did not get to run."""
        if bound is not None:
            bound.statistics.rejected_calls += 1
        self.statistics.errors.record(f"{error.code} {error.message}")
        return ErrorReply(error.code, error.message)

    def fail(self, bound: BoundCommand, error: CommandError) -> ErrorReply:
        """Count a command that ran and answers an error."""
        bound.statistics.failed_calls += 1
        self.statistics.errors.record(f"{error.code} {error.message}")
        return ErrorReply(error.code, error.message)

    def crash(
        self, client: Client, bound: BoundCommand, argv: Sequence[bytes], error: Exception
    ) -> ErrorReply:
        """Answer for a bug of ours: an id for the client, the traceback under that id in the log."""
        crash_id = f"{self.node.run_id[:8]}-{next(self._crash_ids)}"
        log.error(
            "internal error %s in %s from %s with %d arguments",
            crash_id,
            bound.command.full_name,
            client.address,
            len(argv),
            exc_info=error,
        )
        self.statistics.unexpected_error_replies += 1
        return self.fail(bound, CommandError(f"internal error {crash_id}"))

    def count(
        self,
        client: Client,
        bound: BoundCommand,
        ended_ns: list[int],
        commands: Sequence[Sequence[bytes]],
        done: int,
    ) -> None:
        """Count a run of equal commands, the last of which is ``commands[done - 1]``.

        ``ended_ns`` is when the run began, and when each of them ended. Calls and time are
        exact; in the histogram, commands of one pipeline stand with their mean.
        """
        calls = len(ended_ns) - 1
        total_ns = ended_ns[-1] - ended_ns[0]
        statistics = bound.statistics
        statistics.calls += calls
        statistics.nanoseconds += total_ns
        statistics.counts[(total_ns // calls).bit_length()] += calls
        self.statistics.total_commands_processed += calls
        client.last_command = bound.command.full_name
        if total_ns >= self.slow_ns:
            first = done - calls
            for at in range(calls):
                elapsed_ns = ended_ns[at + 1] - ended_ns[at]
                if elapsed_ns >= self.slow_ns:
                    self.note_slow(client, bound, commands[first + at], elapsed_ns)

    def count_series(
        self, client: Client, bound: BoundCommand, calls: int, total_ns: int, first: Sequence[bytes]
    ) -> None:
        """Count commands that were answered together; ``first`` are the words of the first one.

        They are only while what counts as slow is far more than they can take. Where they do take that
        long, something else held them up, and the slow log has the first with the time of all.
        """
        statistics = bound.statistics
        statistics.calls += calls
        statistics.nanoseconds += total_ns
        statistics.counts[(total_ns // calls).bit_length()] += calls
        self.statistics.total_commands_processed += calls
        client.last_command = bound.command.full_name
        if total_ns >= self.slow_ns:
            self.note_slow(client, bound, first, total_ns)

    def note_slow(self, client: Client, bound: BoundCommand, argv: Sequence[bytes], elapsed_ns: int) -> None:
        """Log a slow command, unless it carries what must not be logged."""
        elapsed_us = elapsed_ns // 1000
        now_ms = self.node.clock.now_ms
        if Flag.SKIP_SLOWLOG not in bound.command.flags:
            words = bound.command.readable(argv)
            self.node.slowlog.record(words, elapsed_us, now_ms // 1000, client.address.encode(), client.name)
        event = "fast-command" if Flag.FAST in bound.command.flags else "command"
        self.node.latency.record(event, elapsed_us // 1000, now_ms // 1000)

    def report_output_limit(self, client: Client, output_bytes: int) -> None:
        """Say in the log that a client which does not read is let go."""
        log.warning(
            "client %d (%s) closed: %d bytes of output wait, over the limit of class %s",
            client.id,
            client.address,
            output_bytes,
            client.output_class,
        )
