"""Random faults, one after the other, for as long as wanted: a minute or half an hour."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import count, islice
from typing import Final

from respcache.cluster.replication.tombstones import MOST_TOMBSTONES

from .checkers import EVERY_CLAIM, SPLIT_CLAIMS
from .client import Crew
from .history import Outcome
from .scenarios import AFTER_S, TROUBLES, WARM_S
from .schedule import ON_ONE_MACHINE, Fault, What, plan
from .trial import Result, Trial, crew

EVERY_S: Final = 10.0
SHORT_S: Final = 60.0
LONG_S: Final = 300.0
"""A trial from this length on is held to growth, too: before, caches of all kinds are still filling."""

SAFE_S: Final = 45.0
DEPTH: Final = 250
_TWICE: Final = ((b"SET", (b"",)), (b"DEL", ()))
"""What is done to a key that is to be remembered as deleted."""

GROWTH: Final = 1.05
KEPT_FOR_GOOD: Final = 10_000
"""Keys that stay to the end: two megabytes on all nodes together."""

SPLITTING: Final = frozenset({What.UNPLUG, What.ONE_WAY, What.SPLIT, What.TROUBLE})
"""After these both sides may have served for a while, and counters are no longer exact."""

CLOCKS_OFF_S: Final = 21.0
"""Two clocks that are off by ten seconds in different directions, and a little."""


def mix(trial: Trial) -> Result:
    """Let random faults happen, each once the cluster is safe again; then all is repaired and looked at."""
    seconds = trial.options.seconds or SHORT_S
    kinds = tuple(What) if trial.wire.can_cut else ON_ONE_MACHINE
    faults = list(
        plan(
            trial.options.seed,
            seconds=seconds,
            nodes=trial.options.nodes,
            every_s=min(EVERY_S, seconds / 3),
            kinds=kinds,
        )
    )
    trial.start()
    trial.wait_until_safe()
    if seconds >= LONG_S:
        wear_in(trial)
    trial.work(bounded(trial.options.rate, seconds))
    trial.pause(WARM_S)
    before = footprints(trial)
    begun_s = time.monotonic()
    for fault in faults:
        trial.pause(max(0.0, begun_s + fault.at_s - time.monotonic()))
        trial.wait_until_safe(SAFE_S)
        trial.note(str(fault))
        befall(trial, fault)
    trial.wait_until_whole()
    trial.pause(AFTER_S)
    if seconds >= LONG_S:
        expect_no_growth(trial, before, footprints(trial))
    happened = {fault.what for fault in faults}
    required = SPLIT_CLAIMS if happened & SPLITTING else EVERY_CLAIM
    skew_s = CLOCKS_OFF_S if What.CLOCK in happened else 0.0
    result = trial.judge(required, skew_s=skew_s)
    acknowledged = sum(operation.outcome is Outcome.OK for operation in trial.history())
    trial.expect("clients got something done", acknowledged > seconds * trial.options.rate / 10)
    return result


def wear_in(trial: Trial) -> None:
    """Write and delete so many keys that each node remembers as many deletions as it ever will.

    Memory is bounded by that, and not before: growth up to there would hide growth without an end.
    """
    nodes = trial.nodes
    portion = MOST_TOMBSTONES // trial.options.copies
    numbers = count()
    while min(int(node.info()["cluster_tombstones"]) for node in nodes) < MOST_TOMBSTONES:
        for node in nodes:
            with node.connect(60.0) as client:
                for _ in range(portion // DEPTH):
                    keys = [b"worn:%d" % number for number in islice(numbers, DEPTH)]
                    client.pipeline([[word, key, *more] for key in keys for word, more in _TWICE])
    trial.note(f"worn in by {next(numbers)} deletions")
    trial.wait_until_safe()


def bounded(rate: float, seconds: float) -> list[Crew]:
    """Return crews whose data does not grow but a little, so that growth of the servers shows."""
    few = max(2, math.ceil(rate / 100))
    return [
        crew("churn", rate * 0.8),
        crew("registers", rate / 10, is_sticky=True),
        crew("increments", rate / 10),
        Crew("fleeting", few, few / 0.6),
        crew("unique", min(rate / 50, KEPT_FOR_GOOD / seconds)),
    ]


def befall(trial: Trial, fault: Fault) -> None:
    """Do what the fault says, for as long as it says, and undo it."""
    victims = [trial.nodes[place] for place in fault.victims]
    with ExitStack() as undone:
        if fault.what in {What.KILL, What.RESTART, What.STOP, What.UNPLUG}:
            undone.enter_context(trial.away(*victims))
        _DEEDS[fault.what](trial, fault)
        if fault.what in {What.KILL, What.RESTART}:
            trial.fleet.wait_until(trial.fleet.is_together, "it is back", 30)


def _kill(trial: Trial, fault: Fault) -> None:
    node = trial.nodes[fault.victims[0]]
    node.kill()
    trial.pause(fault.seconds or 2.0)
    trial.fleet.wait_until(trial.fleet.is_together, "the others know", 15)
    trial.wait_until_safe(SAFE_S)
    trial.fleet.launch(node)


def _restart(trial: Trial, fault: Fault) -> None:
    node = trial.nodes[fault.victims[0]]
    node.leave()
    trial.fleet.launch(node)


def _stop(trial: Trial, fault: Fault) -> None:
    node = trial.nodes[fault.victims[0]]
    node.stop()
    trial.pause(fault.seconds)
    node.resume()


def _unplug(trial: Trial, fault: Fault) -> None:
    host = trial.nodes[fault.victims[0]].host
    trial.wire.unplug(host)
    trial.pause(fault.seconds)
    trial.wire.plug(host)


def _one_way(trial: Trial, fault: Fault) -> None:
    source, target = (trial.nodes[place].host for place in fault.victims)
    trial.wire.cut(source, target)
    trial.pause(fault.seconds)
    trial.wire.mend(source, target)


def _split(trial: Trial, fault: Fault) -> None:
    side = [trial.nodes[place] for place in fault.victims]
    other = [node for node in trial.nodes if node not in side]
    trial.cut_between(side, other)
    trial.pause(fault.seconds)
    trial.mend_between(side, other)


def _trouble(trial: Trial, fault: Fault) -> None:
    trial.trouble_everywhere(TROUBLES[fault.detail])
    trial.pause(fault.seconds)
    trial.trouble_everywhere(None)


def _clock(trial: Trial, fault: Fault) -> None:
    trial.nodes[fault.victims[0]].set_clock(fault.seconds)


_DEEDS: Final[Mapping[What, Callable[[Trial, Fault], None]]] = {
    What.KILL: _kill,
    What.RESTART: _restart,
    What.STOP: _stop,
    What.UNPLUG: _unplug,
    What.ONE_WAY: _one_way,
    What.SPLIT: _split,
    What.TROUBLE: _trouble,
    What.CLOCK: _clock,
}

Footprint = tuple[int, int, int, int]


def footprints(trial: Trial) -> dict[int, Footprint]:
    """Return descriptors, threads, tasks and memory in bytes of every process, by its id: one that was started again is another."""
    return {
        node.pid: (node.descriptors(), node.threads(), node.tasks(), node.rss_bytes())
        for node in trial.nodes
        if node.is_running
    }


def expect_no_growth(trial: Trial, before: dict[int, Footprint], after: dict[int, Footprint]) -> None:
    """Compare all nodes together: which of them was started again is chance."""
    for place, name in enumerate(("descriptors", "threads", "tasks", "RSS bytes")):
        mean = [sum(found[place] for found in some.values()) / len(some) for some in (before, after)]
        trial.figures[f"{name} growth"] = f"{mean[1] / mean[0] - 1:+.1%}"
        trial.expect(
            f"{name} grow by less than 5 % ({mean[0]:.0f} to {mean[1]:.0f})", mean[1] <= mean[0] * GROWTH
        )
