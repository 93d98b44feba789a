import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from respcache import __version__
from respcache._speedups import DESCRIPTION
from respcache.app.start import start
from tests.servers import REPOSITORY, Server, free_port
from tests.wire import RawClient

PATIENCE_S = 20.0  # a cold start on a busy machine takes a second or two


def launch(
    *flags: str, directory: Path, stderr: int, options: tuple[str, ...] = ()
) -> subprocess.Popen[bytes]:
    command = [sys.executable, *options, "-m", "respcache", "serve", *flags]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(command, cwd=directory, env=environ, stderr=stderr, stdin=subprocess.DEVNULL)


def wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with RawClient(port) as client:
                assert client.call("PING") == b"+PONG\r\n"
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_help_and_version_start_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert start(["--port", "0", "--help"], {}) == 0
    assert start(["--version"], {}) == 0
    printed = capsys.readouterr().out
    assert "usage: respcache serve" in printed
    assert printed.endswith(f"respcache {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prot", "1"], "respcache: flag --prot: there is no such setting; did you mean --port?\n"),
        (
            ["/no/such.toml"],
            "respcache: the settings file /no/such.toml cannot be read: No such file or directory\n",
        ),
        (
            ["--dir", "/no/such"],
            'respcache: flag --dir: dir is "/no/such", which cannot be entered: No such file or directory\n',
        ),
        (
            ["--logfile", "/"],
            'respcache: flag --logfile: logfile is "/", which cannot be written: Is a directory\n',
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_an_exit_code(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(arguments, {}) == 1
    assert capsys.readouterr().err == message


def test_a_start_imports_nothing_that_only_other_commands_need(tmp_path: Path) -> None:
    port, imports = free_port(), tmp_path / "imports"
    with imports.open("wb") as output:
        server = launch(
            "--port", str(port), directory=tmp_path, stderr=output.fileno(), options=("-X", "importtime")
        )
    try:
        wait_until_it_answers(port)
    finally:
        server.terminate()
        assert server.wait(PATIENCE_S) == 0
    modules = {line.rpartition("|")[2].strip() for line in imports.read_text().splitlines() if "|" in line}
    assert "trio" in modules
    others = {"cyclopts", "rich", "difflib", "httpx2", "tomllib", "statistics", "respcache.app.cli"}
    assert modules & {*others, "respcache.sinks.webhook", "respcache.cluster.hub"} == set()


def test_a_terminal_shows_a_banner(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    port = free_port()
    server = launch("--port", str(port), directory=tmp_path, stderr=theirs)
    os.close(theirs)
    try:
        shown = b""
        while b"ready for clients" not in shown:
            assert select.select([ours], [], [], PATIENCE_S)[0], shown
            shown += os.read(ours, 65536)
    finally:
        server.terminate()
        assert server.wait(PATIENCE_S) == 0
        os.close(ours)
    assert b"respcache " + __version__.encode() in shown
    assert f"127.0.0.1:{port}".encode() in shown
    assert f"pid {server.pid}".encode() in shown


def test_elsewhere_there_are_json_lines_and_no_banner(tmp_path: Path) -> None:
    log = tmp_path / "log"
    port = free_port()
    with log.open("wb") as output:
        server = launch("--port", str(port), directory=tmp_path, stderr=output.fileno())
    try:
        wait_until_it_answers(port)
    finally:
        server.terminate()
        assert server.wait(PATIENCE_S) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    ready = next(line for line in lines if line["message"] == "ready for clients")
    assert (ready["port"], ready["pid"]) == (port, server.pid)
    assert (ready["version"], ready["path"]) == (__version__, DESCRIPTION)


def test_a_port_in_use_is_told(tmp_path: Path, respcache_server: Server) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = launch("--port", str(respcache_server.port), directory=tmp_path, stderr=output.fileno())
    assert server.wait(PATIENCE_S) == 1
    assert f"cannot listen on 127.0.0.1:{respcache_server.port}" in log.read_text()
