"""Run redis-benchmark against a server and say what came of it, and what it cost the server."""

import csv
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from servers import Server

TIMEOUT_S: Final = 180
KEYS: Final = 100_000
"""Keys that requests are spread over: more than a CPU cache holds, little enough to fill in a second."""


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request, as redis-benchmark names it (``set``, ``get``, ``mset``), and how it is sent.

    With ``words``, these are sent instead of the test's own; ``__rand_int__`` in them is one of ``KEYS`` numbers.
    """

    test: str
    requests: int
    clients: int = 50
    depth: int = 1
    words: tuple[str, ...] = ()
    value_bytes: int = 3
    keys: int = KEYS


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round of a load showed. Latencies are those of a whole pipeline."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float


def run(server: Server, load: Load, further: Sequence[str] = ()) -> Figures:
    """Run one round, with further options for redis-benchmark; CPU is the server's alone."""
    command = ["redis-benchmark", "-p", str(server.port), "--csv", "--precision", "3"]
    command += [
        "-n",
        str(load.requests),
        "-c",
        str(load.clients),
        "-P",
        str(load.depth),
        "-r",
        str(load.keys),
    ]
    command += ["-d", str(load.value_bytes)]
    command += [*further, *(load.words or ("-t", load.test))]
    cpu_before_s = server.cpu_seconds()
    finished = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    cpu_s = server.cpu_seconds() - cpu_before_s
    if finished.returncode:
        raise RuntimeError(
            f"redis-benchmark failed against {server.label}: {finished.stderr or finished.stdout}"
        )
    return _figures(finished.stdout, cpu_s * 1e6 / load.requests)


def medians(rounds: Sequence[Figures]) -> Figures:
    """Return the middle of each figure: a neighbour on the machine spoils a round, seldom most of them."""
    return Figures(
        median(figures.requests_per_second for figures in rounds),
        median(figures.p50_ms for figures in rounds),
        median(figures.p99_ms for figures in rounds),
        median(figures.cpu_us_per_request for figures in rounds),
    )


def fill(server: Server) -> None:
    """Store every key that redis-benchmark's GET may ask for, with a value of its size."""
    with server.connect() as connection:
        connection.load(
            b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$3\r\nxxx\r\n" % number for number in range(KEYS)
        )


def fill_hash(server: Server) -> None:
    """Store every field that redis-benchmark's HSET may store."""
    with server.connect() as connection:
        connection.load(
            b"*4\r\n$4\r\nHSET\r\n$6\r\nmyhash\r\n$20\r\nelement:%012d\r\n$3\r\nxxx\r\n" % number
            for number in range(KEYS)
        )


def _figures(output: str, cpu_us_per_request: float) -> Figures:
    # The table starts where its header does: errors and warnings may come before it.
    lines = output[output.index('"test"') :].splitlines()
    row = next(csv.DictReader(lines))
    return Figures(
        float(row["rps"]), float(row["p50_latency_ms"]), float(row["p99_latency_ms"]), cpu_us_per_request
    )
