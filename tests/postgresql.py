"""Runs a real PostgreSQL for tests: a cluster of its own on a free loopback port, with passwords, and nothing kept on disk in earnest.

The programs come from the system's package, whose own service is not touched. They refuse to run as root,
so a root's tests run them as another user, in a directory that this user can reach (pytest's own cannot be).
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers import START_SECONDS, free_port, missing

PASSWORD = "p@ss/word:of the tests"
"""With all that a URL must quote."""

DEBIAN = Path("/usr/lib/postgresql")
"""Here are Debian's versions, which are not in the search path."""

STOP_SECONDS = 30.0
"""A shutdown writes all data down, on a disk that others may be using."""

UNPRIVILEGED = ("postgres", "nobody")
FOR_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")


class PostgreSQL:
    """A cluster that can be stopped and started again on the same port, with its data."""

    def __init__(self, programs: Path, directory: Path) -> None:
        self.port = free_port()
        self._programs = programs
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = count(1)
        self._log = directory / "log"
        self._run_initdb()

    def start(self) -> None:
        """Return when it accepts connections."""
        flags = [*FOR_SPEED, f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
        arguments = [word for flag in flags for word in ("-c", flag)]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                **_as_unprivileged(),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.drop()
                raise AssertionError(f"PostgreSQL did not start:\n{self._tail()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, and with it all connections, when its data are written down."""
        self._end(signal.SIGINT)

    def drop(self) -> None:
        """End it for good: its data may be lost, and a busy disk need not be waited for."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"PostgreSQL ignored {how.name}:\n{self._tail()}") from None

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="tester",
            password=PASSWORD,
            dbname=database,
            autocommit=True,
        )

    def make_database(self, encoding: str = "UTF8") -> str:
        """Return the name of an empty database."""
        name = f"test_{next(self._databases)}"
        with self.connect() as connection:
            connection.execute(f"create database {name} template template0 encoding {encoding!r}".encode())
        return name

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _run_initdb(self) -> None:
        password_file = self._directory / "password"
        password_file.write_text(PASSWORD)
        command: list[str | Path] = [
            self._programs / "initdb",
            *("--pgdata", self._data, "--username", "tester", "--pwfile", password_file),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        ]
        done = subprocess.run(
            command, cwd=self._directory, capture_output=True, text=True, check=False, **_as_unprivileged()
        )
        assert done.returncode == 0, done.stderr

    def _accepts(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """Run a cluster until the block ends; skip the test where PostgreSQL is not installed."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="respcache-postgresql-") as name:
        directory = Path(name)
        if os.geteuid() == 0:
            user = _unprivileged()
            os.chown(directory, user.pw_uid, user.pw_gid)
        server = PostgreSQL(programs, directory)
        server.start()
        try:
            yield server
        finally:
            server.drop()


def _programs() -> Path:
    """Return the directory of the newest PostgreSQL."""
    installed = list(DEBIAN.glob("*/bin/initdb"))
    if found := shutil.which("initdb"):
        installed.append(Path(found).resolve())
    if not installed:
        missing("postgresql is not installed")
    return max(installed, key=_version).parent


def _version(initdb: Path) -> int:
    number = re.search(r"\d+", initdb.parent.parent.name)
    return int(number[0]) if number else 0


def _unprivileged() -> pwd.struct_passwd:
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.fail("there is no user as whom PostgreSQL could run")


def _as_unprivileged() -> dict[str, Any]:  # the arguments of Popen have many types
    if os.geteuid() != 0:
        return {}
    user = _unprivileged()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
