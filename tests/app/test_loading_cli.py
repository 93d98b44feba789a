import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from respcache.app import cli
from respcache.app.client import Address
from tests.app.fakes import scripted_server
from tests.servers import Server, free_port, running_respcache

LOADER = "tests.app.loaders:Rows"
NONE = b"-ERR no loader is configured\r\n"

COMMANDS = [
    ["list"],
    ["stats"],
    ["state", "k"],
    ["preload", "k"],
    ["refresh", "k"],
    ["pause", "rows"],
    ["resume", "rows"],
]


def run(server: Server | Address, *words: str) -> int:
    return cli.main(["loading", *words, "-h", "127.0.0.1", "-p", str(server.port)])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_respcache(tmp_path_factory.mktemp("loading"), "--loader", LOADER) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """A server that has nothing in its cache, and knows of no key of the tests that it is absent."""
    with redis.Redis(port=running.port) as client:
        client.flushall()
        client.execute_command("LOADER", "FORGET", *[f"row:{number}" for number in range(3000)])
    return running


# -- against a real server ---------------------------------------------------------


def test_loaders_are_listed(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(server, "list") == 0
    assert capsys.readouterr().out == "name\tpattern\tdb\tstate\nrows\trow:*\t0\tclosed\n"
    assert run(server, "list", "--json") == 0
    expected = [{"name": "rows", "pattern": "row:*", "db": 0, "state": "closed"}]
    assert json.loads(capsys.readouterr().out) == expected


def test_keys_of_a_file_are_loaded(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [f"row:{number}" for number in range(3000) if number % 10 != 8]
    file = tmp_path / "keys"
    file.write_bytes("\r\n".join([*wanted, "", ""]).encode())
    assert run(server, "preload", "--from-file", str(file)) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("loaded 2400, absent 300, failed 0 in ")
    with redis.Redis(port=server.port) as client:
        assert client.dbsize() == 2400
        assert client.get("row:1") == b"value of row:1"
        assert client.hgetall("row:9") == {b"id": b"row:9"}


def test_keys_come_from_a_pipe(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"row:1\n\nrow:2\nrow:7")))
    assert run(server, "preload", "--from-file", "-") == 0
    assert capsys.readouterr().out.startswith("loaded 2, absent 1, failed 0 in ")


def test_keys_that_could_not_be_loaded_are_told(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    failing = [f"row:{number}8" for number in range(1, 12)]
    assert run(server, "preload", "row:1", "other", *failing) == 1
    told = capsys.readouterr()
    assert told.out.startswith("loaded 1, absent 0, failed 11, without a loader 1 in ")
    lines = told.err.splitlines()
    assert 'respcache: not loaded: "other"' in lines
    assert (len(lines), lines[-1]) == (11, "respcache: not loaded: 2 more")


def test_states_are_shown(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    run(server, "preload", "row:1", "row:7", "row:8")
    capsys.readouterr()
    assert run(server, "state", "row:1", "row:7", "row:8", "row:2", "other") == 0
    assert capsys.readouterr().out.splitlines() == [
        "key\tstate",
        '"row:1"\tloaded',
        '"row:7"\tabsent',
        '"row:8"\tfailed',
        '"row:2"\tunknown',
        '"other"\t-',
    ]
    assert run(server, "state", "row:1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"row:1": "loaded"}
    assert run(server, "state", "row:1", "--db", "1") == 0
    assert capsys.readouterr().out.endswith('"row:1"\t-\n')


def test_keys_are_loaded_anew(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    with redis.Redis(port=server.port) as client:
        client.set("row:1", "old")
        assert run(server, "refresh", "row:1") == 0
        assert capsys.readouterr().out == "1 of 1 keys are on their way\n"
        assert run(server, "preload", "row:1", "row:2") == 0
        assert client.get("row:1") == b"value of row:1"
    capsys.readouterr()
    assert run(server, "refresh", "row:1", "other") == 1
    assert capsys.readouterr().out == "1 of 2 keys are on their way\n"


def test_a_loader_that_is_paused_loads_nothing(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(server, "pause", "rows") == 0
    assert run(server, "preload", "row:1", "--patience", "0.3") == 1
    with redis.Redis(port=server.port) as client, pytest.raises(redis.ResponseError, match="is paused"):
        client.get("row:1")
    assert run(server, "resume", "rows") == 0
    assert run(server, "preload", "row:1") == 0
    lines = [line.partition(" in ")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "rows is paused",
        "loaded 0, absent 0, failed 0, refused 1",
        "rows works again",
        "loaded 1, absent 0, failed 0",
    ]


def test_figures_are_shown(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    run(server, "preload", "row:1")
    capsys.readouterr()
    assert run(server, "stats") == 0
    head, *rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert head == ["loader", "figure", "value"]
    found = {figure: value for name, figure, value in rows if name == "rows"}
    assert int(found["total loaded"]) >= 1
    assert (found["state"], found["settings tries"]) == ("closed", "1")
    assert run(server, "stats", "rows", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"]["settings"]["tries"] == 1
    assert run(server, "stats", "nobody") == 1
    assert "no loader is called 'nobody'" in capsys.readouterr().err


def test_clients_in_resp3_are_told_maps(server: Server) -> None:
    with redis.Redis(port=server.port, protocol=3) as client:
        client.execute_command("LOADER", "REQUEST", "row:19")
        client.hgetall("row:19")
        assert client.execute_command("LOADER", "PEEK", "row:19") == {b"id": b"row:19"}
        assert client.info("loading")["loader_rows"]["pattern"] == "row:*"


# -- what may go wrong ---------------------------------------------------------------


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: str(words[0]))
def test_a_server_without_loaders_is_told_in_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_server([NONE]) as address:
        assert run(address, *words) == 1
        assert capsys.readouterr().err == f"respcache: {address} answered: ERR no loader is configured\n"


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: str(words[0]))
def test_a_server_that_cannot_be_reached_is_told_in_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    assert run(Address(port=port), *words) == 1
    assert capsys.readouterr().err == f"respcache: cannot reach 127.0.0.1:{port}: Connection refused\n"


def test_another_server_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server(
        [b"-ERR unknown command 'LOADER', with args beginning with: 'LIST' \r\n"]
    ) as address:
        assert run(address, "list") == 1
    assert "does not know this command: is it a respcache?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["k", "--from-file", "x"]])
def test_which_keys_must_be_said_once(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Address(port=1), "preload", *words) == 1
    assert "either KEY... or --from-file FILE" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none"
    assert run(Address(port=1), "preload", "--from-file", str(missing)) == 1
    assert capsys.readouterr().err == f"respcache: cannot read {missing}: No such file or directory\n"
