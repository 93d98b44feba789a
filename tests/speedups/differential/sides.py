"""One of the two servers that are compared: its process, the harness' own connection to it, and a trial's connections.

Nothing here waits for a reply of a trial: bytes go out as the socket takes them, and whatever has come is kept. Only the
harness' own connection is called and answers; a server that does not answer it for long has hung.
"""

import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.servers import REPOSITORY, START_SECONDS, STOP_SECONDS, free_port
from tests.speedups.differential.masks import CONTROL
from tests.wire import RawClient

RETIRED: Final = 1000
"""Lines that have been closed have numbers from here on."""
CONTROL_TIMEOUT_S: Final = 30.0
"""Until a server counts as hung; a sanitizer's build on a busy machine takes a second for what takes 20 ms else."""
READ_BYTES: Final = 1 << 18
SEND_BYTES: Final = 1 << 18

PROGRESS_SECTIONS: Final = ("stats", "owners")
PROGRESS_WORDS: Final = b'"stats" "owners"'
_FIGURE: Final = re.compile(rb"([a-z_]+):([0-9]+)\r\n")

TROUBLE: Final = (
    "Traceback",
    "internal error",
    "AddressSanitizer",
    "runtime error:",
    "Fatal Python error",
    "Exception ignored",
)
"""What no log may hold, whatever clients do."""


class ServerFailureError(Exception):
    """A server has died, hung, or written of an error of its own."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Which server to start: the interpreter, what is in its environment, and its flags beyond the harness' own."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    flags: Sequence[str] = ()
    changes: Sequence[Sequence[str]] = ()
    """Commands that every trial begins with on this server alone: how a difference is planted."""


PURE: Final = Kind("pure", {"RESPCACHE_PURE": "1"})
COMPILED: Final = Kind("compiled")


class Line:
    """A trial's connection to one server."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.received = bytearray()
        self.is_closed = False
        """By the server."""
        self.is_deaf = False
        self.was_reset = False
        """Whether what the server said last may be lost."""
        self.step_begin = 0
        """How much had been received before the step that is played."""
        self._unsent = b""

    def push(self, data: bytes) -> None:
        self._unsent += data
        self.move()

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent) and not self.is_closed

    def move(self) -> bool:
        """Send and read what can be without waiting; say whether anything was."""
        before = len(self._unsent), len(self.received), self.is_closed
        while self._unsent:
            try:
                sent = self.socket.send(self._unsent[:SEND_BYTES])
            except BlockingIOError:
                break
            except OSError:
                self._unsent = b""  # what it said before is still to be read
                break
            self._unsent = self._unsent[sent:]
        while not (self.is_closed or self.is_deaf):
            try:
                data = self.socket.recv(READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
                self.was_reset = True
            self.received += data
            self.is_closed = not data
        return before != (len(self._unsent), len(self.received), self.is_closed)

    def finish_sending(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server was quicker


class Side:
    """One server, and what a trial has with it."""

    def __init__(self, kind: Kind, directory: Path) -> None:
        self.kind = kind
        self.lines: dict[int, Line] = {}
        self._log_path = directory / f"{kind.name}-{time.monotonic_ns()}.log"
        self.port = free_port()
        self._process = self._start(directory)
        self._log_seen = 0
        self._changes_before = 0
        self._asked = 0
        self.control = self._first_client()

    def _start(self, directory: Path) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RESPCACHE_")}
        words = [self.kind.python, "-m", "respcache", "serve"]
        with self._log_path.open("wb") as output:
            return subprocess.Popen(
                [*words, "--port", str(self.port), "--enable-debug-command", "yes", *self.kind.flags],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                # The same seed for both: sets of keys are then walked in the same order.
                env={
                    **inherited,
                    "PYTHONPATH": str(REPOSITORY),
                    "PYTHONHASHSEED": "0",
                    **self.kind.environment,
                },
            )

    def _first_client(self) -> RawClient:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                # One connection, taken as soon as there is a listener: both servers count clients alike.
                client = RawClient(self.port, timeout_seconds=CONTROL_TIMEOUT_S)
                client.call("PING")
            except (OSError, EOFError):
                time.sleep(0.02)
            else:
                return client
        self._process.kill()
        raise ServerFailureError(f"the {self.kind.name} server did not start:\n{self.log()[-3000:]}")

    def call(self, *words: bytes | str) -> bytes:
        """Ask something on the harness' own connection."""
        self._asked += 1
        try:
            return self.control.call(*words)
        except (OSError, EOFError) as error:
            raise ServerFailureError(self._account_of(f"did not answer {words[0]!r} ({error!r})")) from None

    def pipeline(self, commands: list[list[bytes]]) -> list[bytes]:
        self._asked += len(commands)
        try:
            return self.control.pipeline(commands)
        except (OSError, EOFError) as error:
            raise ServerFailureError(self._account_of(f"did not answer a pipeline ({error!r})")) from None

    def turn(self) -> None:
        """Wait until the server has gone through its connections once more."""
        self.call("PING", CONTROL)

    def changes(self) -> int:
        """Return how often the keyspace has changed since ``note_changes``."""
        found = re.search(rb"rdb_changes_since_last_save:(-?\d+)", self.call("INFO", "persistence"))
        if found is None:
            raise ServerFailureError(f"the {self.kind.name} server does not tell how often keys have changed")
        return int(found[1]) - self._changes_before

    def note_changes(self) -> None:
        self._changes_before = 0
        self._changes_before = self.changes()

    def progress(self, connection: int) -> tuple[int, ...]:
        """Return figures that stay the same while nothing goes on: commands run for trials, bytes said on a connection.

        A monitor's bytes are left out: it is told of this very question. While owners are busy, no two answers are the same.
        """
        text = self.call("INFO", *PROGRESS_SECTIONS)
        figures = dict(_FIGURE.findall(text))
        if b"total_commands_processed" not in figures or b"owners_working" not in figures:
            raise ServerFailureError(self._account_of(f"answered INFO with {text[:1000]!r}"))
        run = int(figures[b"total_commands_processed"]) - self._asked
        is_busy = int(figures[b"owners_working"]) or int(figures[b"owners_longest_mailbox"])
        received = self.line(connection).received
        is_monitor = PROGRESS_WORDS in received[-200:]
        return run, 0 if is_monitor else len(received), time.monotonic_ns() if is_busy else 0

    def line(self, number: int) -> Line:
        if number not in self.lines:
            self.lines[number] = Line(self.port)
        return self.lines[number]

    def retire(self, number: int) -> None:
        """Put a closed line aside, to be compared at the end; the next one of this number is a new connection."""
        self.lines[RETIRED + len(self.lines)] = self.lines.pop(number)

    def move(self) -> bool:
        """Send and read on all lines; say whether anything moved."""
        moved = [line.move() for line in self.lines.values()]  # all of them, not until one has
        return any(moved)

    def leave(self) -> None:
        for line in self.lines.values():
            line.socket.close()
        self.lines.clear()

    def check(self) -> None:
        """Raise if the server has died, or has written of an error of its own since it was last asked."""
        if self._process.poll() is not None:
            raise ServerFailureError(self._account_of(f"ended with {self._process.returncode}"))
        news = self.log()[self._log_seen :]
        self._log_seen += len(news)
        if any(sign in news for sign in TROUBLE):
            raise ServerFailureError(f"the {self.kind.name} server wrote:\n{news[-6000:]}")

    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    def stop(self) -> None:
        """End the server; raise if it does not end as it should."""
        self.leave()
        self.control.close()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailureError(self._account_of("ignored SIGTERM")) from None
        if self._process.returncode:
            raise ServerFailureError(self._account_of(f"ended with {self._process.returncode}"))
        self.check_log_to_the_end()

    def check_log_to_the_end(self) -> None:
        if any(sign in self.log()[self._log_seen :] for sign in TROUBLE):
            raise ServerFailureError(self._account_of("wrote of an error at its end"))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _account_of(self, what: str) -> str:
        state = f"exit {self._process.poll()}"
        return f"the {self.kind.name} server {what}; {state}; it wrote:\n{self.log()[-6000:]}"


def wait_for_any(sides: Iterable[Side], seconds: float) -> None:
    """Wait until something can be read or sent, but not for long."""
    lines = [line for side in sides for line in side.lines.values() if not line.is_closed]
    select.select(
        [line.socket for line in lines if not line.is_deaf],
        [line.socket for line in lines if line.has_unsent],
        [],
        seconds,
    )
