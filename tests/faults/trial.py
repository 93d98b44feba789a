"""One cluster, its clients, what is done to it, and what comes of it: what every scenario needs."""

import math
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import hiredis
import msgspec

from .availability import Outage, longest_outages, percentile
from .checkers import EVERY_CLAIM, LOST, Finding, check, complaints, tallies
from .client import Crew, Plan, told
from .fleet import REPOSITORY, Fleet, Node
from .history import FINAL, Operation, Outcome, read_history, write_history
from .network import make_wire
from .relay import Trouble
from .workloads import Command, last_looks, partition_of

Cell = str | float | int | None

PER_WORKER: Final = 10.0
"""Operations a second of one connection: slow enough that others go on while some wait for the dead."""

CHUNK: Final = 200
"""Keys in one look at the end: small enough that a node that is not well yet holds up few."""

FINAL_HISTORY: Final = "final.jsonl"
LOOKS_S: Final = 30.0
"""How long the look at the end waits for answers ..."""
LOOKS_PER_S: Final = 1000
"""... and how many keys it reads in a second more: half an hour's work is a million."""

QUIET_S: Final = 20.0
"""How long copies may take to become equal once nobody writes."""

SHOWN_FINDINGS: Final = 8


@dataclass(slots=True)
class Options:
    """What can be said on the command line; every scenario changes what it is about."""

    seed: str = "1"
    nodes: int = 5
    copies: int = 2
    rate: float = 2000.0
    profile: str = "lan"
    ack: str = "sync"
    mode: str = "available"
    wire: str = "auto"
    seconds: float = 0.0
    shape: str = ""
    keys: int = 1_000_000
    tree: Path = REPOSITORY
    flags: list[str] = field(default_factory=list)

    def serve_flags(self) -> list[str]:
        """Return the flags of the nodes; what is the default is not said, for trees that do not know it yet."""
        flags = ["--cluster-profile", self.profile, *self.flags]
        flags += ["--cluster-replication-ack", self.ack] if self.ack != "sync" else []
        return flags + (["--cluster-mode", self.mode] if self.mode != "available" else [])


@dataclass(slots=True)
class Result:
    """Figures of one trial, and what is wrong with it."""

    figures: dict[str, Cell]
    findings: list[Finding]
    """Broken claims that must hold."""
    failures: list[str]
    """Limits that were not met, and bugs in logs."""

    @property
    def is_good(self) -> bool:
        return not self.findings and not self.failures


def crew(workload: str, per_second: float, *, is_sticky: bool = False) -> Crew:
    return Crew(workload, max(2, math.ceil(per_second / PER_WORKER)), per_second, is_sticky)


def everything(rate: float) -> list[Crew]:
    """Return crews that write so much, half of it in few partitions whose outages are watched, and a little of all else."""
    return [
        crew("unique", rate / 2),
        crew("watched", rate / 2),
        crew("registers", rate / 20, is_sticky=True),
        crew("increments", rate / 20),
        crew("grants", rate / 50),
        crew("fields", rate / 50),
        # A look every 0.6 s at a key that lives for 1.5.
        Crew("fleeting", max(2, int(rate / 100)), max(2, int(rate / 100)) / 0.6),
    ]


class Trial:
    """Everything of one run; leaves nothing behind but the folder, and that only on failure."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.chance = random.Random(f"scenario/{options.seed}")
        self.figures: dict[str, Cell] = {}
        self.failures: list[str] = []
        self.directory = Path(tempfile.mkdtemp(prefix="respcache-faults-"))
        self.wire = make_wire(options.wire, options.seed)
        self.fleet = Fleet(
            self.wire,
            self.directory,
            options.serve_flags(),
            copies=options.copies,
            tree=options.tree,
        )
        self.log_lines: list[str] = []
        self._begun_s = time.monotonic()
        self._clients: list[subprocess.Popen[bytes]] = []
        self._away: list[tuple[str, float, float]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.kill()
            client.wait()
        self.failures += self.fleet.end()
        self.wire.close()

    @property
    def nodes(self) -> list[Node]:
        return self.fleet.nodes

    def note(self, text: str) -> None:
        """Write down what happens when, for whoever reads a failure."""
        line = f"{time.monotonic() - self._begun_s:8.3f} s  {text}"
        self.log_lines.append(line)
        print(line, file=sys.stderr, flush=True)

    def start(self) -> None:
        self.fleet.start(self.options.nodes)
        self.note(f"{self.options.nodes} nodes are one cluster, on {self.wire.name}")

    def pick(self, count: int = 1) -> list[Node]:
        return self.chance.sample(self.nodes, count)

    def pause(self, seconds: float) -> None:
        """Let time pass: clients work, and the cluster does what it does."""
        time.sleep(seconds)

    def work(self, crews: Sequence[Crew]) -> None:
        """Let clients begin."""
        number = len(self._clients)
        plan = Plan(
            seed=f"{self.options.seed}/{number}",
            history=str(self.directory / f"history-{number}.jsonl"),
            nodes={node.name: (node.host.address, 7000) for node in self.nodes},
            crews=list(crews),
            first_worker=number * 10_000,
        )
        path = self.directory / f"plan-{number}.json"
        path.write_bytes(msgspec.json.encode(plan))
        words = [sys.executable, "-m", "tests.faults.client", str(path)]
        self._clients.append(subprocess.Popen(words, stdin=subprocess.PIPE, cwd=REPOSITORY))

    def stop_work(self) -> None:
        """Let clients finish what they have begun."""
        for client in self._clients:
            assert client.stdin is not None
            client.stdin.close()
            code = client.wait(30)
            if code:
                self.failures.append(f"the clients ended with {code}")
        self._clients.clear()

    @contextmanager
    def away(self, *nodes: Node) -> Iterator[None]:
        """Note that these nodes cannot answer meanwhile: what was sent through them says nothing of any partition."""
        begun_s = time.monotonic()
        try:
            yield
        finally:
            ended_s = time.monotonic()
            self._away += [(node.name, begun_s, ended_s) for node in nodes]

    def wait_until_safe(self, within_s: float = 60.0) -> float:
        took_s = self.fleet.wait_until(
            self.fleet.is_safe, "every node says that it is safe to go on", within_s
        )
        self.note(f"safe after {took_s:.2f} s")
        return took_s

    def cut_between(self, side: Sequence[Node], other: Sequence[Node]) -> None:
        for one in side:
            for two in other:
                self.wire.cut(one.host, two.host)
                self.wire.cut(two.host, one.host)

    def mend_between(self, side: Sequence[Node], other: Sequence[Node]) -> None:
        for one in side:
            for two in other:
                self.wire.mend(one.host, two.host)
                self.wire.mend(two.host, one.host)

    def trouble_everywhere(self, trouble: Trouble | None) -> None:
        for one in self.nodes:
            for two in self.nodes:
                if one is not two:
                    self.wire.trouble(one.host, two.host, trouble)

    def wait_until_whole(self, *, views_s: float = 30.0, copies_s: float = 60.0) -> None:
        """Wait for equal views, then for whole copies, and keep both times as figures, the longest of several.

        Clients still write, so the copies cannot be compared: nodes are asked at different moments. They say themselves whether they
        are whole, and ``judge`` compares them once all is quiet.
        """
        begun_s = time.monotonic()
        self._reach("views s", self.fleet.is_together, "all have the same view", begun_s, views_s)
        self._reach(
            "copies s", self.fleet.is_whole, "copies are whole, and nothing is aside", begun_s, copies_s
        )
        self.note(
            f"views equal after {self.figures['views s']} s, copies whole after {self.figures['copies s']} s"
        )

    def _compare_copies(self) -> None:
        """Wait until what the nodes hold is equal, now that nobody writes; keep the time if it was not so at once."""
        claim = "all copies are equal after quiet"
        if not self._reach("equal s", self.fleet.has_equal_copies, claim, time.monotonic(), QUIET_S):
            for difference in self.fleet.differences()[:SHOWN_FINDINGS]:
                self.note(difference)

    def _reach(
        self, name: str, question: Callable[[], bool], claim: str, begun_s: float, within_s: float
    ) -> bool:
        """Wait until it is so, and keep the time; that it takes too long is a failure, but no reason not to look further."""
        try:
            self.fleet.wait_until(question, claim, within_s)
        except AssertionError as failure:
            self.failures.append(str(failure))
            return False
        finally:
            self._figure(name, time.monotonic() - begun_s)
        return True

    def _figure(self, name: str, seconds: float) -> None:
        before = self.figures.get(name)
        self.figures[name] = round(max(seconds, before if isinstance(before, float) else 0.0), 2)

    def expect(self, claim: str, is_so: bool) -> None:
        if not is_so:
            self.failures.append(claim)
            self.note(f"NOT MET: {claim}")

    def history(self) -> list[Operation]:
        files = sorted(self.directory.glob("history-*.jsonl"))
        return [operation for path in files for operation in read_history(path)]

    def looks(self) -> list[Operation]:
        """Return what the last look found, once there was one."""
        return read_history(self.directory / FINAL_HISTORY)

    def outages(self) -> list[Outage]:
        """Return the longest outage of each partition, the worst first."""
        return longest_outages(self.history(), partition_of, counts=self._counts)

    def judge(self, required: frozenset[str] = EVERY_CLAIM, *, skew_s: float = 0.0) -> Result:
        """End the work, look at everything that clients ever wrote, and hold it against what they were told."""
        self.stop_work()
        self._compare_copies()
        history = self.history()
        looks = self._look(history)
        write_history(self.directory / FINAL_HISTORY, looks)
        found = check([*history, *looks], skew_s=skew_s)
        counts = tallies(history)
        outages = longest_outages(history, partition_of, counts=self._counts)
        claims = Counter(finding.claim for finding in found)
        self.figures = {
            "seed": self.options.seed,
            "acknowledged": counts[Outcome.OK],
            "lost": claims.pop(LOST, 0),
            "unknown": counts[Outcome.UNKNOWN],
            "refused": counts[Outcome.FAIL],
            "outage s": round(outages[0].seconds, 2) if outages else 0.0,
            "outage p50 s": round(percentile([o.seconds for o in outages], 0.5), 3),
            **self.figures,
            "told": " ".join(f"{word}:{count}" for word, count in complaints(history).items()) or "-",
            "other": ", ".join(f"{claim}: {count}" for claim, count in claims.items()) or "-",
        }
        return Result(
            self.figures, [finding for finding in found if finding.claim in required], self.failures
        )

    def _counts(self, operation: Operation) -> bool:
        return not any(
            name == operation.node and operation.begun_s < ended_s and operation.ended_s > begun_s
            for name, begun_s, ended_s in self._away
        )

    def _look(self, history: Sequence[Operation]) -> list[Operation]:
        """Read every key that was ever written, through all nodes in turn."""
        commands = deque(last_looks(history))
        found: list[Operation] = []
        deadline_s = time.monotonic() + LOOKS_S + len(commands) / LOOKS_PER_S
        while commands and time.monotonic() < deadline_s:
            node = self.fleet.running[len(found) // CHUNK % len(self.fleet.running)]
            chunk = [commands.popleft() for _ in range(min(CHUNK, len(commands)))]
            done = _looks(node, chunk)
            answered = [operation for operation in done if operation.outcome is Outcome.OK]
            found += answered
            keys = {operation.key for operation in answered}
            again = [command for command in chunk if command.key not in keys]
            if again:
                commands += again
                time.sleep(0.1)  # until the cluster has found together
        if commands:
            self.failures.append(
                f"{len(commands)} keys could not be read at the end, {commands[0].key} for one"
            )
            print(self.fleet.report())
        return found


def _looks(node: Node, commands: Sequence[Command]) -> list[Operation]:
    begun_s = time.monotonic()
    try:
        with node.connect(10.0) as client:
            replies = client.pipeline([[word.encode() for word in command.argv] for command in commands])
    except (OSError, EOFError):
        return []
    ended_s = time.monotonic()
    return [
        Operation(FINAL, node.name, command.kind, command.key, "", begun_s, ended_s, *told(_parsed(reply)))
        for command, reply in zip(commands, replies, strict=True)
    ]


def _parsed(reply: bytes) -> object:
    reader = hiredis.Reader()
    reader.feed(reply)
    return reader.gets()
