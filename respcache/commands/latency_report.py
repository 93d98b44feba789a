"""What LATENCY GRAPH and LATENCY DOCTOR tell people, from the spikes that the monitor kept."""

from collections.abc import Sequence
from math import fsum
from typing import Final

from ..telemetry.latency import LatencyMonitor, Sample

BAR_COLUMNS: Final = 50

ADVICE: Final = {
    "command": "A slow command holds up every client. SLOWLOG GET shows which they were; look for whole hashes, long"
    " ranges and KEYS, and use HSCAN, SCAN or smaller values instead.",
    "fast-command": "Even commands that are always quick were late: the machine is busy, swaps, or stops the process.",
    "expire-cycle": "Many keys expired at once. Add some chance to their time to live.",
    "eviction-cycle": "Making room took long. Leave more room below maxmemory, or write smaller values.",
    "loop-lag": "The server's loop came late to its work. Look for slow commands and for a machine that is too busy.",
}
"""What may help, by event."""


def graph(event: str, samples: Sequence[Sample], worst_ms: int, now_s: int) -> str:
    """Draw a bar per spike, oldest first; the longest fills the line."""
    highest = max(sample.latency_ms for sample in samples)
    lowest = min(sample.latency_ms for sample in samples)
    ages = [_age(now_s - sample.unix_time_s) for sample in samples]
    width = max(map(len, ages))
    lines = [f"{event} - high {highest} ms, low {lowest} ms (all time high {worst_ms} ms)"]
    for sample, age in zip(samples, ages, strict=True):
        bar = "#" * max(1, round(sample.latency_ms / highest * BAR_COLUMNS))
        lines.append(f"{age:>{width}} ago  {bar:<{BAR_COLUMNS}}  {sample.latency_ms} ms")
    return "".join(f"{line}\n" for line in lines)


def report(monitor: LatencyMonitor) -> str:
    """Tell which events were slow, and what may help."""
    if not monitor.threshold_ms:
        return (
            "Latency is not watched: latency-monitor-threshold is 0.\n"
            "CONFIG SET latency-monitor-threshold <milliseconds> begins to watch.\n"
        )
    spikes = monitor.latest()
    if not spikes:
        return f"Nothing has taken {monitor.threshold_ms} ms or longer. There is nothing to mend.\n"
    lines = [f"These took {monitor.threshold_ms} ms or longer:", ""]
    for number, spike in enumerate(spikes, 1):
        samples = monitor.history(spike.event)
        lines.append(f"{number}. {spike.event}: {_in_words(samples)}; the worst ever {spike.worst_ms} ms.")
    advice = [ADVICE[spike.event] for spike in spikes if spike.event in ADVICE]
    if advice:
        lines += ["", "What may help:", "", *(f"- {sentence}" for sentence in advice)]
    return "".join(f"{line}\n" for line in lines)


def _in_words(samples: Sequence[Sample]) -> str:
    latencies_ms = [sample.latency_ms for sample in samples]
    mean_ms = _mean(latencies_ms)
    deviation_ms = _mean([abs(latency_ms - mean_ms) for latency_ms in latencies_ms])
    count = "1 spike" if len(samples) == 1 else f"{len(samples)} spikes"
    text = f"{count}, {mean_ms:.0f} ms on average, give or take {deviation_ms:.0f} ms"
    if len(samples) > 1:
        period_s = (samples[-1].unix_time_s - samples[0].unix_time_s) / (len(samples) - 1)
        text += f", one every {period_s:.1f} s"
    return text


def _mean(numbers: Sequence[float]) -> float:
    """Return what ``statistics.fmean`` would: importing it costs each start 2 ms."""
    return fsum(numbers) / len(numbers)


def _age(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"
