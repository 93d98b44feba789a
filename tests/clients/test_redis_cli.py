"""redis-cli in all its modes that end by themselves."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import StartServer
from tests.servers import Server, require_tool
from tests.wire import encode_command

pytestmark = pytest.mark.redis


def cli(server: Server, *arguments: str, stdin: bytes | None = None, seconds: float = 20) -> str:
    finished = subprocess.run(
        [require_tool("redis-cli"), "-p", str(server.port), *arguments],
        input=stdin,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout.decode()


@pytest.fixture
def server(respcache_server: Server) -> Iterator[Server]:
    with respcache_server.client() as client:
        client.call("FLUSHALL")
        client.pipeline([[b"SET", b"key:%d" % number, b"x" * number] for number in range(1, 101)])
        client.call("HSET", "h", "f", "1", "g", "2")
    yield respcache_server
    with respcache_server.client() as client:
        client.call("FLUSHALL")


def test_a_command_from_the_shell(server: Server) -> None:
    assert cli(server, "GET", "key:3") == "xxx\n"
    assert cli(server, "-3", "HGETALL", "h") == "f 1\ng 2\n"


def test_another_database(server: Server) -> None:
    assert cli(server, "-n", "5", "DBSIZE") == "0\n"


def test_commands_from_a_file(server: Server) -> None:
    assert cli(server, stdin=b'SET "a b" "c\\nd"\nGET "a b"\n\nNOSUCH\nECHO ok\n').splitlines() == [
        "OK",
        "c",
        "d",
        "ERR unknown command 'NOSUCH', with args beginning with: ",
        "",
        "ok",
    ]


def test_a_value_from_standard_input(server: Server) -> None:
    assert cli(server, "-x", "SET", "k", stdin=b"from outside") == "OK\n"
    assert cli(server, "STRLEN", "k") == "12\n"


def test_a_command_repeated(server: Server) -> None:
    assert cli(server, "-r", "3", "-i", "0.01", "INCR", "n").split() == ["1", "2", "3"]


def test_json(server: Server) -> None:
    assert json.loads(cli(server, "--json", "HGETALL", "h")) == {"f": "1", "g": "2"}
    assert json.loads(cli(server, "--json", "GET", "missing")) is None


def test_csv(server: Server) -> None:
    assert cli(server, "--csv", "HGETALL", "h") == '"f","1","g","2"\n'


@pytest.mark.parametrize("protocol", [[], ["-3"]], ids=["resp2", "resp3"])
def test_scan(protocol: list[str], server: Server) -> None:
    found = cli(server, *protocol, "--scan", "--pattern", "key:*").split()
    assert sorted(found) == sorted(f"key:{number}" for number in range(1, 101))


def test_bigkeys(server: Server) -> None:
    shown = cli(server, "--bigkeys")
    assert "Sampled 101 keys" in shown
    assert "Biggest string found '\"key:100\"' has 100 bytes" in shown
    assert "Biggest   hash found '\"h\"' has 2 fields" in shown


def test_memkeys(server: Server) -> None:
    shown = cli(server, "--memkeys")
    assert "Sampled 101 keys" in shown
    assert "Biggest   hash found '\"h\"' has" in shown


def test_stat(server: Server) -> None:
    process = subprocess.Popen(
        [require_tool("redis-cli"), "-p", str(server.port), "--stat", "-i", "0.05"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    with process:
        lines = [process.stdout.readline().decode() for _ in range(4)]
        process.terminate()
    keys, memory, clients, _, requests, *_ = lines[2].split()
    assert (int(keys), memory[-1] in "BKMG", int(clients) > 0, int(requests) > 0) == (101, True, True, True)


def test_latency(server: Server) -> None:
    # Not on a terminal: it measures for the interval, and prints one line "min max avg count".
    minimum, maximum, mean, count = map(float, cli(server, "--latency", "-i", "0.1").split())
    assert minimum <= mean <= maximum
    assert count > 1


def test_a_pipe_loads_many_commands(server: Server) -> None:
    commands = [[b"SET", b"piped:%d" % number, b"v"] for number in range(5000)]
    shown = cli(server, "--pipe", stdin=b"".join(map(encode_command, commands)))
    assert "errors: 0, replies: 5000" in shown
    assert len(cli(server, "--scan", "--pattern", "piped:*").split()) == 5000


def test_pipe_counts_errors(server: Server) -> None:
    commands = [[b"SET", b"a", b"text"], [b"INCR", b"a"], [b"NOSUCH"]]
    finished = subprocess.run(
        [require_tool("redis-cli"), "-p", str(server.port), "--pipe"],
        input=b"".join(map(encode_command, commands)),
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert b"errors: 2, replies: 3" in finished.stdout


@pytest.mark.parametrize(
    "who", [["-a", "secret"], ["--user", "default", "--pass", "secret"], ["-3", "-a", "secret"]]
)
def test_a_password(who: list[str], start_respcache: StartServer) -> None:
    server = start_respcache("--requirepass", "secret")
    assert cli(server, *who, "--no-auth-warning", "PING") == "PONG\n"
    assert cli(server, "PING").startswith("NOAUTH Authentication required.")


def test_subscribing_shows_messages(server: Server) -> None:
    process = subprocess.Popen(
        [require_tool("redis-cli"), "-p", str(server.port), "--csv", "SUBSCRIBE", "news"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    with process, server.client() as client:
        assert process.stdout.readline() == b"Reading messages... (press Ctrl-C to quit)\n"
        assert process.stdout.readline() == b'"subscribe","news",1\n'
        client.call("PUBLISH", "news", "hello")
        assert process.stdout.readline() == b'"message","news","hello"\n'
        process.terminate()
