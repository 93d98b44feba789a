"""The slow log: the last commands that took longer than a threshold, as SLOWLOG shows them.

Arguments are cut as Redis cuts them, so that a command with a megabyte in it
does not live on in its log entry. What must not be logged at all (passwords)
is for the caller to replace before.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec

MOST_ARGUMENTS: Final = 32
"""Of a longer command 31 arguments are kept, and the last place says how many are missing."""

MOST_ARGUMENT_BYTES: Final = 128
"""Of a longer argument this much is kept, followed by how much is missing."""


class SlowCommand(msgspec.Struct, frozen=True):
    """One entry, its fields in the order of SLOWLOG GET."""

    id: int
    unix_time_s: int
    duration_us: int
    argv: tuple[bytes, ...]
    client_address: bytes
    client_name: bytes


class SlowLog:
    """A bounded list of slow commands, newest first; ids go up for ever, over resets too.

    ``threshold_us`` 0 logs every command, a negative one none. Both settings
    may be changed at any time; a smaller ``most_entries`` takes effect with the next entry, as in Redis.
    """

    def __init__(self, threshold_us: int = 10_000, most_entries: int = 128) -> None:
        self.threshold_us = threshold_us
        self.most_entries = most_entries
        self._entries: deque[SlowCommand] = deque()
        self._next_id = 0

    def __len__(self) -> int:
        return len(self._entries)

    def is_slow(self, duration_us: int) -> bool:
        """Say whether a command of this duration belongs in the log."""
        return 0 <= self.threshold_us <= duration_us

    def record(
        self,
        argv: Sequence[bytes],
        duration_us: int,
        unix_time_s: int,
        client_address: bytes,
        client_name: bytes,
    ) -> bool:
        """Note a command if it was slow; say whether it was."""
        if not self.is_slow(duration_us):
            return False
        trimmed = trimmed_arguments(argv)
        self._entries.appendleft(
            SlowCommand(self._next_id, unix_time_s, duration_us, trimmed, client_address, client_name)
        )
        self._next_id += 1
        while len(self._entries) > self.most_entries:
            self._entries.pop()
        return True

    def get(self, count: int = 10) -> list[SlowCommand]:
        """Return the newest ``count`` entries, all of them for -1."""
        return list(self._entries if count < 0 else islice(self._entries, count))

    def reset(self) -> None:
        """Empty the log."""
        self._entries.clear()


def trimmed_arguments(argv: Sequence[bytes]) -> tuple[bytes, ...]:
    """Cut a command to at most 32 arguments of at most 128 bytes, saying what is missing as Redis says it."""
    if len(argv) <= MOST_ARGUMENTS:
        return tuple(_trimmed(argument) for argument in argv)
    kept = argv[: MOST_ARGUMENTS - 1]
    missing = len(argv) - len(kept)
    return (*(_trimmed(argument) for argument in kept), b"... (%d more arguments)" % missing)


def _trimmed(argument: bytes) -> bytes:
    missing = len(argument) - MOST_ARGUMENT_BYTES
    if missing <= 0:
        return bytes(argument)
    return argument[:MOST_ARGUMENT_BYTES] + b"... (%d more bytes)" % missing
