"""A real process: how it starts, what signals do to it, and how it ends."""

import gc
import logging
import os
import signal
import socket
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from respcache.app.serve import calm_garbage_collector, run
from respcache.settings.settings import Settings
from tests.conftest import StartServer
from tests.servers import TARGET, Server
from tests.wire import RawClient

pytestmark = pytest.mark.skipif(TARGET != "respcache", reason="about respcache's own process")

PATIENCE_S = 10.0
"""For what takes no time on a machine that is not busy."""


@pytest.fixture
def _calm_again() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()
    gc.freeze()  # as it was: what is there is not looked at again


SHUTTING_DOWN = b"-ERR the server is shutting down\r\n"


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def figure(client: RawClient, name: str) -> str:
    """Return a figure of INFO."""
    lines = client.call("INFO").decode().splitlines()
    return next(line.partition(":")[2] for line in lines if line.startswith(f"{name}:"))


def keep_busy(server: Server, key: str) -> tuple[RawClient, RawClient]:
    """Put a key to sleep for longer than any test; return who did, and another client that waits for the key."""
    sleeper, waiter = server.client(), server.client()
    sleeper.send_command("DEBUG", "OWNER-SLEEP", key, "3600")
    with server.client() as watcher:
        eventually(lambda: figure(watcher, "owners_working") == "1")
        waiter.send_command("INCR", key)
        eventually(lambda: figure(watcher, "owners_queued_total") == "1")
    return sleeper, waiter


def refuses_clients(server: Server) -> bool:
    try:
        RawClient(server.port).close()
    except OSError:
        return True
    return False


def ends(server: Server) -> bool:
    return server.process.wait(PATIENCE_S) == 0


# -- starting ----------------------------------------------------------------


def test_a_port_in_use_is_one_clear_line_and_an_exit_code(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, caplog.at_level(logging.INFO):
        port = taken.getsockname()[1]
        assert run(Settings(port=str(port), bind="127.0.0.1")) == 1
    assert caplog.messages == [f"cannot listen on 127.0.0.1:{port}: Address already in use"]


def test_a_sink_that_cannot_be_made_is_one_clear_line_and_an_exit_code(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = Settings(port="0", bind="127.0.0.1", events_sinks='[{"class": "no.such:Sink"}]')
    assert run(settings) == 1
    (message,) = caplog.messages
    assert "no.such" in message


def test_a_unix_socket_is_served_beside_the_port_and_goes_with_the_server(
    start_respcache: StartServer, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    server = start_respcache("--unixsocket", str(path), "--unixsocketperm", "700")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
    assert path.stat().st_mode & 0o777 == 0o700
    server.stop()
    assert not path.exists()


# -- stopping ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_answers_what_was_sent_and_stops_the_server(start_respcache: StartServer, name: str) -> None:
    # Cold: its handlers are set in an interpreter that nobody has prepared, and it goes to its very end.
    server = start_respcache("--enable-debug-command", "local", is_cold=True)
    with server.client() as client:
        client.send_command("DEBUG", "OWNER-SLEEP", "key", "0.5")
        client.send_command("SET", "key", "1")
        with server.client() as watcher:
            eventually(lambda: figure(watcher, "owners_queued_total") == "1")
        server.process.send_signal(signal.Signals[name])
        assert client.read_replies(2) == [b"+OK\r\n", b"+OK\r\n"]
        assert client.read_until_closed() == b""
    assert ends(server)
    assert f"stopped: {name}" in server.log.read_text()


def test_a_key_that_stays_busy_delays_the_stop_only_so_long(start_respcache: StartServer) -> None:
    server = start_respcache("--enable-debug-command", "local", "--shutdown-timeout", "1")
    sleeper, waiter = keep_busy(server, "key")
    with sleeper, waiter:
        server.process.terminate()
        assert (sleeper.read_reply(), waiter.read_reply()) == (SHUTTING_DOWN, SHUTTING_DOWN)
    assert ends(server)


def test_a_second_signal_stops_at_once_and_still_answers(start_respcache: StartServer) -> None:
    server = start_respcache("--enable-debug-command", "local", "--shutdown-timeout", "3600")
    sleeper, waiter = keep_busy(server, "key")
    with sleeper, waiter:
        server.process.terminate()
        eventually(lambda: refuses_clients(server))
        server.process.terminate()
        assert (sleeper.read_reply(), waiter.read_reply()) == (SHUTTING_DOWN, SHUTTING_DOWN)
    assert ends(server)
    assert "SIGTERM again: stopping at once" in server.log.read_text()


def test_a_second_signal_does_not_cut_sinks_short(start_respcache: StartServer) -> None:
    server = start_respcache("--events-sinks", '[{"class": "tests.app.slow_sink:SlowAtTheEnd"}]')
    directory = server.log.parent
    server.process.terminate()
    eventually((directory / "begun").exists)
    os.kill(server.pid, signal.SIGTERM)
    assert ends(server)
    assert (directory / "done").exists()


def test_shutdown_stops_the_server_without_a_reply(start_respcache: StartServer) -> None:
    server = start_respcache()
    with server.client() as client, server.client() as other:
        client.send_command("SHUTDOWN")
        assert client.read_until_closed() == b""
        assert other.read_until_closed() == b""
    assert ends(server)
    assert "stopped: SHUTDOWN" in server.log.read_text()


# -- settings files ----------------------------------------------------------


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text('# as much as fits\nmaxmemory = "1mb"\ntimeout = 0\n')
    return path


def test_sighup_reloads_the_file(start_respcache: StartServer, settings_file: Path) -> None:
    server = start_respcache(str(settings_file))
    with server.client() as client:
        assert client.call("CONFIG", "GET", "maxmemory").endswith(b"1048576\r\n")
        settings_file.write_text('maxmemory = "2mb"\n')
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: client.call("CONFIG", "GET", "maxmemory").endswith(b"2097152\r\n"))
        settings_file.write_text('maxmemory = "lots"\n')
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "settings were not reloaded" in server.log.read_text())
        assert client.call("CONFIG", "GET", "maxmemory").endswith(b"2097152\r\n")


def test_config_rewrite_brings_the_file_up_to_date(start_respcache: StartServer, settings_file: Path) -> None:
    server = start_respcache(str(settings_file))
    with server.client() as client:
        client.call("CONFIG", "SET", "maxmemory", "3mb", "slowlog-max-len", "7")
        assert client.call("CONFIG", "REWRITE") == b"+OK\r\n"
    written = settings_file.read_text()
    assert written.startswith("# as much as fits\n")
    values = {"maxmemory": "3mb", "timeout": 0, "slowlog-max-len": 7, "port": server.port}
    assert tomllib.loads(written) == values


@pytest.mark.usefixtures("_calm_again")
def test_who_serves_looks_for_cycles_but_not_among_what_was_there() -> None:
    gc.disable()  # as at a start
    calm_garbage_collector()
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(gc.get_objects())
