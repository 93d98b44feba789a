"""Measure what it costs to parse a request.

Some parsers read the same streams: hiredis' Reader, which is C and stands here
for the least that Python can pay, but knows neither inline commands nor limits; the
strict parser, which is Python and knows all rules; and the plain parser that sessions
use, which gives the strict parser's answers by quicker ways. We expect of it:

- a pipeline costs at most 3 times what hiredis alone costs, 5 times if values of a
  kilobyte hold what might be headers;
- one command in a read, as from a client that waits for each reply, at most 4 times;
- that reads end in mid-command costs a pipeline at most 1.3 times as much;
- nothing costs it more than 1.1 times what the strict parser alone would cost.

Where there is a compiled parser, it is measured twice: ``compiled`` gives lists of
words as the others do, ``loop`` only finds the words, as the compiled loop needs them,
which includes copying each read to where it would have been received. We expect that

- ``compiled`` costs no more than hiredis, and ``loop`` at most half of that.

CPU time is counted, not the clock's, and the best of the rounds is shown: that
is what others on the machine disturb least. The parsers take turns.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import hiredis
from report import Report
from wire import encoded

sys.path.insert(0, str(Path(__file__).parent.parent))  # a tree that is not installed

from respcache.protocol.limits import Limits
from respcache.protocol.parser import PlainRequestParser, RequestParser
from respcache.protocol.strict import StrictParser

READ_BYTES: Final = 64 * 1024
"""What a session reads at most at a time."""

ROUND_BYTES: Final = 1 << 20
"""A round reads about this much: some milliseconds, short enough to find the quiet ones among many."""

PIPELINE_LIMIT: Final = 3
SUSPICIOUS_LIMIT: Final = 5
SINGLE_LIMIT: Final = 4
CUT_LIMIT: Final = 1.3
STRICT_LIMIT: Final = 1.1
COMPILED_LIMIT: Final = 1.0
LOOP_LIMIT: Final = 0.5

IS_COMPILED: Final = RequestParser is not PlainRequestParser

Feed = Callable[[bytes], int]
"""Takes what a read brought, and returns how many commands were complete."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Commands as they come in: so many in all, in these reads."""

    name: str
    reads: list[bytes]
    commands: int

    @property
    def limit(self) -> float:
        """How many times hiredis' cost we expect at most."""
        if len(self.reads) == self.commands:
            return SINGLE_LIMIT
        return SUSPICIOUS_LIMIT if b"=" in self.reads[0] else PIPELINE_LIMIT


GET: Final = encoded("GET", "key:000000012345")
SET_1_KIB: Final = encoded("SET", "key:000000012345", b"x" * 1024)
SET_TEXT: Final = encoded("SET", "key:000000012345", b"a+b=c, (d)\r\n" * 85)
MSET: Final = encoded("MSET", *(word for pair in range(10) for word in (f"key:{pair:012}", "value")))


def streams() -> list[Stream]:
    return [
        together("GET", GET, 1),
        together("GET", GET, 16),
        together("GET", GET, 64),
        together("SET 1 KiB", SET_1_KIB, 1),
        together("SET 1 KiB", SET_1_KIB, 16),
        together("SET 1 KiB of text", SET_TEXT, 1),
        together("SET 1 KiB of text", SET_TEXT, 16),
        together("MSET 10 pairs", MSET, 1),
        together("MSET 10 pairs", MSET, 16),
        cut("GET", GET),
        cut("SET 1 KiB", SET_1_KIB),
        cut("MSET 10 pairs", MSET),
    ]


def together(name: str, command: bytes, per_read: int) -> Stream:
    """Make reads of so many whole commands."""
    reads = [command * per_read] * (ROUND_BYTES // len(command) // per_read)
    return Stream(f"{name}, {per_read} per read", reads, per_read * len(reads))


def whole(command: bytes) -> Stream:
    """Make reads as long as those of `cut`, which end where commands end."""
    return together("", command, READ_BYTES // len(command))


def cut(name: str, command: bytes) -> Stream:
    """Make full reads, nearly all of which end in mid-command."""
    commands = ROUND_BYTES // len(command)
    everything = command * commands
    places = [*range(0, len(everything), READ_BYTES), len(everything)]
    reads = [everything[start:end] for start, end in pairwise(places)]
    return Stream(f"{name}, 64 KiB reads", reads, commands)


def feed_hiredis(reader: hiredis.Reader, data: bytes) -> int:
    reader.feed(data)
    return len(list(iter(reader.gets, False)))


def feed_ours(parser: StrictParser, data: bytes) -> int:
    return len(parser.feed(data))


def parsers() -> dict[str, Feed]:
    feeds: dict[str, Feed] = {
        "hiredis": partial(feed_hiredis, hiredis.Reader()),
        "ours": partial(feed_ours, PlainRequestParser(Limits())),
        "strict": partial(feed_ours, StrictParser(Limits())),
    }
    if IS_COMPILED:
        compiled: Any = RequestParser  # Any: it has more than a parser must have
        feeds |= {
            "compiled": partial(feed_ours, compiled(Limits())),
            "loop": compiled(Limits()).count_all,
        }
    return feeds


def cpu_ns(feed: Feed, stream: Stream) -> float:
    """Return the CPU time of a command, in one round."""
    begun = time.process_time_ns()
    found = sum(map(feed, stream.reads))
    spent = time.process_time_ns() - begun
    assert found == stream.commands
    return spent / found


def best_cpu_ns(stream: Stream, rounds: int) -> dict[str, float]:
    feeds = parsers()
    taken = [{name: cpu_ns(feed, stream) for name, feed in feeds.items()} for _ in range(rounds)]
    return {name: min(figures[name] for figures in taken) for name in feeds}


def report_stream(report: Report, stream: Stream, rounds: int) -> None:
    ns = best_cpu_ns(stream, rounds)
    report.add(
        {
            "commands": stream.name,
            **{f"{name} ns": figure for name, figure in ns.items()},
            "ours/hiredis": ns["ours"] / ns["hiredis"],
            "strict/ours": ns["strict"] / ns["ours"],
        }
    )
    report.expect_at_most(f"{stream.name}: times hiredis", ns["ours"] / ns["hiredis"], stream.limit)
    report.expect_at_most(f"{stream.name}: times strict", ns["ours"] / ns["strict"], STRICT_LIMIT)
    if IS_COMPILED:
        report.expect_at_most(
            f"{stream.name}: compiled, times hiredis", ns["compiled"] / ns["hiredis"], COMPILED_LIMIT
        )
        report.expect_at_most(f"{stream.name}: loop, times hiredis", ns["loop"] / ns["hiredis"], LOOP_LIMIT)


def report_cut(report: Report, rounds: int) -> None:
    in_full, in_pieces = best_cpu_ns(whole(GET), rounds), best_cpu_ns(cut("GET", GET), rounds)
    report.expect_at_most(
        "GET cut in mid-command: times whole", in_pieces["ours"] / in_full["ours"], CUT_LIMIT
    )


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--rounds", type=int, default=40)
    return parser.parse_args(arguments)


def main(options: argparse.Namespace) -> int:
    report = Report("What it costs to parse a request, in ns of CPU per command", options)
    for stream in streams():
        report_stream(report, stream, options.rounds)
    report_cut(report, options.rounds)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
