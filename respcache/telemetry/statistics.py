"""Server-wide counters behind INFO stats and errorstats, and rates sampled from them.

The counters are plain attributes that the rest of the server adds to: ``statistics.keyspace_hits += 1``.
Nothing here knows the time; whoever ticks every 100 ms hands it in.
"""

from typing import Final

from .._speedups import StatisticsState

MOST_ERROR_CODES: Final = 128
"""As in Redis 7.4: scripts and proxies can make up codes, and each would cost memory for ever."""

LONGEST_ERROR_CODE: Final = 31
"""Redis looks for the code's end within the first 32 bytes of the reply, the minus sign among them."""

SAMPLES: Final = 16
"""Redis' number of samples that an instantaneous rate is the mean of."""

SAMPLE_PERIOD_MS: Final = 100
"""How often a rate should be sampled: sixteen times this is the window that INFO shows."""


class Statistics(StatisticsState):
    """Plain integers, one per line of INFO stats; ``reset`` is CONFIG RESETSTAT."""

    __slots__ = (
        "errors",
        "evicted_clients",
        "evicted_keys",
        "expired_keys",
        "input_bytes_per_second",
        "operations_per_second",
        "output_bytes_per_second",
        "rejected_connections",
        "total_connections_received",
        "total_reads_processed",
        "total_writes_processed",
        "unexpected_error_replies",
    )

    def __init__(self) -> None:
        self.errors = ErrorStatistics()
        self.operations_per_second = Rate()
        self.input_bytes_per_second = Rate()
        self.output_bytes_per_second = Rate()
        self.reset()

    def reset(self) -> None:
        """Start counting anew."""
        self.total_connections_received = 0
        self.rejected_connections = 0
        self.total_commands_processed = 0
        self.total_reads_processed = 0
        self.total_writes_processed = 0
        self.total_net_input_bytes = 0
        self.total_net_output_bytes = 0
        self.keyspace_hits = 0
        self.keyspace_misses = 0
        self.expired_keys = 0
        self.evicted_keys = 0
        self.evicted_clients = 0
        self.unexpected_error_replies = 0
        self.errors.reset()
        self.operations_per_second.reset()
        self.input_bytes_per_second.reset()
        self.output_bytes_per_second.reset()

    def sample(self, now_ms: int) -> None:
        """Take one sample of every rate; call it each ``SAMPLE_PERIOD_MS`` with any clock that never goes back."""
        self.operations_per_second.sample(self.total_commands_processed, now_ms)
        self.input_bytes_per_second.sample(self.total_net_input_bytes, now_ms)
        self.output_bytes_per_second.sample(self.total_net_output_bytes, now_ms)


class ErrorStatistics:
    """Error replies in all and by code (``ERR``, ``WRONGTYPE``), for INFO errorstats.

    Beyond 128 codes Redis drops them all and says so in a code of its own; so
    do we, until the next reset.
    """

    __slots__ = ("_by_code", "_is_full", "total")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.total = 0
        self._by_code: dict[str, int] = {}
        self._is_full = False

    def record(self, message: str) -> None:
        """Count an error reply; ``message`` is its text without the minus sign."""
        self.total += 1
        if self._is_full:
            return
        code = error_code(message)
        if code not in self._by_code and len(self._by_code) >= MOST_ERROR_CODES:
            self._is_full = True
            self._by_code = {"ERRORSTATS_DISABLED": 1}
        else:
            self._by_code[code] = self._by_code.get(code, 0) + 1

    def by_code(self) -> dict[str, int]:
        """Return the counts, in the order of the codes, as INFO shows them."""
        return dict(sorted(self._by_code.items()))

    def lines(self) -> list[str]:
        """Return the lines of INFO errorstats, without line ends."""
        return [f"errorstat_{code}:count={count}" for code, count in self.by_code().items()]


def error_code(message: str) -> str:
    """Return the first word of an error, or ERR if it has no first word of reasonable length."""
    code, space, _ = message[:LONGEST_ERROR_CODE].partition(" ")
    return code if space and code else "ERR"


class Rate:
    """How fast a counter grows per second: the mean of its last 16 samples, the empty ones too."""

    __slots__ = ("_last_count", "_last_ms", "_next", "_samples")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._samples = [0.0] * SAMPLES
        self._next = 0
        self._last_count = 0
        self._last_ms: int | None = None

    def sample(self, count: int, now_ms: int) -> None:
        """Note where the counter stands; the first sample after a reset only marks the beginning."""
        if self._last_ms is not None and now_ms > self._last_ms:
            self._samples[self._next] = (count - self._last_count) * 1000 / (now_ms - self._last_ms)
            self._next = (self._next + 1) % SAMPLES
        self._last_count = count
        self._last_ms = now_ms

    def per_second(self) -> float:
        return sum(self._samples) / SAMPLES

    def kilobytes_per_second(self) -> float:
        """Return the rate of a byte counter in Redis' kbps, which are units of 1024 bytes."""
        return self.per_second() / 1024
