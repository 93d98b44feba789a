"""Starts respcache for tests: forked from a process that has imported it, or as users start it.

To start an interpreter and to import a server is a fifth of a second of a processor, which the tests would pay some hundred
times; a fork is a few milliseconds. What is forked runs ``respcache/__main__.py`` like any other, can be killed and stopped by
its number, and is an ordinary process to everybody but its parent. ``tests/fork_server.py`` says in what it differs.

A cold start, an interpreter of its own, is for whatever is about starting, and for what only an import can find or decide:
where ``is_cold`` is asked for, where the environment differs in more than settings of respcache's, in thorough runs, and
where the system cannot fork or hand over files.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Protocol

from tests.fork_server import Request, send_request
from tests.thoroughness import IS_THOROUGH

REPOSITORY: Final = Path(__file__).parent.parent
CAN_FORK: Final = hasattr(os, "fork") and hasattr(socket, "send_fds")

START_S: Final = 30.0
"""Until the number of a forked process is known. The first one waits for imports, on a machine that may be busy."""

ENDING: Final = frozenset({signal.SIGTERM, signal.SIGINT})
"""What tells a server to end."""

LOOK_S: Final = 1.0
"""So long one look at the news takes; another thread may have read them meanwhile."""

IMPORT_SETTINGS: Final = frozenset({"RESPCACHE_PURE"})
"""Variables of respcache's own that decide what is imported."""


class Process(Protocol):
    """What tests ask of a process that they have started: what ``subprocess.Popen`` has, and whether it was told to end."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    @property
    def was_told_to_end(self) -> bool: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class ForkServerError(AssertionError):
    """The process that forks has ended, and nobody knows any more what became of those that it forked."""


class ColdProcess(subprocess.Popen[bytes]):
    """A process that started as users start it."""

    was_told_to_end = False

    def send_signal(self, sig: int) -> None:
        self.was_told_to_end |= sig in ENDING
        super().send_signal(sig)


class ForkedProcess:
    """A forked respcache. Its end is told on a pipe by its parent."""

    was_told_to_end = False

    def __init__(self, news: IO[bytes], words: Sequence[str]) -> None:
        self.returncode: int | None = None
        self._words = list(words)
        self._news = news
        self._file = news.fileno()
        self._lock = threading.Lock()
        if not _has_come(self._file, START_S):
            news.close()
            raise ForkServerError("the fork server forks nothing")
        self.pid = self._next_number()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        self._look(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code as soon as there is one; raise subprocess.TimeoutExpired if that takes too long."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = LOOK_S if deadline is None else deadline - time.monotonic()
            self._look(min(max(left, 0.0), LOOK_S))
            if left <= 0 and self.poll() is None:
                raise subprocess.TimeoutExpired(self._words, timeout or 0)
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""
        self.was_told_to_end |= sig in ENDING
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float) -> None:
        if self.returncode is None and (self._news.closed or _has_come(self._file, seconds)):
            with self._lock:
                if self.returncode is None:  # else another thread has read it
                    self.returncode = self._next_number()
                    self._news.close()

    def _next_number(self) -> int:
        # Either line is written in one piece, and they may have come together: this takes only one.
        line = b""
        while not line.endswith(b"\n"):
            byte = b"" if self._news.closed else self._news.read(1)
            if not byte:
                self._news.close()
                raise ForkServerError(f"the fork server has ended, before respcache {self._words}")
            line += byte
        return int(line)


def _has_come(file: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Forks:
    """The fork server of this worker, and its clients' side."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())]
            self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                cwd=REPOSITORY,
                env=ENVIRONMENT,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._requests = ours
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        return self._server.pid

    def fork(
        self, words: Sequence[str], *, directory: Path, output: int, environment: Mapping[str, str]
    ) -> ForkedProcess:
        """Fork a process that runs respcache with these words; its output goes to a file."""
        ours, theirs = os.pipe()
        news = open(ours, "rb", buffering=0)  # noqa: SIM115 - the process closes it at its end
        try:
            with self._lock:
                request = Request(list(words), str(directory), dict(environment), output, theirs)
                send_request(self._requests, request)
        except OSError as error:
            news.close()
            raise ForkServerError(f"the fork server has ended with {self._server.poll()}") from error
        finally:
            os.close(theirs)
        return ForkedProcess(news, words)

    def end(self) -> None:
        """End the fork server, which kills what it has forked and still runs."""
        self._requests.close()
        try:
            self._server.wait(START_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
            raise ForkServerError("the fork server does not end") from None


def start_respcache(
    words: Sequence[str],
    *,
    directory: Path,
    output: IO[bytes],
    environment: Mapping[str, str],
    is_cold: bool = False,
) -> Process:
    """Start ``python -m respcache`` with these words in a folder; it reads nothing, and writes to the file."""
    if CAN_FORK and not is_cold and not IS_THOROUGH and imports_the_same(environment):
        forks = _of_this_worker()
        return forks.fork(words, directory=directory, output=output.fileno(), environment=environment)
    return ColdProcess(
        [sys.executable, "-m", "respcache", *words],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=directory,  # so that whatever it writes stays out of the tree
        env=environment,
    )


def server_environment() -> dict[str, str]:
    """Let a server find a tree that is not installed, but no settings: neither the desk's nor the tests' own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RESPCACHE_")}
    search_path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    return {**inherited, "PYTHONPATH": search_path}


ENVIRONMENT: Final = server_environment()
"""The fork server's: as it is before any test has changed it."""


def imports_the_same(environment: Mapping[str, str]) -> bool:
    """Say whether a process with this environment would import what the fork server has imported, and in the same way."""
    names = ENVIRONMENT.keys() | environment.keys()
    return all(ENVIRONMENT.get(name) == environment.get(name) for name in names if _is_for_imports(name))


_running: list[Forks] = []
_starting: Final = threading.Lock()


def _of_this_worker() -> Forks:
    with _starting:
        if not _running:
            _running.append(Forks())
        return _running[0]


def end_forks() -> None:
    """End this worker's fork server, if there is one."""
    while _running:
        _running.pop().end()


def _is_for_imports(name: str) -> bool:
    """Say whether a variable may matter before a server reads its settings; of those that we do not know, we say so."""
    is_setting = name.startswith("RESPCACHE_") and name not in IMPORT_SETTINGS
    return not (is_setting or name.startswith("PYTEST_") or name.upper() == "NO_PROXY")
