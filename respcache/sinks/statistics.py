"""What INFO tells of each sink."""

import msgspec


class SinkStatistics(msgspec.Struct, frozen=True):
    """Counts of events since the start, and how many wait now.

    Every event that a sink was given is in exactly one of the four, except those of the batch under way.
    """

    delivered: int
    dropped: int
    """Forgotten because the sink could not keep up, or because time was up at shutdown."""
    failed: int
    """Given up because the sink raised an error; some of them may have got through nevertheless."""
    queued: int
