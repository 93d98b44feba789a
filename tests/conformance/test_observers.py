"""What cannot be read off one client's replies: who waits while the server pauses, and what the slow log keeps."""

import select

import pytest

from tests.servers import Server
from tests.wire import encode_command, parse

SERVERS = ["redis_server", "respcache_server"]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    """Both servers: these tests state what Redis does, and redis-server proves that the statement is right."""
    server = request.getfixturevalue(request.param)
    assert isinstance(server, Server)
    return server


@pytest.mark.redis
def test_everybody_waits_while_the_server_pauses(server: Server) -> None:
    with server.client() as one, server.client() as other:
        other.call("PING")
        assert one.call("CLIENT", "PAUSE", "300", "ALL") == b"+OK\r\n"
        other.send_command("PING")
        assert select.select([other], [], [], 0.1) == ([], [], [])
        assert other.read_reply() == b"+PONG\r\n"


@pytest.mark.redis
def test_the_slow_log_keeps_what_was_slow_with_its_client(server: Server) -> None:
    with server.client() as client:
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        client.call("CLIENT", "SETNAME", "tester")
        client.call("SLOWLOG", "RESET")
        client.call("SET", "k", "v")
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "1000000")
        entries = parse(client.call("SLOWLOG", "GET")).plain()
    assert isinstance(entries, list)
    assert [entry[3] for entry in entries[-2:]] == [[b"SET", b"k", b"v"], [b"SLOWLOG", b"RESET"]]
    number, time, microseconds, _, address, name = entries[-2]
    assert (number > 0, time > 0, microseconds >= 0, name) == (True, True, True, b"tester")
    assert address.startswith(b"127.0.0.1:")


@pytest.mark.redis
def test_the_slow_log_cuts_long_commands(server: Server) -> None:
    with server.client() as client:
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        client.call("SLOWLOG", "RESET")
        client.call("DEL", *[b"key"] * 40)
        client.call("SET", "k", b"x" * 200)
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "1000000")
        entries = parse(client.call("SLOWLOG", "GET", "-1")).plain()
    assert isinstance(entries, list)
    by_name = {entry[3][0]: entry[3] for entry in entries}
    assert by_name[b"DEL"][-2:] == [b"key", b"... (10 more arguments)"]
    assert len(by_name[b"DEL"]) == 32
    assert by_name[b"SET"][2] == b"x" * 128 + b"... (72 more bytes)"


@pytest.mark.redis
def test_the_slow_log_forgets_the_oldest(server: Server) -> None:
    with server.client() as client:
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "3")
        client.pipeline([[b"PING"]] * 10)
        assert client.call("SLOWLOG", "LEN") == b":3\r\n"
        client.call("CONFIG", "SET", "slowlog-log-slower-than", "1000000", "slowlog-max-len", "128")
        client.call("SLOWLOG", "RESET")


@pytest.mark.redis
def test_the_latency_histogram_counts_calls(server: Server) -> None:
    with server.client(protocol=3) as client:
        client.call("CONFIG", "RESETSTAT")
        client.pipeline([[b"GET", b"k"]] * 10)
        ((name, details),) = parse(client.call("LATENCY", "HISTOGRAM", "get", "set")).pairs()
    facts = {key.text: value for key, value in details.pairs()}
    assert (name.text, facts[b"calls"].text) == (b"get", b"10")
    assert facts[b"histogram_usec"].pairs()[-1][1].text == b"10"


@pytest.mark.redis
def test_memory_usage_grows_with_the_value(server: Server) -> None:
    with server.client() as client:
        client.call("MSET", "small", "x", "large", b"x" * 10_000)
        small, large = (int(parse(client.call("MEMORY", "USAGE", key)).text) for key in ("small", "large"))
    assert 0 < small < 1000
    assert 10_000 < large < 20_000


@pytest.mark.redis
def test_a_client_kills_another_by_its_id(server: Server) -> None:
    with server.client() as one, server.client() as other:
        number = parse(other.call("CLIENT", "ID")).text
        assert one.call("CLIENT", "LIST", "ID", number).count(b"id=" + number) == 1
        assert one.call("CLIENT", "KILL", "ID", number) == b":1\r\n"
        assert other.read_until_closed() == b""


@pytest.mark.redis
def test_a_killed_client_is_closed_before_the_killer_is_told(server: Server) -> None:
    # A client library looks for a closed socket before it sends; later it could not tell what has been executed.
    with server.client() as one, server.client() as other:
        number = parse(other.call("CLIENT", "ID")).text
        one.call("CLIENT", "KILL", "ID", number)
        assert select.select([other], [], [], 0) == ([other], [], [])


@pytest.mark.redis
def test_a_client_kills_another_by_its_address(server: Server) -> None:
    with server.client() as one, server.client() as other:
        fields = dict(field.split(b"=", 1) for field in parse(other.call("CLIENT", "INFO")).text.split())
        assert one.call("CLIENT", "KILL", fields[b"addr"]) == b"+OK\r\n"
        assert other.read_until_closed() == b""


@pytest.mark.redis
def test_random_fields_and_keys_are_those_that_exist(server: Server) -> None:
    with server.client() as client:
        client.call("FLUSHALL")
        client.call("HSET", "h", *[word for number in range(20) for word in (f"f{number}", str(number))])
        fields = parse(client.call("HRANDFIELD", "h", "10")).plain()
        repeated = parse(client.call("HRANDFIELD", "h", "-200", "WITHVALUES")).plain()
        assert client.call("RANDOMKEY") == b"$1\r\nh\r\n"
    assert isinstance(fields, list)
    assert isinstance(repeated, list)
    assert len(set(fields)) == 10
    assert len(repeated) == 400
    assert all(field == b"f" + value for field, value in zip(repeated[::2], repeated[1::2], strict=True))


@pytest.mark.redis
def test_what_a_client_hears_of_its_own_writes_comes_before_their_replies(server: Server) -> None:
    with server.client() as client:
        client.call("CONFIG", "SET", "notify-keyspace-events", "E$g")
        client.call("HELLO", "3")
        client.call("PSUBSCRIBE", "__keyevent@0__:*")
        writes = [[b"SET", b"k", b"1"], [b"INCR", b"k"], [b"MSET", b"k", b"v"], [b"DEL", b"k"]]
        client.send(b"".join(map(encode_command, writes)))
        heard = [parse(client.read_reply()).kind for _ in range(2 * len(writes))]
        client.call("PUNSUBSCRIBE")
        client.call("CONFIG", "SET", "notify-keyspace-events", "")
    assert heard == [">", "+", ">", ":", ">", "+", ">", ":"]
