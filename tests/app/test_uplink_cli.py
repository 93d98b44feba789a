import os
import signal
import socket
import subprocess
import sys

import pytest

from respcache.app.cli import main

COMMAND = [sys.executable, "-m", "respcache", "uplink", "--port", "0"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_registry_serves_until_it_is_told_to_end(end: signal.Signals) -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            port = int(line.rpartition(":")[2])
            assert line.startswith("uplink ready on 127.0.0.1:")
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
            os.kill(process.pid, end)
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_an_address_that_cannot_be_opened_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["uplink", "--port", str(port)]) == 1
    assert (
        capsys.readouterr().err == f"respcache: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    )


def test_without_its_library_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("respcache.app.uplink_cli", "respcache.cluster.uplink.server"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "h11", None)
    assert main(["uplink"]) == 1
    assert capsys.readouterr().err == "respcache: this needs h11: pip install 'respcache[cluster]'\n"
