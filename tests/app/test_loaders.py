"""Loaders from a server's settings to its commands, with real processes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from respcache.app.loaders import has_loaders, join_loaders
from respcache.app.serve import run
from respcache.loading.options import LoaderSettingsError
from respcache.settings.settings import Settings
from tests.commands.harness import Harness
from tests.conftest import StartServer
from tests.servers import TARGET
from tests.wire import encode_command

pytestmark = pytest.mark.skipif(TARGET != "respcache", reason="about respcache's own process")

MODULE = """
import time
from respcache.loading import Loader


class Squares(Loader):
    pattern = "square:*"

    def bulk_load(self, keys):
        return {key: str(int(key[7:]) ** 2) for key in keys}


class Incomplete(Loader):
    pattern = "nothing:*"


class Never(Loader):
    pattern = "never:*"

    def bulk_load(self, keys):
        time.sleep(3600)
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "numbers_to_load.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("loader", "a:B"),
        ("loading_loaders", '[{"class": "a:B"}]'),
        ("loading_sql", '[{"url": "sqlite://"}]'),
        ("loading_http", '[{"url": "http://x"}]'),
    ],
)
def test_each_setting_asks_for_loaders(name: str, text: str) -> None:
    assert has_loaders(Settings(**{name: text}))
    assert not has_loaders(Settings())


async def test_the_dispatcher_asks_loaders_once_they_are_joined(path: Path) -> None:
    table = [{"class": "numbers_to_load:Never", "name": "other", "pattern": "other:*", "db": 2}]
    harness = Harness(loader="numbers_to_load:Squares", loading_loaders=json.dumps(table))
    loading = join_loaders(harness.settings, harness.composition, lambda: None)
    assert list(loading.sources) == ["Squares", "other"]
    assert harness.client().send("GET square:4") == []
    assert loading.sources["Squares"].flights.state_of(b"square:4") == "requested"


def test_a_loader_that_cannot_be_had_is_told_before_anything_is_asked_of_it() -> None:
    harness = Harness(loader="no.such.module:Loader")
    with pytest.raises(LoaderSettingsError, match="cannot import"):
        join_loaders(harness.settings, harness.composition, lambda: None)
    assert harness.dispatcher.gate is None


def test_a_server_does_not_start_with_a_loader_that_cannot_be_imported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert run(Settings(loader="no.such.module:Loader", port="0", bind="127.0.0.1")) == 1
    [record] = [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert "loader no.such.module:Loader: cannot import no.such.module" in record.getMessage()
    assert "\n" not in record.getMessage()


def test_serve_says_in_one_line_which_method_a_loader_lacks(path: Path) -> None:
    words = ["serve", "--loader", "numbers_to_load:Incomplete", "--port", "0", "--bind", "127.0.0.1"]
    ended = subprocess.run(
        [sys.executable, "-m", "respcache", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert "loader numbers_to_load:Incomplete: Incomplete has no method bulk_load" in line


def test_a_process_loads_what_its_clients_ask_for(path: Path, start_respcache: StartServer) -> None:
    server = start_respcache("--loader", "numbers_to_load:Squares")
    with server.client() as client:
        assert client.call("GET", "square:12") == b"$3\r\n144\r\n"
        keys = [f"square:{number}" for number in range(2000)]
        client.send(b"".join(encode_command([b"GET", key.encode()]) for key in keys))
        for number in range(2000):
            value = b"%d" % number**2
            assert client.read_reply() == b"$%d\r\n%b\r\n" % (len(value), value)
        assert client.call("DBSIZE") == b":2000\r\n"


def test_who_waits_for_a_key_when_the_server_stops_is_told_so(
    path: Path, start_respcache: StartServer
) -> None:
    server = start_respcache("--loader", "numbers_to_load:Never", "--shutdown-timeout", "1")
    with server.client(timeout_seconds=10) as client:
        client.send_command("GET", "never:1")
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        assert client.read_reply() == b"-LOADFAILED the server is shutting down\r\n"
    assert server.process.wait(10) == 0
