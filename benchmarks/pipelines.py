"""Send pipelines over many connections, and wait for each to be answered before the next: a load whose replies are known.

redis-benchmark repeats one command; what is measured with this is a pipeline of several, such as SETs with a WAIT
behind them. Everything is made before the clock runs, and a reply is compared and not parsed, so this
process costs some 15 us for each pipeline, however deep, and the same whoever answers.
"""

import random
import selectors
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis_benchmark import KEYS
from servers import Server
from wire import encoded

VARIANTS: Final = 64
"""Different pipelines of each client, sent in turn: the keys of one are not the keys of the next."""

SILENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """A server, the hash tags whose keys it is asked for, and what follows each SET or each pipeline with its reply."""

    server: Server
    tags: Sequence[str] = ("tag",)
    after: bytes = b""
    answer: bytes = b""
    is_after_each: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """What a round showed: requests a second, not counting the last of a pipeline; milliseconds of a whole pipeline."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float


class _Client:
    """One connection and its pipelines."""

    def __init__(self, target: Target, depth: int, value: str, chance: random.Random) -> None:
        self.socket = target.server.connect().socket
        each, last = (target.answer, b"") if target.is_after_each else (b"", target.answer)
        self.expected = (b"+OK\r\n" + each) * depth + last
        self._pipelines = [_sets(target, depth, value, chance) for _ in range(VARIANTS)]
        self._turn = 0
        self.received = b""
        self.sent_ns = 0

    def send(self) -> None:
        self._turn = (self._turn + 1) % VARIANTS
        self.received = b""
        self.sent_ns = time.perf_counter_ns()
        self.socket.sendall(self._pipelines[self._turn])

    def receive(self) -> bool:
        """Read, and say whether the pipeline is answered."""
        data = self.socket.recv(1 << 16)
        self.received += data
        if not data or not self.expected.startswith(self.received):
            raise RuntimeError(f"answered {self.received[:200]!r}, expected {self.expected[:40]!r}...")
        return len(self.received) == len(self.expected)


def _sets(target: Target, depth: int, value: str, chance: random.Random) -> bytes:
    keys = (f"{{{chance.choice(target.tags)}}}:{chance.randrange(KEYS):012d}" for _ in range(depth))
    each, last = (target.after, b"") if target.is_after_each else (b"", target.after)
    return b"".join(encoded("SET", key, value) + each for key in keys) + last


def run_sets(
    targets: Sequence[Target], *, clients: int, depth: int, requests: int, value: str = "x" * 32
) -> Rate:
    """Send so many SETs from so many clients, spread evenly over the targets."""
    chance = random.Random(1)
    crew = [_Client(targets[place % len(targets)], depth, value, chance) for place in range(clients)]
    try:
        return _drive(crew, depth, requests // depth)
    finally:
        for client in crew:
            client.socket.close()


def _drive(crew: Sequence[_Client], depth: int, pipelines: int) -> Rate:
    with selectors.DefaultSelector() as selector:
        for client in crew:
            selector.register(client.socket, selectors.EVENT_READ, client)
        latencies_ns: list[int] = []
        begun_ns = time.perf_counter_ns()
        for client in crew:
            client.send()
        left = pipelines - len(crew)
        while len(latencies_ns) < pipelines:
            ready = selector.select(SILENCE_S)
            if not ready:
                raise RuntimeError(f"no answer for {SILENCE_S:g} s")
            for key, _ in ready:
                client = key.data
                if client.receive():
                    latencies_ns.append(time.perf_counter_ns() - client.sent_ns)
                    if left > 0:
                        left -= 1
                        client.send()
        seconds = (time.perf_counter_ns() - begun_ns) / 1e9
    latencies_ns.sort()
    middle, high = (latencies_ns[int(len(latencies_ns) * share)] for share in (0.5, 0.99))
    return Rate(pipelines * depth / seconds, middle / 1e6, high / 1e6)
