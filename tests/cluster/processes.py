"""Runs real nodes as one cluster for tests, and does to them what the world does: kills, stops, restarts them.

Every node is a process with a directory, a log and ports of its own. What a test leaves running is stopped at its end, and
a traceback or an internal error in any log fails the test: a bug that hid behind a retry is a bug all the same.
"""

import binascii
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.forks import Process, server_environment, start_respcache
from tests.servers import START_SECONDS, STOP_SECONDS, free_ports
from tests.wire import Node as Value
from tests.wire import RawClient, parse

POLL_SECONDS: Final = 0.05
"""To ask is work for the nodes, too: three that are asked fifty times a second do little else."""

TOGETHER_SECONDS: Final = 15.0
"""Nodes are one cluster within a second or two; on a machine that runs other tests beside these, several times that."""

BUGS: Final = ("internal error", "Traceback")
SLOTS: Final = 16384
PARTITIONS: Final = 1024


def slot_of(key: bytes) -> int:
    """Say which slot a key is in; on our own, so that a mistake of the server's cannot hide."""
    begin = key.find(b"{")
    end = key.find(b"}", begin + 1)
    tagged = key[begin + 1 : end] if begin >= 0 and end > begin + 1 else key
    return binascii.crc_hqx(tagged, 0) % SLOTS


class ClusterNode:
    """One respcache process that is, or was, part of a cluster."""

    def __init__(
        self, name: str, directory: Path, flags: Sequence[str], *, has_cluster_port: bool, is_cold: bool
    ) -> None:
        self.name = name
        self.port, self.bus_port, cluster_port = free_ports(3)
        self.cluster_port = cluster_port if has_cluster_port else 0
        self.log = directory / f"{name}.log"
        self._directory = directory / name
        self._flags = list(flags)
        self._is_cold = is_cold
        self.process: Process | None = None
        self._is_paused = False

    def __repr__(self) -> str:
        return f"<{self.name} port={self.port} bus={self.bus_port}>"

    @property
    def bus(self) -> str:
        """Return the address that other nodes take as a seed."""
        return f"127.0.0.1:{self.bus_port}"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, seeds: str = "") -> None:
        """Start the process; the log of an earlier life is kept."""
        self._directory.mkdir(parents=True, exist_ok=True)
        words = ["serve", "--port", str(self.port), "--cluster", "--bus-port", str(self.bus_port)]
        words += ["--cluster-port", str(self.cluster_port)] if self.cluster_port else []
        words += ["--seeds", seeds] if seeds else []
        with self.log.open("ab") as output:
            self.process = start_respcache(
                [*words, *self._flags],
                directory=self._directory,
                output=output,
                environment=server_environment(),
                is_cold=self._is_cold,
            )

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.is_running, f"{self.name} did not start:\n{self.tail()}"
            assert time.monotonic() < deadline, f"{self.name} stays silent:\n{self.tail()}"
            time.sleep(POLL_SECONDS)

    def client(
        self, *, protocol: int = 2, timeout_seconds: float = 5.0, port: int | None = None
    ) -> RawClient:
        client = RawClient(port or self.port, timeout_seconds=timeout_seconds)
        if protocol == 3:
            client.call("HELLO", "3")
        return client

    def call(self, *argv: bytes | str, protocol: int = 2, timeout_seconds: float = 5.0) -> Value:
        """Ask one thing over a connection of its own."""
        with self.client(protocol=protocol, timeout_seconds=timeout_seconds) as client:
            return parse(client.call(*argv))

    def info(self) -> dict[str, str]:
        """Return the section ``cluster`` of INFO."""
        text = self.call("INFO", "cluster").text.decode()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def active_members(self) -> int:
        return int(self.info()["cluster_active_members"])

    def kill(self) -> None:
        """End it as a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self._is_paused = True
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        self._is_paused = False
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to leave and end; anything but a clean exit in time is a failure."""
        assert self.process is not None
        if self._is_paused:
            self.resume()
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} ignored SIGTERM:\n{self.tail()}") from None
        assert code == 0, f"{self.name} ended with {code}:\n{self.tail()}"

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _answers(self) -> bool:
        try:
            with self.client(timeout_seconds=1.0) as client:
                return client.call("PING").startswith((b"+PONG", b"-NOAUTH"))
        except (OSError, EOFError):
            return False


class Cluster:
    """Nodes that share a seed. All are started with the same flags; a node that joins later may have more.

    Where they are cold, each has an interpreter of its own, and walks sets in an order of its own.
    """

    def __init__(
        self,
        directory: Path,
        *flags: str,
        profile: str = "local",
        has_cluster_ports: bool = False,
        is_cold: bool = False,
    ) -> None:
        self.nodes: list[ClusterNode] = []
        self.directory = directory
        self._flags = ["--cluster-profile", profile, "--enable-debug-command", "local", *flags]
        self._has_cluster_ports = has_cluster_ports
        self._is_cold = is_cold

    def __iter__(self) -> Iterator[ClusterNode]:
        return iter(self.nodes)

    def __getitem__(self, place: int) -> ClusterNode:
        return self.nodes[place]

    @property
    def running(self) -> list[ClusterNode]:
        return [node for node in self.nodes if node.is_running]

    def add(self, *flags: str, seeds: str | None = None) -> ClusterNode:
        """Start one more node, and wait until it answers; whether it has joined is another question."""
        node = self.add_nowait(*flags, seeds=seeds)
        node.wait_until_it_answers()
        return node

    def add_nowait(self, *flags: str, seeds: str | None = None) -> ClusterNode:
        name = f"node-{len(self.nodes) + 1}"
        node = ClusterNode(
            name,
            self.directory,
            [*self._flags, *flags],
            has_cluster_port=self._has_cluster_ports,
            is_cold=self._is_cold,
        )
        if seeds is None:
            seeds = self.running[0].bus if self.running else ""
        node.start(seeds)
        self.nodes.append(node)
        return node

    def start(self, count: int) -> None:
        """Start so many nodes at once, with the first as the seed of all others, and wait until they are together."""
        for _ in range(count):
            self.add_nowait()
        for node in self.nodes:
            node.wait_until_it_answers()
        self.wait_until_together()

    def restart(self, node: ClusterNode) -> None:
        """Start a node that has ended again, at the same address."""
        others = [other.bus for other in self.running if other is not node]
        node.start(others[0] if others else "")
        node.wait_until_it_answers()

    def wait_until_together(self, *, within_s: float = TOGETHER_SECONDS) -> float:
        """Wait until all that run count each other active and all partitions are where they agree; return the seconds."""
        return self.wait_until(self._is_together, "the nodes are one cluster", within_s=within_s)

    def wait_until(self, question: Callable[[], bool], claim: str, *, within_s: float) -> float:
        """Poll until the claim holds; fail with everybody's view and log if it does not in time."""
        begun = time.monotonic()
        while not question():
            if time.monotonic() - begun > within_s:
                raise AssertionError(f"not true within {within_s:g} s: {claim}\n{self.report()}")
            time.sleep(POLL_SECONDS)
        return time.monotonic() - begun

    def owners(self) -> list[ClusterNode]:
        """Return the owner of each slot."""
        by_port = {port: node for node in self.nodes for port in (node.port, node.cluster_port) if port}
        owners: list[ClusterNode] = []
        for entry in sorted(
            self.running[0].call("CLUSTER", "SLOTS").children, key=lambda entry: int(entry.children[0].text)
        ):
            first, last, owner = entry.children[:3]
            assert int(first.text) == len(owners), "the slots have a gap or overlap"
            owners += [by_port[int(owner.children[1].text)]] * (int(last.text) - int(first.text) + 1)
        assert len(owners) == SLOTS
        return owners

    def owner_of(self, key: bytes) -> ClusterNode:
        """Say which node owns a key, by what the first running node tells clients."""
        return self.owners()[slot_of(key)]

    def keys_of(self, node: ClusterNode, count: int, prefix: str = "key") -> list[bytes]:
        """Return keys that the node owns; one that a busy machine has kept from answering is waited for until it is back."""
        owners = self.owners()
        if node not in owners:
            self.wait_until_together()
            owners = self.owners()
        found: list[bytes] = []
        number = 0
        while len(found) < count:
            key = b"%b:%d" % (prefix.encode(), number)
            if owners[slot_of(key)] is node:
                found.append(key)
            number += 1
            assert number < 100_000, f"{node} owns next to nothing"
        return found

    def report(self) -> str:
        """Say what every node thinks and has logged, for whoever reads a failure."""
        return "\n".join(f"--- {node}: {_view_of(node)}\n{node.tail()}" for node in self.nodes)

    def stop(self) -> None:
        """Stop what still runs, the youngest first, and look for bugs in all logs."""
        failures = []
        for node in reversed(self.running):
            try:
                node.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        for node in self.nodes:
            text = node.log.read_text(errors="replace")
            failures += [f"{bug!r} in the log of {node}:\n{node.tail(120)}" for bug in BUGS if bug in text]
        assert not failures, "\n".join(failures)

    def _is_together(self) -> bool:
        running = self.running
        digests: set[str] = set()
        served: list[int] = []
        for node in running:  # what one denies the next is not asked: an answer is milliseconds of work
            info = node.info()
            digests.add(info["cluster_view_digest"])
            served.append(int(info["cluster_partitions_served"]))
            is_alone = int(info["cluster_active_members"]) != len(running)
            if is_alone or len(digests) > 1 or int(info["cluster_partitions_moving"]):
                return False
        if sum(served) != PARTITIONS:
            return False
        by_node = Counter(self.owners())
        return [by_node[node] // (SLOTS // PARTITIONS) for node in running] == served


def _view_of(node: ClusterNode) -> str:
    if not node.is_running:
        return "has ended"
    try:
        return " ".join(
            f"{name.removeprefix('cluster_')}={value}" for name, value in node.info().items() if value != "0"
        )
    except (OSError, EOFError) as error:
        return repr(error)


@contextmanager
def running_cluster(
    directory: Path,
    count: int,
    *flags: str,
    profile: str = "local",
    has_cluster_ports: bool = False,
    is_cold: bool = False,
) -> Iterator[Cluster]:
    """Run a cluster until the block ends."""
    cluster = Cluster(
        directory, *flags, profile=profile, has_cluster_ports=has_cluster_ports, is_cold=is_cold
    )
    try:
        cluster.start(count)
        yield cluster
    except BaseException:
        # The failure that brought us here says more than what stopping may find.
        for node in cluster.running:
            node.kill()
        raise
    cluster.stop()
