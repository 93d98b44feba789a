"""What is done to clusters, one function for each claim that is to be shown; see ``__main__.py`` for their options.

Each returns what a trial came to. Which claims must hold is said by each: where both sides of a split serve, counters and grants
cannot be exact, and one may not see what the other has, but once it has healed no unique key, no delete and no deadline is lost.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from .checkers import SPLIT_CLAIMS, stale_acknowledgements
from .client import Crew
from .fleet import Node, Unreachable
from .history import Kind, Outcome
from .relay import Trouble
from .trial import Result, Trial, crew, everything
from .workloads import SLOTS_PER_PARTITION

WARM_S: Final = 3.0
"""Until connections are made and every partition has some keys."""

AFTER_S: Final = 3.0
"""How long clients go on once all is well again."""

DETECTED_S: Final = 5.0
"""By then lan timers know of any death, with the fast path within one; twice that, as the machine does more than this."""

DETECTION_S: Final = 1.0
OUTAGE_S: Final = DETECTION_S + 1.0
OTHERS_S: Final = 0.5
"""A write waits for a copy at a node that is silent for 0.3 s; and this machine is busy."""

VIEWS_S: Final = 5.0
COPIES_S: Final = 15.0
ACTIVE_S: Final = 2.0
REFUSES_S: Final = 2.0


def kill9(trial: Trial) -> Result:
    """Kill any node under load."""
    return _kill(trial, 1)


def two_at_once(trial: Trial) -> Result:
    """Kill any two nodes at the same moment, with three copies."""
    return _kill(trial, 2)


def _kill(trial: Trial, count: int) -> Result:
    trial.start()
    trial.wait_until_safe()
    trial.work(everything(trial.options.rate))
    trial.pause(WARM_S)
    victims = trial.pick(count)
    served = {partition for victim in victims for partition in _served(victim)}
    with trial.away(*victims):
        for victim in victims:
            victim.kill()
        trial.note(f"killed {victims}")
        trial.wait_until_whole()
        trial.pause(AFTER_S)
        trial.stop_work()
    result = trial.judge()
    _expect_outages(trial, served)
    return result


def _served(node: Node) -> set[int]:
    """Return the partitions that a node serves, as it tells clients."""
    own = node.call("CLUSTER", "MYID")
    ranges = [entry[:2] for entry in node.call("CLUSTER", "SLOTS") if entry[2][2] == own]
    return {slot // SLOTS_PER_PARTITION for first, last in ranges for slot in range(first, last + 1)}


def _expect_outages(trial: Trial, served: set[int]) -> None:
    outages = trial.outages()
    own_s = max((o.seconds for o in outages if o.partition in served), default=0.0)
    other_s = max((o.seconds for o in outages if o.partition not in served), default=0.0)
    trial.figures["others' outage s"] = round(other_s, 2)
    trial.expect(f"its partitions are away for at most {OUTAGE_S:g} s ({own_s:.2f})", own_s <= OUTAGE_S)
    trial.expect(f"others for at most {OTHERS_S:g} s ({other_s:.2f})", other_s <= OTHERS_S)


def rolling_kills(trial: Trial) -> Result:
    """Kill a node, start it again, wait until it is safe to go on, and kill the next, through all of them twice."""
    trial.start()
    trial.work(everything(trial.options.rate))
    trial.pause(WARM_S)
    for node in [*trial.nodes, *trial.nodes]:
        trial.wait_until_safe()
        with trial.away(node):
            node.kill()
            trial.note(f"killed {node}")
            trial.fleet.wait_until(trial.fleet.is_together, "the others know", DETECTED_S * 2)
            trial.wait_until_safe()
            trial.fleet.launch(node)
            trial.fleet.wait_until(trial.fleet.is_together, "it is back", 30)
    trial.wait_until_safe()
    trial.wait_until_whole()
    trial.pause(AFTER_S)
    return trial.judge()


def stop(trial: Trial) -> Result:
    """Stop a node for a while, and wake it again; its clients' commands wait in its buffers meanwhile."""
    seconds = trial.options.seconds or 5.0
    trial.start()
    trial.wait_until_safe()
    trial.work(_counting(trial.options.rate))
    trial.pause(WARM_S)
    (victim,) = trial.pick()
    others = [node for node in trial.nodes if node is not victim]
    with trial.away(victim):
        victim.stop()
        trial.note(f"stopped {victim}")
        least = _fewest_members(trial, others, seconds)
        victim.resume()
    woken_s = time.monotonic()
    trial.note(f"woke {victim}; others counted {least} members at least")
    trial.figures["active s"] = round(
        trial.fleet.wait_until(trial.fleet.is_together, "it is active again", 30), 2
    )
    trial.wait_until_whole()
    trial.pause(AFTER_S)
    result = trial.judge()
    stale = stale_acknowledgements(trial.history(), victim.name, woken_s)
    trial.figures["stale acks"] = len(stale)
    trial.expect(f"the stale owner acknowledges nothing ({len(stale)})", not stale)
    active_s = trial.figures["active s"]
    assert isinstance(active_s, float)
    trial.expect(f"active again within {ACTIVE_S} s ({active_s})", active_s <= ACTIVE_S)
    if seconds <= 1:
        trial.expect("nobody is declared dead", least == len(trial.nodes))
    return result


def _counting(rate: float) -> list[Crew]:
    """Return everything, with more increments: their numbers give a stale owner away."""
    return [*everything(rate), crew("increments", rate / 10, is_sticky=True)]


def _fewest_members(trial: Trial, nodes: list[Node], seconds: float) -> int:
    """Watch for a while how many members these nodes count as active."""
    least, until_s = len(trial.nodes), time.monotonic() + seconds
    while time.monotonic() < until_s:
        for node in nodes:
            try:
                least = min(least, int(node.info()["cluster_active_members"]))
            except Unreachable:
                trial.failures.append(f"{node} does not answer while another is stopped")
        trial.pause(0.05)
    return least


def partition(trial: Trial) -> Result:
    """Split the network for a while, with clients on all sides."""
    seconds = trial.options.seconds or 10.0
    trial.start()
    trial.wait_until_safe()
    trial.work(everything(trial.options.rate))
    trial.pause(WARM_S)
    pairs = _split(trial, trial.options.shape or "minority")
    trial.pause(seconds)
    for source, target in pairs:
        trial.wire.mend(source.host, target.host)
    trial.note("healed")
    trial.wait_until_whole()
    _expect_heals(trial)
    trial.pause(AFTER_S)
    return trial.judge(SPLIT_CLAIMS)


def _split(trial: Trial, shape: str) -> list[tuple[Node, Node]]:
    """Cut as the shape says; return the pairs, in the direction from first to second.

    one: one node from all others. minority: so many that most remain. majority: most nodes are alone, each for itself, and nobody
    has a majority. ring: each node hears its two neighbours only. oneway: one node does not hear another, which hears it.
    """
    nodes = trial.pick(len(trial.nodes))
    few = (len(nodes) - 1) // 2
    groups = {
        "one": [nodes[:1], nodes[1:]],
        "minority": [nodes[:few], nodes[few:]],
        "majority": [nodes[:few], *([node] for node in nodes[few:])],
    }
    if shape in groups:
        group_of = {node.name: place for place, group in enumerate(groups[shape]) for node in group}
        pairs = [(a, b) for a in nodes for b in nodes if group_of[a.name] != group_of[b.name]]
    elif shape == "ring":
        count = len(nodes)
        pairs = [
            (nodes[i], nodes[j])
            for i in range(count)
            for j in range(count)
            if (i - j) % count not in {0, 1, count - 1}
        ]
    else:
        pairs = [(nodes[0], nodes[1])]
    for source, target in pairs:
        trial.wire.cut(source.host, target.host)
    trial.note(f"split, {shape}: {', '.join(f'{a}>{b}' for a, b in pairs)}")
    return pairs


def _expect_heals(trial: Trial) -> None:
    for name, limit_s in (("views s", VIEWS_S), ("copies s", COPIES_S)):
        figure = trial.figures[name]
        assert isinstance(figure, float)
        trial.expect(f"{name} of healing: at most {limit_s} ({figure})", figure <= limit_s)


def strict(trial: Trial) -> Result:
    """Cut a minority off in strict mode: it refuses, and nothing that counts exactly is counted twice."""
    seconds = trial.options.seconds or 10.0
    trial.start()
    trial.wait_until_safe()
    trial.work(_counting(trial.options.rate))
    trial.pause(WARM_S)
    nodes = trial.pick(len(trial.nodes))
    few = (len(nodes) - 1) // 2
    trial.cut_between(nodes[:few], nodes[few:])
    cut_s = time.monotonic()
    trial.note(f"cut off {nodes[:few]}")
    trial.pause(seconds)
    trial.mend_between(nodes[:few], nodes[few:])
    healed_s = time.monotonic()
    trial.wait_until_whole()
    _expect_heals(trial)
    trial.pause(AFTER_S)
    result = trial.judge()
    minority = {node.name for node in nodes[:few]}
    written = [
        operation.ended_s
        for operation in trial.history()
        if operation.node in minority
        and operation.kind in {Kind.WRITE, Kind.INCREMENT, Kind.GRANT, Kind.DELETE}
        and operation.outcome is Outcome.OK
        and cut_s < operation.ended_s < healed_s
    ]
    refuses_s = max(written, default=cut_s) - cut_s
    trial.figures["refuses s"] = round(refuses_s, 2)
    trial.expect(f"the minority refuses within {REFUSES_S} s ({refuses_s:.2f})", refuses_s <= REFUSES_S)
    return result


TROUBLES: Final[Mapping[str, Trouble]] = {
    "loss": Trouble(loss=0.2),
    "delay": Trouble(delay_ms=50, jitter_ms=10),
    "duplicate": Trouble(duplicate=0.2),
    "reorder": Trouble(reorder=0.2),
    "all": Trouble(loss=0.05, delay_ms=20, jitter_ms=5, duplicate=0.1, reorder=0.1),
}


def netem(trial: Trial) -> Result:
    """Let the network between nodes lose, delay, double and reorder packets, one after the other, then all of it."""
    seconds = trial.options.seconds or 15.0
    trial.start()
    trial.wait_until_safe()
    trial.work(everything(trial.options.rate))
    trial.pause(WARM_S)
    for name, trouble in TROUBLES.items():
        if trial.options.shape in {"", name}:
            trial.note(f"{name}: {trouble}")
            trial.trouble_everywhere(trouble)
            trial.pause(seconds)
            trial.trouble_everywhere(None)
    trial.wait_until_whole()
    trial.pause(AFTER_S)
    return trial.judge(SPLIT_CLAIMS)


def rolling_restart(trial: Trial) -> Result:
    """Restart every node as an operator would, waiting until it is safe; no client may notice on the plain port."""
    trial.start()
    trial.work(everything(trial.options.rate))
    trial.pause(WARM_S)
    longest_s = 0.0
    for node in trial.nodes:
        trial.wait_until_safe()
        with trial.away(node):
            took_s = node.leave()
            longest_s = max(longest_s, took_s)
            trial.note(f"{node} has left within {took_s:.2f} s")
            trial.fleet.wait_until(trial.fleet.is_together, "the others know", DETECTED_S)
            trial.fleet.launch(node)
            trial.fleet.wait_until(trial.fleet.is_together, "it is back", 30)
    trial.wait_until_safe()
    trial.wait_until_whole()
    trial.pause(AFTER_S)
    trial.figures["leave s"] = round(longest_s, 2)
    result = trial.judge()
    _expect_no_errors(trial)
    return result


def _expect_no_errors(trial: Trial) -> None:
    """Expect no error replies, and that no command has run whose client was cut off instead of answered.

    A client may send on a connection that the server is just closing: no server can prevent that, and every library then sends again
    at another connection. That is right only if the first did not run.
    """
    history = trial.history()
    errors = [o for o in history if o.outcome is not Outcome.OK and o.reply is not None]
    trial.expect(f"no client is answered with an error ({len(errors)}; {errors[:3]})", not errors)
    silent = [o for o in history if o.outcome is Outcome.UNKNOWN and o.reply is None]
    there = {look.key: look.reply for look in trial.looks()}
    ran = [o for o in silent if o.kind is Kind.WRITE and there.get(o.key) == o.value]
    trial.figures["cut off"] = f"{len(silent)}, {len(ran)} had run"
    trial.expect(f"what was cut off has not run ({len(ran)}; {ran[:3]})", not ran)


def split_deletes(trial: Trial) -> Result:
    """Delete keys, and let others expire, on both sides of a split: they stay away."""
    seconds = trial.options.seconds or 10.0
    trial.start()
    trial.wait_until_safe()
    rate = trial.options.rate / 4
    few = max(4, int(rate / 20))
    trial.work([crew("registers", rate, is_sticky=True), Crew("fleeting", few, few / 0.6)])
    trial.pause(WARM_S * 2)
    pairs = _split(trial, trial.options.shape or "minority")
    trial.pause(seconds)
    for source, target in pairs:
        trial.wire.mend(source.host, target.host)
    trial.wait_until_whole()
    _expect_heals(trial)
    trial.pause(AFTER_S)
    return trial.judge(SPLIT_CLAIMS)


def clocks(trial: Trial) -> Result:
    """Let clocks differ by half a second, and jump by ten; a kill in the middle shows whether versions still rise."""
    trial.start()
    trial.wait_until_safe()
    for node in trial.nodes:
        node.set_clock(trial.chance.choice((-0.5, 0.5)))
    trial.work([one for one in everything(trial.options.rate) if one.workload != "fleeting"])
    trial.pause(WARM_S)
    for jump_s in (10.0, -10.0, 10.0):
        (node,) = trial.pick()
        node.set_clock(jump_s)
        trial.note(f"the clock of {node} is off by {jump_s:+g} s")
        trial.pause(WARM_S)
    (victim,) = trial.pick()
    with trial.away(victim):
        victim.kill()
        trial.note(f"killed {victim}")
        trial.wait_until_whole()
        trial.pause(AFTER_S)
        trial.stop_work()
    return trial.judge()


ALL: Final[Mapping[str, Callable[[Trial], Result]]] = {
    "kill9": kill9,
    "rolling-kills": rolling_kills,
    "two-at-once": two_at_once,
    "stop": stop,
    "partition": partition,
    "strict": strict,
    "netem": netem,
    "rolling-restart": rolling_restart,
    "split-deletes": split_deletes,
    "clocks": clocks,
}

NEEDS_CUTS: Final = frozenset({"partition", "strict", "netem", "split-deletes"})
DEFAULTS: Final[Mapping[str, Mapping[str, object]]] = {
    "two-at-once": {"copies": 3},
    "strict": {"mode": "strict"},
    "rolling-kills": {"rate": 500.0},
    "rolling-restart": {"rate": 500.0},
    "join": {"nodes": 3},
}
"""What a scenario is about, where that is not what the options say anyway."""
