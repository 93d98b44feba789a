"""client-output-buffer-limit: how much output may wait for a client that does not read."""

import msgspec


class OutputLimit(msgspec.Struct, frozen=True):
    """Limits of one class of clients; 0 is no limit."""

    hard_bytes: int = 0
    soft_bytes: int = 0
    soft_seconds: int = 0


def is_over_limit(limit: OutputLimit, waiting_bytes: int, over_soft_for_ms: int) -> bool:
    """Say whether a client with this much unsent output, above the soft limit for so long, is let go."""
    if limit.hard_bytes and waiting_bytes > limit.hard_bytes:
        return True
    return is_over_soft(limit, waiting_bytes) and over_soft_for_ms >= limit.soft_seconds * 1000


def is_over_soft(limit: OutputLimit, waiting_bytes: int) -> bool:
    return bool(limit.soft_bytes) and waiting_bytes > limit.soft_bytes
