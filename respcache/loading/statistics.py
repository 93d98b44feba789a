"""What one loader has done so far."""

import msgspec


class Statistics(msgspec.Struct):
    """Counts since the start."""

    calls: int = 0
    """Of ``bulk_load``."""
    loaded: int = 0
    """Keys that got a value."""
    refreshed: int = 0
    """Keys whose value was replaced, or found to be still right."""
    absent: int = 0
    """Keys that have no value where they were looked for."""
    disappeared: int = 0
    """Keys that had one, and have none any more."""
    failed: int = 0
    """Keys that were given up."""
    retried: int = 0
    """Keys that were tried again."""
    timed_out: int = 0
    """Keys that were waited for in vain."""
    refused: int = 0
    """Keys that were not tried, because the loader is failing, paused or full."""
    late: int = 0
    """Keys whose value came when nobody waited any more."""
    outdated: int = 0
    """Values that were thrown away, because the key had been written in the meantime."""
    blocked: int = 0
    """Commands that had to wait."""
    overdue: int = 0
    """Calls that took longer than their time."""
    abandoned: int = 0
    """Calls that were given up."""
