"""Starts real server processes for tests: redis-server, and respcache itself, which ``tests/forks.py`` makes cheap.

Each server listens on a free loopback port, works in a directory of its own, writes what it prints to a file there, and
must end cleanly when told to. A server that does not start shows what it printed.
"""

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeAlias

import pytest

from tests.forks import ColdProcess, Process, server_environment, start_respcache
from tests.wire import RawClient

REPOSITORY = Path(__file__).parent.parent

# A cold start of an interpreter on a busy machine takes a second or two; ten times that means that it hangs.
START_SECONDS = 20.0
STOP_SECONDS = 10.0
# Another process may take the free port between our look and the server's bind.
START_ATTEMPTS = 3

LOWEST_PORT: Final = 12_000
HIGHEST_PORT: Final = 32_000
"""Below the range from which Linux takes the ports of outgoing connections: a node that starts again must find its own free."""

# Set to "redis" to try the tests themselves: redis-server stands in for respcache.
TARGET = os.environ.get("RESPCACHE_TEST_TARGET", "respcache")
TOOLS_ARE_REQUIRED = os.environ.get("RESPCACHE_REQUIRE_TOOLS") == "1"


Launch: TypeAlias = Callable[[int, IO[bytes]], Process]
"""Starts a process that is to listen on a port, and to write what it prints to a file."""


class ServerStartError(AssertionError):
    """The server ended, or stayed silent, before its first PONG."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    port: int
    process: Process
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def client(self, *, protocol: int = 2, timeout_seconds: float = 5.0) -> RawClient:
        client = RawClient(self.port, timeout_seconds=timeout_seconds)
        if protocol == 3:
            client.call("HELLO", "3")
        return client

    def stop(self) -> None:
        """Ask it to end; anything but a clean exit in time is a failure of the test."""
        # One that a test has told already may be past its tasks, and handle signals no longer: the next would kill it.
        if self.process.poll() is None and not self.process.was_told_to_end:
            self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} ignored SIGTERM; it printed:\n{_tail(self.log)}") from None
        assert code == 0, f"{self.name} ended with {code}; it printed:\n{_tail(self.log)}"
        # A bug that became an error reply is a bug all the same, even where a test expected an error.
        assert "internal error" not in self.log.read_text(errors="replace"), _tail(self.log)


def require_tool(program: str) -> str:
    """Return the program's path; skip the test without it, or fail where tools are required."""
    path = shutil.which(program)
    if path is None:
        missing(f"{program} is not installed")
    return str(path)


def missing(reason: str) -> None:
    """Skip for want of a tool, or fail where RESPCACHE_REQUIRE_TOOLS=1 says that nothing may be wanting."""
    if TOOLS_ARE_REQUIRED:
        pytest.fail(f"{reason}, and RESPCACHE_REQUIRE_TOOLS=1")
    pytest.skip(reason)


def free_port() -> int:
    """Return a port that is free, and that nobody is given who asks for any port."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return ports that are free for TCP and for UDP, in no order that another process would guess as well."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(LOWEST_PORT, HIGHEST_PORT)
        if port not in found and _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running_redis(directory: Path, *flags: str) -> Iterator[Server]:
    """Run redis-server without persistence until the block ends."""
    program = require_tool("redis-server")
    command = [program, "--bind", "127.0.0.1", "--save", "", "--dir", str(directory), *flags]

    def launch(port: int, output: IO[bytes]) -> Process:
        return ColdProcess(
            [*command, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,  # so that whatever it writes stays out of the tree
            env=server_environment(),
        )

    with _running("redis-server", launch, directory) as server:
        yield server


@contextmanager
def running_respcache(directory: Path, *flags: str, is_cold: bool = False) -> Iterator[Server]:
    """Run respcache until the block ends (or redis-server, where RESPCACHE_TEST_TARGET=redis); a cold one is not forked."""
    if TARGET == "redis":
        with running_redis(directory, *flags) as server:
            yield server
        return

    def launch(port: int, output: IO[bytes]) -> Process:
        words, environment = ["serve", *flags, "--port", str(port)], server_environment()
        return start_respcache(
            words, directory=directory, output=output, environment=environment, is_cold=is_cold
        )

    with _running("respcache", launch, directory) as server:
        yield server


@contextmanager
def _running(name: str, launch: Launch, directory: Path) -> Iterator[Server]:
    for attempt in range(START_ATTEMPTS):
        try:
            server = _start(name, launch, directory)
            break
        except ServerStartError as failure:
            if "in use" not in str(failure) or attempt == START_ATTEMPTS - 1:
                raise
    try:
        yield server
    finally:
        server.stop()


def _start(name: str, launch: Launch, directory: Path) -> Server:
    directory.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), directory / f"{name}.log"
    with log.open("wb") as output:
        process = launch(port, output)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            code = process.wait()
            raise ServerStartError(f"{name} did not start (exit {code}); it printed:\n{_tail(log)}")
        time.sleep(0.02)
    return Server(name, port, process, log)


def _answers(port: int) -> bool:
    # NOAUTH is an answer too: the server is there.
    try:
        with RawClient(port, timeout_seconds=1.0) as client:
            return client.call("PING").startswith((b"+PONG", b"-NOAUTH"))
    except (OSError, EOFError):
        return False


def _tail(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
