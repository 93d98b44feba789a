"""Equal commands that a client has sent in one go, answered together; in plain Python only.

Of the 2.4 us that a pipelined GET took, a good half went to doing the same again: reading a
request, making a list of its words, finding its command, calling, looking at the clock, and
waiting for memory each time. So a read that holds nothing but calls of one command, all of one
number of words, is read by columns (``protocol/columns.py``), and the command answers all of
them (``commands/series.py``).

Nobody can tell the difference but by the clock. This is only for clients and commands on the
short way, and while nothing asks about single commands: no guard, no loader, no other node, and no
slow log for what takes less than a millisecond. Where the command declines, and for all
other reads, nothing has happened, and the session goes on as ever.
"""

import logging
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from .._speedups import IS_COMPILED
from ..commands.series import Columns
from ..protocol.columns import beginning_of
from .binding import NOT_FAST, BoundCommand
from .dispatcher import Dispatcher

if TYPE_CHECKING:
    from .session import Session

log = logging.getLogger(__name__)

COMMANDS_PER_TURN: Final = 1024
"""How many commands a connection may run before the others get theirs: some 2 ms of GETs."""

COMMANDS_PER_CHECK: Final = 64
"""After how many commands the output's size is looked at: counting each reply costs 40 ns."""

OUTPUT_PER_TURN_BYTES: Final = 1 << 20
"""A turn ends when this much waits to be sent: big values cannot pile up."""

FEWEST_BYTES: Final = 128
"""Less holds four commands at most, and a lone client's reads need not be looked at."""

FIRST_COMMAND_BYTES: Final = 4096
"""Where the first command is longer, its values are, and copying them is what costs."""

LEAST_SLOW_NS: Final = 1_000_000
"""Of a series only the whole is timed. What may count as slow must be far above the 40 us that it takes."""


def take_series(session: "Session", dispatcher: Dispatcher, data: bytes) -> list[list[bytes]] | None:
    """Take what an authenticated client has sent; return the commands that are still to be run, None if there are none."""
    parser = session.parser
    if (
        IS_COMPILED
        or len(data) < FEWEST_BYTES
        or data.find(b"*", 8, FIRST_COMMAND_BYTES) < 0  # a twentieth of the time of looking for more
        or session.backlog
        or session.is_held
    ):
        return parser.feed(data)
    bound, name = _find_command(dispatcher, session, data)
    series = bound.series
    if series is None:
        return parser.feed(data)
    found = parser.feed_columns(data, beginning_of(name, series.words), series.words)
    if found is None:
        return parser.feed(data)
    columns, rest = found
    commands = parser.feed(rest) if rest else []
    done = _answer(dispatcher, session, bound, name, columns)
    if done < len(columns[0]):
        left = [[name, *words] for words in zip(*(column[done:] for column in columns), strict=True)]
        if not done:
            return left + commands
        session.backlog += left
        session.backlog += commands
        return None
    return commands or None


def _find_command(dispatcher: Dispatcher, session: "Session", data: bytes) -> tuple[BoundCommand, bytes]:
    """Return the command with which the data begins and how it is spelled, if it seems to hold several of these and nothing else."""
    if not session.client.is_ordinary:
        return NOT_FAST, b""
    second = data.find(b"\r\n*", 8, FIRST_COMMAND_BYTES) + 2
    end = data.find(b"\r\n", 8)
    beginning = data[:end]
    last = data.rfind(b"\r\n*") + 2
    if data[second : second + end] != beginning or not data.startswith(beginning[: len(data) - last], last):
        return NOT_FAST, b""
    if dispatcher.gate is not None or dispatcher.ledger.slow_ns < LEAST_SLOW_NS:
        return NOT_FAST, b""
    name = data[8:end]
    return dispatcher.fast.get(name, NOT_FAST), name


def _answer(
    dispatcher: Dispatcher, session: "Session", bound: BoundCommand, name: bytes, columns: Columns
) -> int:
    """Answer at most one turn's worth of a series; return how many commands that were."""
    series, context, client = bound.series, session.context, session.client
    assert series is not None
    calls, done = len(columns[0]), 0
    while done < min(calls, COMMANDS_PER_TURN):
        part = columns
        if calls > COMMANDS_PER_CHECK:
            part = [column[done : done + COMMANDS_PER_CHECK] for column in columns]
        began_ns = perf_counter_ns()
        try:
            wire = series.answer(context, part)
        except Exception:
            log.exception("internal error in a series of %s; each is run by itself", bound.command.full_name)
            wire = None
        if wire is None:
            break
        session.tail.append(wire)
        ran = len(part[0])
        first = [name, *(column[0] for column in part)]
        dispatcher.ledger.count_series(client, bound, ran, perf_counter_ns() - began_ns, first)
        done += ran
        if calls > COMMANDS_PER_CHECK and sum(map(len, session.out)) > OUTPUT_PER_TURN_BYTES:
            break
    client.last_used_ms = context.clock.now_ms
    return done
