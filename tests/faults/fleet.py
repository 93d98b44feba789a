"""The nodes of a cluster in trouble: processes at hosts, and what is done to them."""

import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.wire import RawClient, parse

from .copies import Holding, differences, holdings
from .network import Host, Loopback

PORT: Final = 7000
BUS_PORT: Final = 17_000
START_S: Final = 30.0
LEAVE_S: Final = 40.0
"""A node hands over for at most 30 s; then some for ending."""

ASK_S: Final = 2.0
POLL_S: Final = 0.05
BUGS: Final = ("internal error", "Traceback")
REPOSITORY: Final = Path(__file__).parent.parent.parent
SKEWED: Final = Path(__file__).parent / "skewed"


class Unreachable(Exception):  # noqa: N818 - no error: the point of the exercise
    """A node that does not answer."""


class Node:
    """One node: a host, and the process that runs there, if one does."""

    def __init__(
        self, name: str, host: Host, wire: Loopback, *, directory: Path, flags: Sequence[str], tree: Path
    ) -> None:
        self.name = name
        self.host = host
        self.log = directory / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.is_stopped = False
        self._wire = wire
        self._directory = directory / name
        self._directory.mkdir(parents=True)
        self._flags = list(flags)
        self._tree = tree
        self._clock = directory / f"{name}.clock"
        self._clock.write_bytes(bytes(8))

    def __repr__(self) -> str:
        return self.name

    @property
    def bus(self) -> str:
        return f"{self.host.address}:{BUS_PORT}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, seeds: Sequence[str]) -> None:
        # A node never outlives the run, even one that is killed.
        leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        command = [*self._wire.entry(self.host), *leash, sys.executable, "-m", "respcache", "serve"]
        command += ["--bind", self.host.address, "--port", str(PORT), "--bus-port", str(BUS_PORT)]
        command += ["--cluster", "--protected-mode", "no", "--cluster-allow-insecure", "yes"]
        # Each is a machine of its own; all have the same identity of the host, and copies must not care.
        command += ["--cluster-machine", self.name]
        command += ["--seeds", ",".join(seeds)] if seeds else []
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RESPCACHE_")}
        path = [str(SKEWED), str(self._tree), os.environ.get("PYTHONPATH", "")]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, *self._flags],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env={
                    **inherited,
                    "PYTHONPATH": os.pathsep.join(filter(None, path)),
                    "FAULTS_CLOCK": str(self._clock),
                },
            )
        self.is_stopped = False

    def connect(self, timeout_s: float = ASK_S) -> RawClient:
        return RawClient(PORT, host=self.host.address, timeout_seconds=timeout_s)

    def call(self, *words: str, timeout_s: float = ASK_S) -> Any:
        """Ask one thing and return plain Python values; raise Unreachable if there is no answer."""
        try:
            with self.connect(timeout_s) as client:
                reply = parse(client.call(*words))
        except (OSError, EOFError) as error:
            raise Unreachable(f"{self.name}: {error!r}") from error
        if reply.is_error:
            raise Unreachable(f"{self.name}: {reply.text.decode()}")
        return reply.plain()

    def info(self, section: str = "cluster") -> dict[str, str]:
        text = self.call("INFO", section).decode()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def holdings(self) -> list[Holding]:
        return holdings(self.call("CLUSTER", "DIGEST", timeout_s=10))

    def kill(self) -> None:
        """End it as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.is_stopped = False

    def stop(self) -> None:
        self.is_stopped = True
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        self.is_stopped = False
        if self.is_running:
            os.kill(self.pid, signal.SIGCONT)

    def leave(self) -> float:
        """Ask it to hand over and end; return the seconds it took."""
        assert self.process is not None
        begun_s = time.monotonic()
        self.process.terminate()
        try:
            code = self.process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} ignored SIGTERM:\n{self.tail()}") from None
        assert code == 0, f"{self.name} ended with {code}:\n{self.tail()}"
        return time.monotonic() - begun_s

    def set_clock(self, offset_s: float) -> None:
        """Let its wall clock be so much ahead from now on; behind, if negative."""
        with self._clock.open("r+b") as file:
            file.write(struct.pack("<q", int(offset_s * 1e9)))

    def rss_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def tasks(self) -> int:
        return int(self.info("stats")["running_tasks"])

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Fleet:
    """All nodes, and what they are together."""

    def __init__(
        self,
        wire: Loopback,
        directory: Path,
        flags: Sequence[str] = (),
        *,
        copies: int = 2,
        tree: Path = REPOSITORY,
    ) -> None:
        self.nodes: list[Node] = []
        self.wire = wire
        self.copies = copies
        self._directory = directory
        self._tree = tree
        self._flags = [*flags, "--copies", str(copies)]

    @property
    def running(self) -> list[Node]:
        """Return the nodes that have a process that is not stopped."""
        return [node for node in self.nodes if node.is_running and not node.is_stopped]

    def add(self) -> Node:
        """Make a node with a host of its own; it is not started."""
        name = f"node-{len(self.nodes) + 1}"
        node = Node(
            name,
            self.wire.add_host(),
            self.wire,
            directory=self._directory,
            flags=self._flags,
            tree=self._tree,
        )
        self.nodes.append(node)
        return node

    def start(self, count: int) -> None:
        """Start so many nodes, and wait until they are one cluster with all its copies."""
        for _ in range(count):
            self.add()
        for node in self.nodes:
            self.launch(node)
        self.wait_until(self.is_together, "the nodes are one cluster", START_S)

    def launch(self, node: Node) -> None:
        """Start a node, for the first time or again; all have the same seeds."""
        node.start([other.bus for other in self.nodes])

    def end(self) -> list[str]:
        """Kill what runs, and return what the logs say of bugs."""
        for node in self.nodes:
            node.kill()
        logs = {node.name: node.log.read_text(errors="replace") for node in self.nodes if node.log.exists()}
        return [f"{bug!r} in the log of {name}" for name, text in logs.items() for bug in BUGS if bug in text]

    def is_together(self, nodes: Sequence[Node] | None = None) -> bool:
        """Say whether these, or all that run, count each other active and have the same table of owners."""
        nodes = nodes or self.running
        digests: set[str] = set()
        try:
            for node in nodes:  # what one denies the next is not asked: an answer is milliseconds of work
                view = node.info()
                digests.add(view["cluster_view_digest"])
                if int(view["cluster_active_members"]) != len(nodes) or len(digests) > 1:
                    return False
        except Unreachable:
            return False
        return bool(nodes)

    def is_safe(self) -> bool:
        """Say whether every node says that the next may be taken away."""
        try:
            return all(_is_yes(node.call("CLUSTER", "SAFE")) for node in self.running)
        except Unreachable:
            return False

    def is_whole(self) -> bool:
        """Say whether it is safe, and no node has data aside that is not merged yet."""
        try:
            return self.is_safe() and not any(
                int(node.info().get("cluster_partitions_set_aside", "0")) for node in self.running
            )
        except Unreachable:
            return False

    def has_equal_copies(self) -> bool:
        try:
            return not self.differences()
        except Unreachable:
            return False

    def differences(self) -> list[str]:
        """Say where copies are missing or differ."""
        held = {node.name: node.holdings() for node in self.running}
        return [str(finding) for finding in differences(held, self.copies)]

    def wait_until(self, question: Callable[[], bool], claim: str, within_s: float) -> float:
        """Poll until it is so, and return the seconds it took; say so with everybody's view if it takes too long."""
        begun_s = time.monotonic()
        while not question():
            if time.monotonic() - begun_s > within_s:
                raise AssertionError(f"not true within {within_s:g} s: {claim}\n{self.report()}")
            time.sleep(POLL_S)
        return time.monotonic() - begun_s

    def report(self) -> str:
        """Say what every node thinks, for whoever reads a failure."""
        return "\n".join(f"--- {node}: {_view(node)}" for node in self.nodes)


def _is_yes(reply: object) -> bool:
    """Read CLUSTER SAFE: 1, OK, or a first word that says so."""
    word = reply[0] if isinstance(reply, list) else reply
    return word in {1, b"1", b"OK", b"yes", b"safe"}


def _view(node: Node) -> str:
    if not node.is_running or node.is_stopped:
        return "is stopped" if node.is_stopped else "has ended"
    try:
        safe = node.call("CLUSTER", "SAFE")
    except Unreachable as error:
        safe = str(error)
    try:
        shown = {name.removeprefix("cluster_"): value for name, value in node.info().items() if value != "0"}
        return " ".join([f"safe={safe!r}", *(f"{name}={value}" for name, value in shown.items())])
    except Unreachable as error:
        return str(error)
