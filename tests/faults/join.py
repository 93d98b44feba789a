"""A fourth node joins three that have a million keys, under load."""

import time
from collections.abc import Sequence
from typing import Final

from respcache.cluster.replication.syncing import size_of

from .availability import percentile
from .fleet import Node
from .history import Operation, Outcome
from .trial import Result, Trial, everything

VALUE: Final = b"x" * 32
DEPTH: Final = 500
BEFORE_S: Final = 10.0
JOINED_S: Final = 180.0

LOOK_S: Final = 0.1
LOOKS_PER_QUESTION: Final = 10
"""Looks at memory for each time that the nodes are asked whether it is done: clients wait for their answers to that."""

P99_TIMES: Final = 3.0
MOVED_TIMES: Final = 1.15
RSS_TIMES: Final = 1.10
ALLOWED: Final = ("TRYAGAIN",)


def join(trial: Trial) -> Result:
    """Compare clients' latencies, what moved, and the memory of the sources, with what they were before."""
    keys = trial.options.keys
    trial.start()
    trial.wait_until_safe()
    load(trial.nodes, keys)
    trial.note(f"{keys} keys are there")
    trial.wait_until_safe()
    trial.work(everything(trial.options.rate))
    trial.pause(BEFORE_S)
    sources = list(trial.nodes)
    rss_before = [node.rss_bytes() for node in sources]
    copied_before = copied_bytes(sources)
    begun_s = time.monotonic()
    newcomer = trial.fleet.add()
    trial.fleet.launch(newcomer)
    peaks = watch(trial, sources)
    ended_s = time.monotonic()
    trial.wait_until_whole()
    trial.figures["join s"] = round(ended_s - begun_s, 1)
    trial.figures["RSS"] = f"{max(peak / rss for peak, rss in zip(peaks, rss_before, strict=True)):.3f}"
    _expect_little_moved(trial, newcomer, copied_bytes(sources) - copied_before)
    result = trial.judge()
    history = trial.history()
    before_s = percentile(latencies(history, begun_s - BEFORE_S / 2, begun_s), 0.99)
    during_s = percentile(latencies(history, begun_s, ended_s), 0.99)
    trial.figures["p99 ms"] = f"{before_s * 1e3:.1f} -> {during_s * 1e3:.1f}"
    trial.expect("p99 at most 3 times", during_s <= P99_TIMES * before_s)
    trial.expect("RSS of sources at most 10 % more", float(str(trial.figures["RSS"])) <= RSS_TIMES)
    errors = [o for o in history if o.outcome is not Outcome.OK and not (o.reply or "").startswith(ALLOWED)]
    trial.expect(f"no error but TRYAGAIN ({len(errors)}; {errors[:3]})", not errors)
    return result


def load(nodes: Sequence[Node], count: int) -> None:
    """Write so many keys, a part through each node."""
    value = VALUE
    for place, node in enumerate(nodes):
        with node.connect(60.0) as client:
            numbers = range(place, count, len(nodes))
            for start in range(0, len(numbers), DEPTH):
                chunk = numbers[start : start + DEPTH]
                replies = client.pipeline([[b"SET", b"load:%08d" % number, value] for number in chunk])
                assert replies == [b"+OK\r\n"] * len(chunk), next(r for r in replies if r != b"+OK\r\n")


def watch(trial: Trial, sources: Sequence[Node]) -> list[int]:
    """Wait until the newcomer has its share, and return the most memory that each source had meanwhile."""
    peaks = [0] * len(sources)
    until_s = time.monotonic() + JOINED_S
    while not (trial.fleet.is_together() and trial.fleet.is_safe()):
        assert time.monotonic() < until_s, f"not joined within {JOINED_S} s\n{trial.fleet.report()}"
        for _ in range(LOOKS_PER_QUESTION):
            peaks = [max(peak, node.rss_bytes()) for peak, node in zip(peaks, sources, strict=True)]
            trial.pause(LOOK_S)
    return [max(peak, node.rss_bytes()) for peak, node in zip(peaks, sources, strict=True)]


def latencies(history: Sequence[Operation], begun_s: float, ended_s: float) -> list[float]:
    return [o.ended_s - o.begun_s for o in history if begun_s <= o.begun_s < ended_s]


def record_bytes() -> int:
    """Return what one of the loaded keys counts for in the figure of bytes that were copied."""
    return size_of([0, 1 << 20, 0, b"load:00000000", 1 << 63, 1 << 31, 0, VALUE, False])


def copied_bytes(nodes: Sequence[Node]) -> int:
    return sum(int(node.info().get("cluster_copied_bytes", "0")) for node in nodes)


def _expect_little_moved(trial: Trial, newcomer: Node, sent: int) -> None:
    """Compare what was sent for copies with the ideal: all that the newcomer holds now, once."""
    ideal = sum(holding.keys for holding in newcomer.holdings()) * record_bytes()
    trial.figures["moved"] = f"{sent / max(1, ideal):.3f}"
    trial.expect(f"moved at most 1.15 times the ideal ({sent} of {ideal})", sent <= MOVED_TIMES * ideal)
