"""Runs workers and keeps them running: starts again those that die, passes signals on, stops all together.

A worker that dies before it was ever ready ends everything: its settings or its ports are wrong, and it has
said so. One that dies later is started again after a pause that grows. One that ends with 0 was told to, by
SHUTDOWN or CLUSTER LEAVE, and the others follow. What a worker is, this does not know: it starts commands.
"""

import logging
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..backoff import Backoff
from .worker_lifeline import VARIABLE, Watched

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 15.0
"""A worker that dies as often as it starts must not take the cores of those that live."""

STEADY_S: Final = 30.0
"""A worker that was ready for so long has had another accident, not the same one again."""

FAILED_STARTS: Final = 5
"""So many in a row, and no worker left that is ready: nobody would be served any more, so say so by ending."""

AGAIN_S: Final = 1.0
"""Service managers signal us and our group, or twice for good measure; a person needs longer to lose patience."""

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    stop_s: float
    """For a worker to stop in good order, before it is killed."""
    again_s: float = AGAIN_S
    """A second signal that comes sooner is the first one once more."""
    steady_s: float = STEADY_S
    """Ready for this long, a worker is well again: its next pause is a short one."""


class Worker:
    """One place in the group, and the process that has it now, if any."""

    def __init__(self, number: int, command: Sequence[str], backoff: Backoff) -> None:
        self.number = number
        self.command = command
        self.backoff = backoff
        self.process: subprocess.Popen[bytes] | None = None
        self.lifeline: Watched | None = None
        self.ready_at_s: float | None = None
        """When the present process was ready."""
        self.was_ready = False
        self.failed_starts = 0
        self.restarts = 0
        self.start_at_s: float | None = None
        """When to start again, while there is no process."""

    @property
    def is_ready(self) -> bool:
        return self.process is not None and self.ready_at_s is not None

    def send(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)  # does nothing for one that is reaped


class Supervisor:
    """Use it once: ``run`` returns the exit code."""

    def __init__(
        self,
        workers: Sequence[Worker],
        environ: Mapping[str, str],
        directory: Path,
        patience: Patience,
        on_ready: Callable[[], None],
    ) -> None:
        self._workers = workers
        self._environ = environ
        self._directory = directory
        self._patience = patience
        self._on_ready = on_ready
        self._selector = selectors.DefaultSelector()
        self._is_announced = False
        self._is_stopping = False
        self._stopped_at_s = 0.0
        self._kill_at_s: float | None = None
        self._exit_code = 0

    def run(self) -> int:
        with _signals() as woken, self._selector:
            self._selector.register(woken, selectors.EVENT_READ, lambda: self._take_signals(woken))
            for worker in self._workers:
                if not self._is_stopping:
                    self._start(worker)
            while self._is_anything_left():
                for key, _ in self._selector.select(self._rest_s()):
                    key.data()
                self._do_what_is_due(time.monotonic())
        return self._exit_code

    # -- starting ----------------------------------------------------------------

    def _start(self, worker: Worker) -> None:
        worker.start_at_s = worker.ready_at_s = None
        lifeline = Watched()
        try:
            worker.process = subprocess.Popen(
                worker.command,
                stdin=subprocess.DEVNULL,
                cwd=self._directory,
                env={**self._environ, VARIABLE: f"{worker.number}:{lifeline.descriptor}"},
                pass_fds=(lifeline.descriptor,),
                process_group=0,  # Ctrl-C is for us; we tell the workers, once
            )
        except OSError as error:
            lifeline.close()
            log.error("worker %d cannot be started: %s", worker.number, error.strerror)
            self._follow_death(worker, 1)
            return
        lifeline.hand_over()
        worker.lifeline = lifeline
        self._selector.register(lifeline.end, selectors.EVENT_READ, lambda: self._read_lifeline(worker))

    def _read_lifeline(self, worker: Worker) -> None:
        if worker.lifeline is not None and not worker.lifeline.read(lambda: self._note_ready(worker)):
            self._drop_lifeline(worker)  # its death is told by a signal

    def _note_ready(self, worker: Worker) -> None:
        worker.ready_at_s = time.monotonic()
        worker.was_ready = True
        worker.failed_starts = 0
        if not self._is_announced and all(one.is_ready for one in self._workers):
            self._is_announced = True
            self._on_ready()

    # -- dying -------------------------------------------------------------------

    def _reap(self) -> None:
        for worker in self._workers:
            code = None if worker.process is None else worker.process.poll()
            if code is None:
                continue
            worker.process = None
            if worker.lifeline is not None:
                self._read_lifeline(worker)  # its last word may be that it was ready
            self._drop_lifeline(worker)
            self._follow_death(worker, code)

    def _follow_death(self, worker: Worker, code: int) -> None:
        if self._is_stopping:
            if code not in (0, -signal.SIGTERM):  # stopped before it listened to signals: that is no failure
                self._exit_code = self._exit_code or _exit_code(code)
        elif code == 0:
            log.info("worker %d was told to stop: stopping all", worker.number)
            self._stop()
        elif not worker.was_ready or self._is_hopeless(worker):
            log.critical("worker %d could not start (%s): stopping", worker.number, _told(code))
            self._exit_code = _exit_code(code)
            self._stop()
        else:
            self._plan_restart(worker, code)

    def _is_hopeless(self, worker: Worker) -> bool:
        """Count a death before readiness, and see whether anybody is left who serves."""
        if worker.ready_at_s is not None:
            return False
        worker.failed_starts += 1
        return worker.failed_starts >= FAILED_STARTS and not any(one.is_ready for one in self._workers)

    def _plan_restart(self, worker: Worker, code: int) -> None:
        now_s = time.monotonic()
        if worker.ready_at_s is not None and now_s - worker.ready_at_s >= self._patience.steady_s:
            worker.backoff.reset()
        pause_s = worker.backoff.next_pause_s()
        worker.start_at_s = now_s + pause_s
        worker.restarts += 1
        log.error(
            "worker %d died (%s): starting it again in %.1f s",
            worker.number,
            _told(code),
            pause_s,
            extra={"restarts": worker.restarts},
        )

    def _drop_lifeline(self, worker: Worker) -> None:
        if worker.lifeline is not None:
            self._selector.unregister(worker.lifeline.end)
            worker.lifeline.close()
            worker.lifeline = None

    # -- stopping ----------------------------------------------------------------

    def _stop(self) -> None:
        self._is_stopping = True
        self._stopped_at_s = time.monotonic()
        self._kill_at_s = self._stopped_at_s + self._patience.stop_s
        for worker in self._workers:
            worker.start_at_s = None
            worker.send(signal.SIGTERM)

    def _kill(self) -> None:
        self._kill_at_s = None
        for worker in self._workers:
            worker.send(signal.SIGKILL)

    def _take_signals(self, woken: socket.socket) -> None:
        for number in woken.recv(4096):
            if number == signal.SIGHUP:
                self._reload()
            elif number in (signal.SIGTERM, signal.SIGINT):
                self._end(signal.Signals(number).name)
        self._reap()  # SIGCHLD

    def _end(self, name: str) -> None:
        if self._is_stopping:
            if time.monotonic() - self._stopped_at_s < self._patience.again_s:
                return
            log.warning("%s again: killing the workers", name)
            self._kill()
        else:
            log.info("%s: stopping the workers", name)
            self._stop()

    def _reload(self) -> None:
        """Pass SIGHUP on; who is still starting reads fresh settings anyway, and would die of it."""
        for worker in self._workers:
            if worker.is_ready:
                worker.send(signal.SIGHUP)

    # -- time --------------------------------------------------------------------

    def _is_anything_left(self) -> bool:
        return any(one.process is not None or one.start_at_s is not None for one in self._workers)

    def _rest_s(self) -> float | None:
        times_s = [one.start_at_s for one in self._workers if one.start_at_s is not None]
        if self._kill_at_s is not None:
            times_s.append(self._kill_at_s)
        return max(0.0, min(times_s) - time.monotonic()) if times_s else None

    def _do_what_is_due(self, now_s: float) -> None:
        for worker in self._workers:
            if worker.start_at_s is not None and worker.start_at_s <= now_s:
                self._start(worker)
        if self._kill_at_s is not None and self._kill_at_s <= now_s:
            log.error("workers did not stop within %.0f s: killing them", self._patience.stop_s)
            self._kill()


def _told(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def _exit_code(code: int) -> int:
    """Return an exit code of our own for a worker's, which is negative if a signal killed it."""
    return code if code > 0 else 1


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yield a socket from which the numbers of arriving signals can be read."""
    woken, waker = socket.socketpair()
    with woken, waker:
        waker.setblocking(False)
        old_handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        old_descriptor = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(old_descriptor)
            for number, handler in old_handlers.items():
                signal.signal(number, handler)
