"""What one loader has written so far."""

import msgspec


class WriteStatistics(msgspec.Struct):
    """Counts since the start, but for the first two."""

    pending: int = 0
    """Keys whose last change waits to be written, or is being written."""
    oldest_pending_ms: int = 0
    """How long the first of them has waited."""
    calls: int = 0
    """Of the loader's methods that write."""
    written: int = 0
    """Changes that are in the database."""
    coalesced: int = 0
    """Changes that were never written, because the key changed again before that."""
    retried: int = 0
    """Changes that were tried again."""
    failed: int = 0
    """Commands that were answered WRITEFAILED."""
    timed_out: int = 0
    """Commands that were answered WRITETIMEOUT."""
    refused: int = 0
    """Of those that failed, the ones that were not tried, because the loader was failing or paused."""
    overflowed: int = 0
    """Changes that had to be written first, because too many waited."""
    abandoned: int = 0
    """Calls that were given up."""
    lost: int = 0
    """Changes that were not written before the end."""
