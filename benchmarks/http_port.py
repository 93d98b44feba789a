"""What HTTP costs: requests a second by wrk, beside redis-server's GET in the same round, and what its port costs the Redis port.

wrk and redis-benchmark have 50 connections each, one request at a time, over 100,000 keys, and one thread. Rounds go to all in
turn, and the middle one counts. Throughput shares the machine with the load generators, so the CPU of the server stands beside it.

Expected: `GET /api` at least 0.3 of redis-server's GETs. A GET of a server with an HTTP port that nobody uses costs what it costs
without: at most 1.05 times the CPU. While the HTTP port is saturated, the p99 of a Redis client that asks 500 times a second is at most 1.5
times what it is while the Redis port is saturated by as many clients: HTTP disturbs no more than Redis clients do.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from statistics import median
from typing import Final

from redis_benchmark import KEYS, Load, fill, run
from report import Report
from servers import Server, free_port, option_parser, start_redis
from wire import encoded

CONNECTIONS: Final = 50
PROBES_PER_SECOND: Final = 500

SCRIPT: Final = """
local at = 0
local targets = { %s }
request = function()
  at = (at * 1103515245 + 12345) %% 2147483648
  local key = string.format("key:%%012d", at %% %d)
  return wrk.format(targets.method, string.format(targets.path, key), nil, targets.body and string.format(targets.body, key))
end
"""
"""A random key for each request, as redis-benchmark has them."""

TARGETS: Final = {
    "GET /api": 'method = "GET", path = "/api?key=%s"',
    "GET /v1/keys": 'method = "GET", path = "/v1/keys/%s"',
    "POST /api": 'method = "POST", path = "/api", body = \'{"key":"%s","data":"xxx"}\'',
    "PUT /v1/keys": 'method = "PUT", path = "/v1/keys/%s", body = "xxx"',
    "GET /healthcheck": 'method = "GET", path = "/healthcheck"',
}


def start_http(python: str) -> tuple[Server, int]:
    """Start a respcache with an HTTP port."""
    port = free_port()
    return Server("respcache, HTTP", [python, "-m", "respcache", "serve", "--http", str(port)], {}), port


class Wrk:
    """Asks over HTTP as fast as it is answered."""

    def __init__(self, port: int, name: str, seconds: int) -> None:
        self._script = tempfile.NamedTemporaryFile("w", suffix=".lua")  # noqa: SIM115  # closed at the end
        self._script.write(SCRIPT % (TARGETS[name], KEYS))
        self._script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", self._script.name]
        self._process = subprocess.Popen(
            [*command, f"http://127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True
        )

    def finish(self) -> tuple[int, float]:
        """Return how many were answered, and how many a second."""
        output, _ = self._process.communicate(timeout=120)
        self._script.close()
        if "Non-2xx" in output or "Socket errors" in output:
            raise RuntimeError(output)
        requests = re.search(r"(\d+) requests in", output)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
        if requests is None or rate is None:
            raise RuntimeError(output)
        return int(requests[1]), float(rate[1])


def rate_of(server: Server, port: int, name: str, seconds: int) -> tuple[float, float]:
    """Return requests a second, and the server's CPU for each in microseconds."""
    before_s = server.cpu_seconds()
    requests, rate = Wrk(port, name, seconds).finish()
    return rate, (server.cpu_seconds() - before_s) * 1e6 / requests


@contextmanager
def loaded(server: Server, http_port: int | None, seconds: int) -> Iterator[None]:
    """Keep a port busy: HTTP, or else Redis."""
    if http_port is not None:
        wrk = Wrk(http_port, "GET /api", seconds)
        time.sleep(0.5)
        yield
        wrk.finish()
        return
    command = [
        "redis-benchmark",
        "-p",
        str(server.port),
        "-c",
        str(CONNECTIONS),
        "-t",
        "get",
        "-n",
        "100000000",
        "-q",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def p99_ms(server: Server, seconds: float) -> float:
    """Return what a client waits that asks now and then."""
    waits: list[float] = []
    request = encoded("GET", "key:000000000001")
    with server.connect() as connection:
        begun = time.perf_counter()
        while (now := time.perf_counter()) - begun < seconds:
            connection.socket.sendall(request)
            connection.socket.recv(100)
            waits.append((time.perf_counter() - now) * 1e3)
            time.sleep(1 / PROBES_PER_SECOND)
    waits.sort()
    return waits[int(len(waits) * 0.99)]


def main() -> int:
    parser = option_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each round of wrk")
    options = parser.parse_args()
    report = Report("HTTP beside the Redis port", options)
    with ExitStack() as stack:
        redis = stack.enter_context(start_redis())
        plain = stack.enter_context(
            Server("respcache, no HTTP", [options.python, "-m", "respcache", "serve"], {})
        )
        http, port = start_http(options.python)
        stack.enter_context(http)
        for server in (redis, plain, http):
            fill(server)
        fill_with_json(http)
        measure_rates(report, redis, plain, (http, port), options.rounds, options.seconds)
        measure_disturbance(report, http, port, options.rounds, options.seconds)
    return report.finish()


def fill_with_json(server: Server) -> None:
    """Store values as ``POST /api`` would."""
    with server.connect() as connection:
        connection.load(
            b'*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$5\r\n"xxx"\r\n' % number for number in range(KEYS)
        )


def measure_rates(  # noqa: PLR0917  # three servers
    report: Report, redis: Server, plain: Server, ours: tuple[Server, int], rounds: int, seconds: int
) -> None:
    http, port = ours
    load = Load("get", 100_000, CONNECTIONS)
    yardsticks: dict[Server, list[tuple[float, float]]] = {redis: [], plain: [], http: []}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in TARGETS}
    for _ in range(rounds):
        for server, collected in yardsticks.items():
            figures = run(server, replace(load))
            collected.append((figures.requests_per_second, figures.cpu_us_per_request))
        for name, rates in found.items():
            rates.append(rate_of(http, port, name, seconds))
    rows = {f"GET, {server.label}": rates for server, rates in yardsticks.items()} | found
    middle = {
        name: (median(one for one, _ in rates), median(one for _, one in rates))
        for name, rates in rows.items()
    }
    yardstick = middle[f"GET, {redis.label}"][0]
    for name, (rate, cpu_us) in middle.items():
        report.add({"request": name, "a second": rate, "of redis": rate / yardstick, "CPU us": cpu_us})
    report.expect_at_least("GET /api of redis-server's GET", middle["GET /api"][0] / yardstick, 0.3)
    idle = middle[f"GET, {http.label}"][1] / middle[f"GET, {plain.label}"][1]
    report.expect_at_most("CPU of a GET where the HTTP port is idle, of that without one", idle, 1.05)


def measure_disturbance(report: Report, http: Server, port: int, rounds: int, seconds: int) -> None:
    waits: dict[str, list[float]] = {"idle": [], "Redis clients": [], "HTTP clients": []}
    for _ in range(rounds):
        waits["idle"].append(p99_ms(http, 1.0))
        for name, busy_port in (("Redis clients", None), ("HTTP clients", port)):
            with loaded(http, busy_port, seconds):
                waits[name].append(p99_ms(http, seconds - 1.5))
    for name, collected in waits.items():
        report.add({"request": f"GET beside {name}", "p99 ms": median(collected)})
    ratio = median(waits["HTTP clients"]) / median(waits["Redis clients"])
    report.expect_at_most("p99 of a Redis client beside HTTP, of that beside Redis", ratio, 1.5)


if __name__ == "__main__":
    sys.exit(main())
