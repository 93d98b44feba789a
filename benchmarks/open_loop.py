"""Send requests at a fixed rate, whatever the answers do, and note how long after its time each was answered.

A client that waits for an answer before it asks again hides the server's pauses: what should have been sent meanwhile is
never measured (Gil Tene's "coordinated omission"). Here every request has its time beforehand, and its latency counts from
then: when the server stops for 50 ms at 20,000 requests a second, a thousand of them are late, by up to 50 ms.

The client spins, for it must not sleep past a request's time: it needs a core of its own. What it is late itself is part of
the latencies, and told beside them, so that nobody takes it for the server's.
"""

import gc
import select
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import hiredis
from servers import Server
from wire import READ_BYTES, Connection

LINES: Final = 20
"""Connections; each request goes to the next one. As many as a pool of a busy application has."""
PATIENCE_S: Final = 30.0
"""After the last request's time: a server that takes longer is broken."""
BUCKETS_MS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000)


@dataclass(frozen=True, slots=True)
class Latencies:
    """What a run showed, in ms; sorted."""

    answers: Sequence[float]
    """From a request's time to its answer."""
    sends: Sequence[float]
    """From a request's time until it was really sent: the client's own share."""
    seconds: float
    """From the first request to the last answer."""

    def percentile(self, percent: float) -> float:
        return at_percent(self.answers, percent)

    def above(self, limit_ms: float) -> int:
        return sum(latency > limit_ms for latency in self.answers)

    def histogram(self) -> list[tuple[str, int]]:
        """Return how many answers came within which time, by bucket."""
        limits = (0.0, *BUCKETS_MS, float("inf"))
        at_most = [sum(latency <= limit for latency in self.answers) for limit in limits]
        names = [*(f"<= {limit:g} ms" for limit in BUCKETS_MS), f"> {BUCKETS_MS[-1]:g} ms"]
        return [
            (name, after - before) for name, before, after in zip(names, at_most, at_most[1:], strict=False)
        ]


def at_percent(ordered: Sequence[float], percent: float) -> float:
    """Return the value that so many percent do not exceed."""
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]


def drive(server: Server, requests: Iterator[bytes], rate: float, seconds: float) -> Latencies:
    """Send ``rate`` requests a second for so long, and wait for all answers."""
    lines = [server.connect() for _ in range(LINES)]
    try:
        with _undisturbed():
            return _Run(lines, requests, rate, int(rate * seconds)).measure()
    finally:
        for line in lines:
            line.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep this interpreter's collector from adding pauses of its own."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


class _Run:
    """One run; request number n goes to line n modulo ``LINES``, so the answers' numbers need not be kept."""

    def __init__(self, lines: list[Connection], requests: Iterator[bytes], rate: float, total: int) -> None:
        self._sockets = [line.socket for line in lines]
        self._readers = [hiredis.Reader() for _ in lines]
        self._answered = [0] * len(lines)
        self._requests = requests
        self._rate = rate
        self._total = total
        self._sends = array("d")
        self._answers = array("d")
        self._epoll = select.epoll()
        self._places = {one.fileno(): place for place, one in enumerate(self._sockets)}
        for one in self._sockets:
            one.settimeout(PATIENCE_S)
            self._epoll.register(one.fileno(), select.EPOLLIN)

    def measure(self) -> Latencies:
        sent = 0
        begin_s = time.perf_counter()
        end_s = begin_s + self._total / self._rate + PATIENCE_S
        while len(self._answers) < self._total:
            now_s = time.perf_counter()
            due = min(int((now_s - begin_s) * self._rate) + 1, self._total)
            if sent < due:
                self._send(sent, due, begin_s)
                sent = due
            for fd, _ in self._epoll.poll(0):
                self._receive(self._places[fd], begin_s)
            if now_s > end_s:
                raise RuntimeError(f"{self._total - len(self._answers)} requests were never answered")
        self._epoll.close()
        seconds = time.perf_counter() - begin_s
        return Latencies(sorted(self._answers), sorted(self._sends), seconds)

    def _send(self, first: int, behind: int, begin_s: float) -> None:
        for place in range(min(LINES, behind - first)):
            number = first + place
            wires = [next(self._requests) for _ in range(number, behind, LINES)]
            self._sockets[number % LINES].sendall(b"".join(wires))
        now_s = time.perf_counter() - begin_s
        self._sends.extend((now_s - number / self._rate) * 1000 for number in range(first, behind))

    def _receive(self, place: int, begin_s: float) -> None:
        reader = self._readers[place]
        data = self._sockets[place].recv(READ_BYTES)
        if not data:
            raise ConnectionResetError("the server closed a connection")
        now_s = time.perf_counter() - begin_s
        reader.feed(data)
        while (reply := reader.gets()) is not False:
            if isinstance(reply, hiredis.ReplyError):
                raise reply
            number = self._answered[place] * LINES + place
            self._answered[place] += 1
            self._answers.append((now_s - number / self._rate) * 1000)
