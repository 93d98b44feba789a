import json

import pytest

from respcache.app import cli, cluster_safe
from respcache.app.client import Address, packed
from tests.app.fakes import scripted_server
from tests.servers import Server, free_port

ID = b"ab" * 20
MEMBERS = (
    b"*1\r\n*10\r\n$2\r\nid\r\n$40\r\n%b\r\n$4\r\nhost\r\n$1\r\nh\r\n$4\r\nport\r\n:700\r\n"
    b"$10\r\npartitions\r\n:1024\r\n$6\r\nmyself\r\n:1\r\n" % ID
)
OFF = b"-ERR This instance has cluster support disabled\r\n"


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


def run(address: Address, *words: str) -> int:
    return cli.main(["cluster", *words, "-h", address.host, "-p", str(address.port)])


def test_members_are_a_line_each_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([MEMBERS]) as address:
        assert run(address, "members") == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split("\t")[:2] == ["id", "address"]
    assert row.split("\t")[:2] == ["abababab", "h:700 *"]


def test_members_are_json_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([MEMBERS]) as address:
        assert run(address, "members", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {"id": ID.decode(), "host": "h", "port": 700, "partitions": 1024, "myself": True}
    ]


def test_info_joins_what_the_node_tells_in_two_places(capsys: pytest.CaptureFixture[str]) -> None:
    script = [bulk(b"cluster_state:ok\r\n"), bulk(b"# Cluster\r\ncluster_enabled:1\r\n")]
    with scripted_server(script, script) as address:
        assert run(address, "info") == 0
        assert capsys.readouterr().out == "figure\tvalue\ncluster_state\tok\ncluster_enabled\t1\n"
        assert run(address, "info", "--json") == 0
        assert json.loads(capsys.readouterr().out) == {"cluster_state": "ok", "cluster_enabled": "1"}


def test_leave_waits_until_the_node_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([bulk(ID), b"+OK\r\n"]) as address:
        assert run(address, "leave") == 0
    assert capsys.readouterr().out == f"node {ID.decode()} has left the cluster and stopped\n"


def test_a_node_that_stays_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    # The third answer never comes, because nothing more is asked: the connection stays open.
    with scripted_server([bulk(ID), b"+OK\r\n", b""]) as address:
        assert run(address, "leave", "--timeout", "0.05") == 1
    assert "is leaving, but has not stopped within 0.05 s" in capsys.readouterr().err


def test_events_of_the_cluster_are_followed(capsys: pytest.CaptureFixture[str]) -> None:
    channel = b"respcache:cluster"
    joined = b'{"kind":"joined","at_ms":0,"node":"h:700","member":"h:701"}'
    subscribed = b"*3\r\n$9\r\nsubscribe\r\n%b:1\r\n" % bulk(channel)
    script = [bulk(ID), subscribed + packed(b"message", channel, joined)]
    with scripted_server(script, script) as address:
        assert run(address, "events", "--count", "1") == 0
        assert capsys.readouterr().out == "1970-01-01T00:00:00.000000Z h:700 joined   member=h:701\n"
        assert run(address, "events", "--count", "1", "--json") == 0
        assert capsys.readouterr().out == joined.decode() + "\n"


def test_safe_says_so_and_exits_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([b"+OK\r\n"]) as address:
        assert run(address, "safe", "--members", "3") == 0
    assert capsys.readouterr().out == "safe\n"


def test_what_is_not_safe_says_why_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_safe, "PAUSE_S", 0)
    unsafe = b"-UNSAFE degraded 12, moving 3, unserved 0\r\n"
    with scripted_server([unsafe], [unsafe], [b"+OK\r\n"]) as address:
        assert run(address, "safe") == 1
        assert capsys.readouterr().out == "not safe: degraded 12, moving 3, unserved 0\n"
        assert run(address, "safe", "--wait", "10") == 0
        assert capsys.readouterr().out == "not safe: degraded 12, moving 3, unserved 0\nsafe\n"


PARTITIONS = (
    b"*1\r\n*8\r\n:0\r\n:1023\r\n$4\r\nsafe\r\n:2\r\n:7\r\n$40\r\n%b\r\n*1\r\n$40\r\n%b\r\n*0\r\n" % (ID, ID)
)


def test_partitions_are_a_line_for_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([PARTITIONS, MEMBERS]) as address:
        assert run(address, "partitions") == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split("\t") == ["server", "copies", "state", "partitions", "epochs", "keys", "ranges"]
    assert row.split("\t") == ["h:700", "-", "safe", "1024", "2", "7", "0-1023"]


def test_partitions_are_json_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([PARTITIONS, MEMBERS]) as address:
        assert run(address, "partitions", "--json") == 0
    [one] = json.loads(capsys.readouterr().out)
    assert (one["first"], one["last"], one["wanted"], one["copies"]) == (0, 1023, [ID.decode()], {})


def test_partitions_are_watched_until_all_are_safe(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([PARTITIONS, PARTITIONS, MEMBERS]) as address:
        assert run(address, "partitions", "--watch") == 0
    assert capsys.readouterr().out.startswith("safe 1024\nserver\t")


COMMANDS = ["members", "info", "safe", "partitions", "leave", "events"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_that_is_alone_is_told_in_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([OFF]) as address:
        assert run(address, command) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "is not in a cluster: start it with --cluster" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_a_node_that_cannot_be_reached_is_told_in_one_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    assert run(Address(port=port), command) == 1
    assert capsys.readouterr().err == f"respcache: cannot reach 127.0.0.1:{port}: Connection refused\n"


def test_another_server_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([b"-ERR unknown subcommand 'MEMBERS'. Try CLUSTER HELP.\r\n"]) as address:
        assert run(address, "members") == 1
    assert "does not know this command: is it a respcache?" in capsys.readouterr().err


def test_other_errors_are_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted_server([b"-NOAUTH Authentication required.\r\n"]) as address:
        assert run(address, "members") == 1
    assert "NOAUTH Authentication required." in capsys.readouterr().err


def test_a_real_server_without_a_cluster_says_so(
    respcache_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Address(port=respcache_server.port), "info") == 1
    assert "start it with --cluster" in capsys.readouterr().err
