"""The process from which respcache is forked for tests: it has imported what a server needs, and runs none of it.

``tests/forks.py`` starts one for each worker, and says what is forked and what starts as users start it. Nothing here runs a
thread or trio, so what is forked begins as a fresh interpreter does: with files, folder, environment, arguments and handlers
of signals of its own, and with chance of its own. It inherits the seed of hashes, so all that is forked from one process walks
sets in the same order, and modules that are imported already: a missing import or a circular one is found by a cold start only.

A request comes as one message on the socket that is named first on the command line, with two files: what the new process
writes to, and a pipe on which its number and its end are told. When the socket is closed, all that was forked is killed.
"""

import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Final

PRELOADED: Final = (
    "respcache.app.start",
    "respcache.app.serve",
    "respcache.app.logs",
    "respcache.app.open_files",
    "respcache.app.worker_lifeline",
    "respcache.app.clustering",
    "respcache.app.inheriting",
    "respcache.app.tls",
    "respcache.loading.assembly",
    "respcache.loading.report",
)
PRELOADED_PACKAGE: Final = "respcache.gateway"
"""Imported whole: a server with an HTTP port imports all of it, one part here and one there."""

LENGTH: Final = struct.Struct("!I")
HIGHEST_FILE: Final = 1 << 16
"""Files that a process inherits have lower numbers."""


@dataclass(frozen=True, slots=True)
class Request:
    """A process to be: what follows ``python -m respcache``, its folder, its environment, and its files."""

    words: list[str]
    directory: str
    environment: dict[str, str]
    output: int
    news: int


class ForkServer:
    """Forks, and tells of each process its number and how it ended."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._news: dict[int, int] = {}
        self._wakes, self._wake = os.pipe()

    def wait_forked(self) -> Request | None:
        """Fork whatever is asked for; return the request in each forked process, and None here once nobody asks any more."""
        os.set_blocking(self._wake, False)
        os.set_blocking(self._wakes, False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, whose end is ours
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._requests, select.POLLIN)
        poll.register(self._wakes, select.POLLIN)
        while True:
            for file, _ in poll.poll():
                if file == self._wakes:
                    self._reap()
                    continue
                request = receive_request(self._requests)
                if request is None:
                    self._kill_all()
                    return None
                if self._fork(request) == 0:
                    self._requests.detach()  # its number is closed below, and belongs to another file then
                    return request

    def _fork(self, request: Request) -> int:
        pid = os.fork()
        if pid:
            os.close(request.output)
            self._news[pid] = request.news
            _tell(request.news, f"{pid}\n")
        return pid

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wakes, 4096)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                news = self._news.pop(ended[0])
                _tell(news, f"{os.waitstatus_to_exitcode(ended[1])}\n")
                os.close(news)

    def _kill_all(self) -> None:
        for pid in self._news:
            os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
        for pid in self._news:
            os.waitpid(pid, 0)


def send_request(connection: socket.socket, request: Request) -> None:
    """Send a request with its files; what forks is on the other side."""
    facts = {
        "words": request.words,
        "directory": request.directory,
        "environment": request.environment,
    }
    text = json.dumps(facts).encode()
    message = LENGTH.pack(len(text)) + text
    sent = socket.send_fds(connection, [message], [request.output, request.news])
    connection.sendall(message[sent:])


def receive_request(connection: socket.socket) -> Request | None:
    """Receive a request, or None where nobody will send one any more."""
    head, files, _, _ = socket.recv_fds(connection, LENGTH.size, 2)
    if not head:
        return None
    head += _read_exactly(connection.fileno(), LENGTH.size - len(head))
    facts = json.loads(_read_exactly(connection.fileno(), LENGTH.unpack(head)[0]))
    output, news = files
    return Request(**facts, output=output, news=news)


def become(request: Request) -> None:
    """Let this forked process be as ``python -m respcache`` would begin with these words."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(request.output, 1)
    os.dup2(request.output, 2)
    os.closerange(3, HIGHEST_FILE)
    os.chdir(request.directory)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv = ["respcache", *request.words]
    sys.path[0] = request.directory
    _seed_trio()
    gc.enable()


def preload() -> None:
    """Import what servers need, and let nothing of it be looked at, or written to, by a search for garbage."""
    gc.disable()
    for name in PRELOADED:
        import_module(name)
    for module in pkgutil.iter_modules(import_module(PRELOADED_PACKAGE).__path__, f"{PRELOADED_PACKAGE}."):
        import_module(module.name)
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve the socket that the command line names; run respcache in what is forked."""
    preload()
    request = ForkServer(socket.socket(fileno=int(sys.argv[1]))).wait_forked()
    if request is not None:
        become(request)
        runpy.run_module("respcache", run_name="__main__", alter_sys=True)


def _seed_trio() -> None:
    # It draws the order of tasks that are ready, and was seeded when it was imported. ``random`` sees to itself after a fork.
    from trio._core import _run

    _run._r.seed()


def _tell(news: int, text: str) -> None:
    with suppress(BrokenPipeError):  # who started it does not want to know
        os.write(news, text.encode())


def _read_exactly(file: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(file, size - len(data))
        if not more:
            raise EOFError("the request ends in the middle")
        data += more
    return data


if __name__ == "__main__":
    main()
