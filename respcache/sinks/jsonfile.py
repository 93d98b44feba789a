"""Appends events to a file, one JSON document per line.

The file is opened when the first event comes, and again after an error or
after ``reopen`` (the way of log rotation: rename the file, then tell the process).
A disk that is full or gone is no reason to stop: the batch is counted as failed, and
the supervisor tries again later. Such an accident, or a crash, may leave half a line
at the end of the file; the next line then begins on a line of its own.

Nothing is forced to disk (fsync): after a power cut the last seconds may be missing.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio

from respcache.events.encoding import to_json
from respcache.events.record import Event

from .descriptors import write_all

PRIVATE_MODE: Final = 0o600
"""Keys and values are nobody else's business, unless the file was there with other permissions."""


class JsonFileOutlet:
    """JSON lines. All work on the file is done in a thread, one at a time."""

    def __init__(self, path: Path, value_limit_bytes: int = 0) -> None:
        self._path = path
        self._value_limit_bytes = value_limit_bytes
        self._file_descriptor: int | None = None
        self._is_outdated = False
        self._one_thread = trio.CapacityLimiter(1)

    async def write(self, events: Sequence[Event]) -> None:
        await trio.to_thread.run_sync(self._append, events, limiter=self._one_thread, abandon_on_cancel=True)

    async def close(self) -> None:
        await trio.to_thread.run_sync(self._close, limiter=self._one_thread, abandon_on_cancel=True)

    def reopen(self) -> None:
        """Open the path anew before the next batch is written."""
        self._is_outdated = True

    def _append(self, events: Sequence[Event]) -> None:
        if self._is_outdated:
            self._is_outdated = False
            self._close()
        if self._file_descriptor is None:
            self._file_descriptor = self._open()
        lines = b"".join(to_json(event, self._value_limit_bytes) + b"\n" for event in events)
        try:
            write_all(self._file_descriptor, lines)
        except OSError:
            self._close()
            raise

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        file_descriptor = os.open(self._path, flags, PRIVATE_MODE)
        try:
            if ends_within_a_line(file_descriptor):
                write_all(file_descriptor, b"\n")
        except OSError:
            os.close(file_descriptor)
            raise
        return file_descriptor

    def _close(self) -> None:
        file_descriptor, self._file_descriptor = self._file_descriptor, None
        if file_descriptor is not None:
            os.close(file_descriptor)


def ends_within_a_line(file_descriptor: int) -> bool:
    """Say whether a regular file has a last line without an end."""
    state = os.fstat(file_descriptor)
    if not stat.S_ISREG(state.st_mode) or state.st_size == 0:
        return False
    return os.pread(file_descriptor, 1, state.st_size - 1) != b"\n"
