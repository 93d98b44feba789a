"""Writes log lines from a thread of its own, so that a full pipe or a stopped terminal holds up nothing else.

The queue before it is bounded; what does not fit is dropped, counted, and told of
in the log once it moves again. Writing goes to file descriptors directly: a thread
that is stuck in one of Python's own streams makes the interpreter abort when it exits.
"""

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

QUEUE_LINES: Final = 10_000
"""Some 2 MB of lines: a burst fits, and a reader that is gone for good costs no more than that."""

PATIENCE_S: Final = 2.0
"""How long the last lines may take at the end: a blocked reader must not keep the process alive."""


WAKE_UP: Final = ""
"""In the queue, a line that is none."""


class Target(Protocol):
    """Where lines go. Raises OSError when it cannot take them."""

    def write(self, data: bytes) -> None: ...


class Descriptor:
    """An open file descriptor, such as standard error's."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._number, rest) :]


class LogFile:
    """A file that is opened anew when somebody has moved it away: log rotation needs no signal."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._number = self._open()

    def write(self, data: bytes) -> None:
        if not self._is_current():
            self.close()
            self._number = self._open()
        Descriptor(self._number).write(data)

    def close(self) -> None:
        # Closed already, by a reopening that failed: there is nothing left to do.
        with contextlib.suppress(OSError):
            os.close(self._number)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _is_current(self) -> bool:
        try:
            there, here = self._path.stat(), os.fstat(self._number)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


class LogWriter:
    """``tell_dropped`` makes the line that says how many were lost."""

    def __init__(
        self, target: Target, tell_dropped: Callable[[int], str], *, queue_lines: int = QUEUE_LINES
    ) -> None:
        self._target = target
        self._tell_dropped = tell_dropped
        self._queue: queue.Queue[str] = queue.Queue(queue_lines)
        self._stopping = threading.Event()
        self._untold = 0
        self.dropped = 0
        """Lines lost since the start."""
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def write_nowait(self, text: str) -> None:
        """Hand over some text with its line ends; never waits."""
        try:
            self._queue.put_nowait(text)
        except queue.Full:
            self._drop(1)

    def stop(self, patience_s: float = PATIENCE_S) -> None:
        """Let the last lines out, as far as they get in the given time."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):  # full: then the thread has no need to be woken
            self._queue.put_nowait(WAKE_UP)
        self._thread.join(patience_s)

    def _drop(self, count: int) -> None:
        # Two threads may add here at once, and a count may be lost: it is a hint, not a sum.
        self.dropped += count
        self._untold += count

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._queue.empty()):
            text = self._queue.get()
            untold, self._untold = self._untold, 0
            notice = self._tell_dropped(untold) if untold else ""
            try:
                self._target.write((text + notice).encode("utf-8", "backslashreplace"))
            except OSError:
                # The disk is full or the reader is gone; there is no place left to say so but the count.
                self._untold += untold
                self._drop(text != WAKE_UP)
