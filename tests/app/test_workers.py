import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from respcache.app import workers
from respcache.app.configuration import ConfigurationError, read_configuration
from respcache.app.start import start
from respcache.app.worker_plan import worker_flags
from respcache.app.workers import check_ports, run_workers
from respcache.settings.settings import Settings
from tests.servers import REPOSITORY, free_port
from tests.wire import RawClient

PATIENCE_S = 20.0  # cold starts on a busy machine take a second or two each

# Writes down what it was told, is ready, and lives until it is stopped.
FAKE = """
import json, os, signal, sys
number, _, line = os.environ["RESPCACHE_LIFELINE"].partition(":")
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
with open("told" + number, "w") as file:
    json.dump(sys.argv[1:], file)
os.write(int(line), b"r")
while True:
    signal.pause()
"""


def ports(count: int) -> int:
    """Return the first of so many neighbouring ports that are free, as are those 10000 above."""
    while True:
        first = free_port() % 40_000 + 10_001
        try:
            for port in (*range(first, first + count), *range(first + 10_000, first + 10_000 + count)):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first


def test_each_worker_gets_the_users_words_and_then_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "COMMAND", (sys.executable, "-S", "-E", "-c", FAKE))
    monkeypatch.setattr(workers, "_announce", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    monkeypatch.chdir(tmp_path)
    words = ["--port", str(ports(2)), "--workers", "2", "--copies", "1", "--bind", "127.0.0.1"]
    assert run_workers(read_configuration(words, {}, usual_places=()), words, {}) == 0
    for number in (0, 1):
        told = json.loads((tmp_path / f"told{number}").read_text())
        assert told[: len(words)] == words
        assert told[len(words) :] == worker_flags(
            read_configuration(words, {}, usual_places=()).settings, number
        )


def test_a_port_that_is_taken_is_told_in_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    first = ports(3)
    for taken in (first, first + 2, first + 10_001):
        with socket.create_server(("127.0.0.1", taken)):
            words = [
                "--port",
                str(first),
                "--workers",
                "2",
                "--bind",
                "127.0.0.1",
                "--cluster-port",
                str(first + 1),
            ]
            assert start(words, {}) == 1
        assert (
            capfd.readouterr().err
            == f"respcache: cannot listen on 127.0.0.1:{taken}: Address already in use\n"
        )


def test_free_ports_are_left_free() -> None:
    first = ports(2)
    settings = Settings(port=str(first), workers="2", bind="127.0.0.1")
    check_ports(settings)
    check_ports(settings)


def test_a_system_without_shared_ports_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    with pytest.raises(ConfigurationError, match="workers need SO_REUSEPORT"):
        check_ports(Settings(port="1", workers="2"))


def test_real_workers_share_a_port_outlive_the_death_of_one_and_stop_together(tmp_path: Path) -> None:
    port, log = ports(2), tmp_path / "log"
    words = ["--port", str(port), "--workers", "2", "--bind", "127.0.0.1", "--log-format", "json"]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with log.open("wb") as output:
        group = subprocess.Popen(
            [*workers.COMMAND, *words], cwd=tmp_path, env=environ, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        first = wait_for_line(log, "ready for clients", worker=0)
        wait_for_line(log, "ready for clients, with 2 workers")
        with RawClient(port) as client:
            assert client.call("PING") == b"+PONG\r\n"
        os.kill(int(str(first["pid"])), signal.SIGKILL)
        wait_for_line(log, "ready for clients", worker=0, count=2)
    finally:
        group.terminate()
        code = group.wait(PATIENCE_S)
    assert code == 0, log.read_text()
    assert "worker 0 died (killed by SIGKILL)" in log.read_text()


def wait_for_line(log: Path, message: str, *, worker: int | None = None, count: int = 1) -> dict[str, object]:
    """Return the log's line with this message, the ``count``-th one of the worker's."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        found = [one for one in lines if one["message"] == message and one.get("worker") == worker]
        if len(found) >= count:
            line: dict[str, object] = found[count - 1]
            return line
        time.sleep(0.01)
    raise AssertionError(log.read_text())
