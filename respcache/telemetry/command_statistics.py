"""What is counted per command, and the lines of INFO commandstats and latencystats made from it.

The session adds to the slots itself, in its hot loop; whoever holds the
records says what each command is called (``client|list`` for a subcommand) and
in which order they are shown.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from .._speedups import CommandRecord
from .histogram import percentile_microseconds

DEFAULT_PERCENTILES: Final = (50.0, 99.0, 99.9)
"""Redis' default of latency-tracking-info-percentiles."""


class CommandStatistics(CommandRecord):
    """Calls of one command since the start or the last reset.

    ``rejected_calls`` did not run (wrong arity, no permission, no memory);
    ``failed_calls`` ran and answered an error. Redis counts only the latter in ``calls``.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self._reset_sums()  # and the histogram is new: there are hundreds of these at a start, with 64 counts each

    def reset(self) -> None:
        """Forget everything. ``counts`` stays the same object: the hot loop may hold it."""
        self._reset_sums()
        for slot in range(len(self.counts)):
            self.counts[slot] = 0

    def _reset_sums(self) -> None:
        self.calls = self.nanoseconds = self.rejected_calls = self.failed_calls = 0

    def is_used(self) -> bool:
        """Say whether there is anything to show."""
        return bool(self.calls or self.rejected_calls or self.failed_calls)


def commandstats_lines(records: Iterable[tuple[str, CommandStatistics]]) -> Iterator[str]:
    """Yield the lines of INFO commandstats, without line ends, for the commands that were used."""
    for name, record in records:
        if record.is_used():
            microseconds = record.nanoseconds // 1000
            per_call = f"{microseconds / record.calls:.2f}" if record.calls else "0.00"
            yield (
                f"cmdstat_{name}:calls={record.calls},usec={microseconds},usec_per_call={per_call},"
                f"rejected_calls={record.rejected_calls},failed_calls={record.failed_calls}"
            )


def latencystats_lines(
    records: Iterable[tuple[str, CommandStatistics]], percentiles: Sequence[float] = DEFAULT_PERCENTILES
) -> Iterator[str]:
    """Yield the lines of INFO latencystats, without line ends, for the commands that ran."""
    for name, record in records:
        if any(record.counts):
            shown = ",".join(
                f"p{p:.10g}={percentile_microseconds(record.counts, p):.3f}" for p in percentiles
            )
            yield f"latency_percentiles_usec_{name}:{shown}"
