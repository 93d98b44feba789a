"""client-output-buffer-limit: how much output may wait for a client that does not read."""

from typing import Protocol

import msgspec


class OutputLimit(msgspec.Struct, frozen=True):
    """Limits of one class of clients; 0 is no limit."""

    hard_bytes: int = 0
    soft_bytes: int = 0
    soft_seconds: int = 0


class Output(Protocol):
    """Whose output is limited."""

    over_soft_limit_since_ms: int | None

    @property
    def output_bytes(self) -> int: ...


def is_to_go(output: Output, limit: OutputLimit, now_ms: int) -> bool:
    """Say whether a client must be let go for what it has not read, and keep account of how long it has been too much."""
    waiting_bytes = output.output_bytes
    if not is_over_soft(limit, waiting_bytes):
        output.over_soft_limit_since_ms = None
    elif output.over_soft_limit_since_ms is None:
        output.over_soft_limit_since_ms = now_ms
    since_ms = output.over_soft_limit_since_ms
    return is_over_limit(limit, waiting_bytes, 0 if since_ms is None else now_ms - since_ms)


def is_over_limit(limit: OutputLimit, waiting_bytes: int, over_soft_for_ms: int) -> bool:
    """Say whether a client with this much unsent output, above the soft limit for so long, is let go."""
    if limit.hard_bytes and waiting_bytes > limit.hard_bytes:
        return True
    return is_over_soft(limit, waiting_bytes) and over_soft_for_ms >= limit.soft_seconds * 1000


def is_over_soft(limit: OutputLimit, waiting_bytes: int) -> bool:
    return bool(limit.soft_bytes) and waiting_bytes > limit.soft_bytes
