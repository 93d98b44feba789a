"""Start redis-server and respcache beside each other, read what they use, and stop them again.

Each server is a process of its own on a free loopback port, in a directory of
its own that vanishes with it, without persistence. Everything but the port is
set with CONFIG SET, so both get the same words. Only processes started here
are ever stopped. Linux only: the figures come from /proc.
"""

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self

from wire import Connection

REPOSITORY: Final = Path(__file__).resolve().parent.parent
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
START_TIMEOUT_S: Final = 15
STOP_TIMEOUT_S: Final = 5

REDIS: Final = "redis-server"
RESPCACHE: Final = "respcache"


class Server:
    """A running server process; use it as a context manager, and it stops at the end."""

    def __init__(self, label: str, command: list[str], config: Mapping[str, str], port: int = 0) -> None:
        self.label = label
        self.port = port or free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="respcache-benchmark-")
        self._log = Path(self._directory.name, "log")
        # Settings in the caller's environment would make the two servers unlike.
        # A server that is installed has its bytecode; without, each start compiles every module, for 0.3 s of CPU.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("RESPCACHE_") and name != "PYTHONDONTWRITEBYTECODE"
        }
        environment = {**inherited, "PYTHONPATH": str(REPOSITORY)}
        with self._log.open("wb") as log:
            self.started_at = time.perf_counter()
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                cwd=self._directory.name,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.seconds_to_first_pong = self._wait_until_it_answers()
            self.configure(config)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def connect(self, timeout_s: float = 30) -> Connection:
        return Connection(self.port, timeout_s)

    def configure(self, config: Mapping[str, str]) -> None:
        """Change settings with CONFIG SET."""
        with self.connect() as connection:
            for name, value in config.items():
                connection.call("CONFIG", "SET", name, value)

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used, of all its threads, in user and kernel mode."""
        # The second field is a name in parentheses that may hold spaces; count from its end.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def rss_bytes(self) -> int:
        """Return the memory that the process has in RAM."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    def stop(self) -> None:
        """End the process, kindly at first."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._directory.cleanup()

    def _wait_until_it_answers(self) -> float:
        while time.perf_counter() - self.started_at < START_TIMEOUT_S:
            if self._process.poll() is not None:
                break
            try:
                with self.connect(timeout_s=1) as connection:
                    if connection.call("PING") == b"PONG":
                        return time.perf_counter() - self.started_at
            except OSError:
                time.sleep(0.001)
        raise RuntimeError(f"{self.label} did not start; it said:\n{self._log.read_text(errors='replace')}")


def start_redis(
    config: Mapping[str, str] | None = None, label: str = REDIS, *, flags: Sequence[str] = ()
) -> Server:
    """Start a redis-server without persistence."""
    command = ["redis-server", "--save", "", "--appendonly", "no", "--bind", "127.0.0.1", *flags]
    return Server(label, command, config or {})


def start_respcache(
    config: Mapping[str, str] | None = None,
    python: str = sys.executable,
    *,
    is_pure: bool = False,
    flags: Sequence[str] = (),
) -> Server:
    """Start a respcache of this repository, compiled if it was built, or as plain Python."""
    program = ["env", "RESPCACHE_PURE=1", python] if is_pure else [python]
    return Server(RESPCACHE, [*program, "-m", "respcache", "serve", *flags], config or {})


def start_ours(options: argparse.Namespace, config: Mapping[str, str] | None = None) -> Server:
    """Start respcache, or what stands in for it when a script tries itself."""
    if options.self_test:
        return start_redis(config, label="redis-server too")
    return start_respcache(config, options.python, is_pure=options.pure)


def starters(options: argparse.Namespace) -> list[Callable[[], Server]]:
    """Return what starts redis-server and what starts respcache, for scripts that need fresh ones again and again."""
    return [start_redis, partial(start_ours, options)]


@contextmanager
def both(options: argparse.Namespace, config: Mapping[str, str] | None = None) -> Iterator[list[Server]]:
    """Run redis-server and respcache with the same settings; the yardstick comes first."""
    with start_redis(config) as redis, start_ours(options, config) as ours:
        yield [redis, ours]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def allow_many_files() -> int:
    """Raise the number of files that this process and its children may open as far as allowed; return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def option_parser(documentation: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that every script has; the script's docstring is its help."""
    parser = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--self-test", action="store_true", help="run redis-server in place of respcache")
    parser.add_argument("--pure", action="store_true", help="run respcache as plain Python")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs respcache")
    return parser
