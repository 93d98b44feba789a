"""The socket between a supervisor and one of its workers: it tells readiness up, and death down.

When the supervisor is gone, however it went, the kernel closes its end, and the worker reads the end of the
stream: nothing that has to be polled, and nothing that only one system knows.
"""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Final

from .configuration import ConfigurationError

VARIABLE: Final = "RESPCACHE_LIFELINE"
"""``worker:descriptor``, for workers alone."""

READY: Final = b"r"

ORPHAN_PATIENCE_S: Final = 5.0
"""For each of two steps: a service manager that starts us again needs our ports."""


class Lifeline:
    """The worker's end."""

    def __init__(self, worker: int, end: socket.socket, patience_s: float = ORPHAN_PATIENCE_S) -> None:
        self.worker = worker
        self._end = end
        self._patience_s = patience_s

    def watch(self) -> None:
        """From now on, stop when the supervisor is gone; in a thread, so that a busy loop cannot miss it."""
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def tell_ready(self) -> None:
        with contextlib.suppress(OSError):  # the supervisor is gone: the thread sees it too
            self._end.send(READY)

    def mark_log(self) -> None:
        """Let every log record say which worker it is from, as all write into one log."""
        make_record = logging.getLogRecordFactory()

        def make_marked_record(*arguments: object, **options: object) -> logging.LogRecord:
            record = make_record(*arguments, **options)
            record.worker = self.worker
            return record

        logging.setLogRecordFactory(make_marked_record)

    def _watch(self) -> None:
        with contextlib.suppress(OSError):  # a reset is an end, too
            while self._end.recv(64):
                pass
        never = threading.Event()
        for _ in ("in good order", "at once"):
            os.kill(os.getpid(), signal.SIGTERM)
            never.wait(self._patience_s)
        os._exit(1)


def taken_lifeline(environ: Mapping[str, str]) -> Lifeline | None:
    """Return the lifeline of a worker, None in any other process."""
    text = environ.get(VARIABLE)
    if not text:
        return None
    worker, _, descriptor = text.partition(":")
    try:
        end = socket.socket(fileno=int(descriptor))
        end.set_inheritable(False)  # whatever a worker starts must not keep it open
        return Lifeline(int(worker), end)
    except (ValueError, OSError):
        raise ConfigurationError(f"environment variable {VARIABLE} is for workers alone: unset it") from None


class Watched:
    """The supervisor's end of one worker's lifeline."""

    def __init__(self) -> None:
        self.end, self._worker_end = socket.socketpair()

    @property
    def descriptor(self) -> int:
        """What the worker is to inherit."""
        return self._worker_end.fileno()

    def hand_over(self) -> None:
        """Keep only our end, once the worker has its own: or else we would keep the worker's open."""
        self._worker_end.close()

    def read(self, on_ready: Callable[[], None]) -> bool:
        """Take what has arrived; False at the end."""
        try:
            data = self.end.recv(64)
        except OSError:
            data = b""
        if data:
            on_ready()
        return bool(data)

    def close(self) -> None:
        self.end.close()
        self._worker_end.close()
