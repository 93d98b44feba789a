"""Clients that know Redis Cluster, with their default settings but for one of node-redis', against the cluster port: while all
is quiet, through a join and a leave, and after one of three nodes is killed.

All clients work at the same time on one cluster that is changed once, because each change takes a second and a client is free.
"""

import json
import shutil
import subprocess
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
import redis
from redis.cluster import ClusterNode as StartupNode
from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException

from tests.cluster.processes import Cluster, running_cluster
from tests.servers import missing, require_tool

SCRIPTS = Path(__file__).parent / "node"
CLIENTS: Final = ("ioredis", "node-redis", "redis-py")
RECOVERY_SECONDS: Final = 5.0
IN_FLIGHT: Final = 8
"""node-redis sends nothing a second time: when a node ends, it tells of what it had asked there and was not answered. That
is one command of each of its callers at most, in one moment (``SIDE_BY_SIDE`` in steadiness.mjs); the others try again by themselves."""

LOST_IN_FLIGHT: Final = {
    "Error: Disconnects client",
    "Error: read ECONNRESET",
    "SocketClosedUnexpectedlyError: Socket closed unexpectedly",
}

TOLD_BY_REDIS_PY: Final = (redis.RedisError, RedisClusterException)
"""What it raises when it cannot get through; the second, which it raises when it finds no owners, is none of the first."""

KEYS: Final = 200
START_SECONDS: Final = 20.0
FINISH_SECONDS: Final = 30.0

node = pytest.mark.node
each_client = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "redis-py" else [node]) for name in CLIENTS]
)


@dataclass
class Saw:
    """What a client met: values that were not the ones it had written, and errors with their times, in Unix seconds."""

    operations: int = 0
    wrong: list[Any] = field(default_factory=list)
    errors: list[tuple[float, str]] = field(default_factory=list)
    slow: list[tuple[float, float]] = field(default_factory=list)
    exercise: dict[str, Any] = field(default_factory=dict)
    hangs: bool = False
    death: str = ""
    """Why the client itself ended before its time, if it did; what stands above is then not the whole story."""

    def errors_between(self, begin: float, end: float) -> list[str]:
        return [text for at, text in self.errors if begin <= at < end]

    def errors_after(self, begin: float) -> list[tuple[float, str]]:
        return [(at - begin, text) for at, text in self.errors if at >= begin]


class Client(Protocol):
    """One that works from when it is made until it is told to finish. One that dies says so then, not to whoever asks first."""

    def wait_until_ready(self) -> None: ...

    def finish(self) -> Saw: ...


class NodeClient:
    """A client of Node.js in a process of its own, which works until its standard input ends."""

    def __init__(self, name: str, ports: Sequence[int]) -> None:
        self._process = subprocess.Popen(
            ["node", "steadiness.mjs", name, *map(str, ports)],
            cwd=SCRIPTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.readline()  # "ready", or nothing: it has ended

    def finish(self) -> Saw:
        try:
            output, errors = self._process.communicate("", timeout=FINISH_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return Saw(death="it did not end when it was told to")
        if self._process.returncode:
            return Saw(death=f"it ended with {self._process.returncode}: {errors}")
        saw = json.loads(output)
        exercise = {part: saw[part] for part in ("hash", "together", "batch")}
        failed = [(at / 1000, text) for at, text in saw["errors"]]
        slow = [(at / 1000, took / 1000) for at, took in saw["slow"]]
        return Saw(saw["operations"], saw["wrong"], failed, slow, exercise, saw["hangs"])


class PythonClient(threading.Thread):
    """redis-py's RedisCluster in a thread."""

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self._nodes = [StartupNode("127.0.0.1", port) for port in ports]
        self._is_ready, self._must_stop = threading.Event(), threading.Event()
        self._saw = Saw()
        self.start()

    def wait_until_ready(self) -> None:
        self._is_ready.wait(START_SECONDS)

    def run(self) -> None:
        try:
            self._live()
        except Exception:
            self._saw.death = traceback.format_exc()
        finally:
            self._is_ready.set()

    def _live(self) -> None:
        client: Any = RedisCluster(startup_nodes=self._nodes, decode_responses=True)  # Any: half typed
        self._saw.exercise = self._exercise(client)
        self._is_ready.set()
        turn = 0
        while not self._must_stop.is_set():
            turn += 1
            self._work(client, f"redis-py:{turn % KEYS}", f"{turn}")
            time.sleep(0.01)
        client.close()

    def finish(self) -> Saw:
        self._must_stop.set()
        self.join(FINISH_SECONDS)
        self._saw.hangs = self.is_alive()
        return self._saw

    def _work(self, client: Any, key: str, value: str) -> None:
        begun = time.time()
        try:
            client.set(key, value)
            found = client.get(key)
        except TOLD_BY_REDIS_PY as error:
            self._saw.errors.append((time.time(), repr(error)[:200]))
            return
        finally:
            if time.time() - begun > 1:
                self._saw.slow.append((begun, time.time() - begun))
        self._saw.operations += 1
        if found not in (None, value):
            self._saw.wrong.append((key, value, found))

    def _exercise(self, client: Any) -> dict[str, Any]:
        client.hset("redis-py:hash", mapping={"a": "1", "b": "two"})
        with client.pipeline() as pipeline:
            for number in range(300):
                pipeline.set(f"redis-py:batch:{number}", "batch")
            batch = pipeline.execute()
        with client.pipeline(transaction=True) as pipeline:
            together = pipeline.set("{redis-py}a", "1").incr("{redis-py}a").execute()
        return {
            "hash": client.hgetall("redis-py:hash"),
            "together": ["OK" if reply is True else reply for reply in together],
            "batch": all(batch),
        }


@dataclass(frozen=True)
class Story:
    """What was done when, in Unix seconds, and what each client saw of it."""

    quiet_until: float
    killed_at: float
    saw: dict[str, Saw]
    cluster: Cluster

    def of(self, name: str) -> Saw:
        """Return what this client saw, or fail because it died: that is nobody's failure but its own."""
        if name not in self.saw:
            missing(f"node, or the packages of {SCRIPTS.name}/package.json (npm ci), are not installed")
        saw = self.saw[name]
        assert not saw.death, f"{name} died:\n{saw.death}"
        return saw

    def report(self) -> str:
        return self.cluster.report()


def clients_of(ports: Sequence[int]) -> dict[str, Client]:
    """Start all clients that can be run here."""
    can_run_node = shutil.which("node") is not None and (SCRIPTS / "node_modules").is_dir()
    names = [name for name in CLIENTS if can_run_node or name == "redis-py"]
    return {name: PythonClient(ports) if name == "redis-py" else NodeClient(name, ports) for name in names}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with running_cluster(tmp_path_factory.mktemp("clients"), 3, has_cluster_ports=True) as cluster:
        clients = clients_of([each.cluster_port for each in cluster])
        for client in clients.values():
            client.wait_until_ready()
        time.sleep(0.5)  # some hundred operations while all is quiet
        quiet_until = time.time()
        fourth = cluster.add()
        cluster.wait_until_together()
        time.sleep(1.0)  # clients find the fourth node, and use it
        fourth.stop()
        cluster.wait_until_together()
        time.sleep(1.0)  # clients find that it has gone
        killed_at = time.time()
        cluster[2].kill()
        time.sleep(RECOVERY_SECONDS + 1)  # the claim: errors end within the first five of these six seconds
        yield Story(
            quiet_until, killed_at, {name: client.finish() for name, client in clients.items()}, cluster
        )


@each_client
def test_a_quiet_cluster_serves_it(name: str, story: Story) -> None:
    saw = story.of(name)
    assert saw.exercise == {"hash": {"a": "1", "b": "two"}, "together": ["OK", 2], "batch": True}
    assert saw.operations > 100
    assert not saw.errors_between(0, story.quiet_until)


@each_client
def test_it_never_reads_a_wrong_value(name: str, story: Story) -> None:
    assert not story.of(name).wrong


@each_client
def test_a_join_and_a_leave_are_no_errors(name: str, story: Story) -> None:
    errors = story.of(name).errors_between(story.quiet_until, story.killed_at)
    if name == "node-redis":
        assert len(errors) <= IN_FLIGHT
        errors = [error for error in errors if error not in LOST_IN_FLIGHT]
    assert not errors


@each_client
def test_it_recovers_from_the_loss_of_a_node(name: str, story: Story) -> None:
    saw = story.of(name)
    assert not saw.hangs
    late = [error for error in saw.errors_after(story.killed_at) if error[0] > RECOVERY_SECONDS]
    assert not late
    waits = [at + took - story.killed_at for at, took in saw.slow if at + took > story.killed_at]
    assert max(waits, default=0) < RECOVERY_SECONDS


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("tools")
    with running_cluster(directory, 3, has_cluster_ports=True, is_cold=True) as cluster:
        yield cluster


@pytest.mark.redis
def test_redis_cli_follows_the_owner(cluster: Cluster) -> None:
    for number in range(6):
        key, value = f"cli:{number}", f"value {number}"
        for port in (each.cluster_port for each in cluster):
            assert cli("-c", "-p", str(port), "SET", key, value) == "OK\n"
        for port in (each.cluster_port for each in cluster):
            assert cli("-c", "-p", str(port), "GET", key) == f"{value}\n"


@pytest.mark.redis
def test_redis_cli_is_told_the_owner_on_the_cluster_port_only(cluster: Cluster) -> None:
    key = cluster.keys_of(cluster[1], 1)[0].decode()
    assert cli("-p", str(cluster[0].cluster_port), "GET", key).startswith("MOVED ")
    assert cli("-p", str(cluster[0].port), "GET", key) == "\n"


@pytest.mark.redis
@pytest.mark.parametrize("command", ["MGET", "EXISTS", "DEL", "TOUCH"])
def test_redis_cli_is_told_that_keys_are_in_several_slots(command: str, cluster: Cluster) -> None:
    keys = [key.decode() for key in cluster.keys_of(cluster[0], 2)]
    assert cli("-p", str(cluster[0].cluster_port), command, *keys).startswith("CROSSSLOT ")


@pytest.mark.redis
def test_redis_cli_finds_the_cluster_in_order(cluster: Cluster) -> None:
    found = cli("--cluster", "info", f"127.0.0.1:{cluster[0].cluster_port}")
    assert "3 masters" in found or "3 primaries" in found
    checked = cli("--cluster", "check", f"127.0.0.1:{cluster[0].cluster_port}")
    assert "[OK] All 16384 slots covered." in checked


@pytest.mark.redis
@pytest.mark.parametrize("flags", [[], ["-P", "16"], ["-3"]], ids=["plain", "pipelined", "resp3"])
def test_redis_benchmark(flags: list[str], cluster: Cluster) -> None:
    command = [require_tool("redis-benchmark"), "--cluster", "-p", str(cluster[0].cluster_port)]
    command += ["-t", "set,get,incr,hset", "-n", "1000", "-r", "1000", "-q", *flags]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    text = finished.stdout + finished.stderr
    assert text.count("requests per second") == 4, text
    assert "error" not in text.lower(), text


def cli(*arguments: str) -> str:
    finished = subprocess.run(
        [require_tool("redis-cli"), *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
