"""Uses the server as a program with redis-py would; runs under redis-py 8 and, as a script, under redis-py 5.

``python -m tests.clients.python_client PORT PROTOCOL`` runs all exercises with whichever redis-py is found first, and prints
its version and what failed, as JSON.
"""

import itertools
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest
import redis

# Any: redis-py's replies are typed for its asynchronous form as well, so that no reply has a useful type.
Client = Any
Exercise = Callable[[Client], None]
EXERCISES: dict[str, Exercise] = {}


def exercise(function: Exercise) -> Exercise:
    EXERCISES[function.__name__] = function
    return function


def connect(port: int, protocol: int, **settings: Any) -> Client:
    return redis.Redis(host="127.0.0.1", port=port, protocol=protocol, socket_timeout=5, **settings)


def run(name: str, port: int, protocol: int, **settings: Any) -> None:
    client = connect(port, protocol, **settings)
    try:
        client.flushall()
        EXERCISES[name](client)
    finally:
        client.close()


def sibling(client: Client, **settings: Any) -> Client:
    """Make a second client of the same server."""
    ours = client.connection_pool.connection_kwargs
    tls = {name: value for name, value in ours.items() if name.startswith("ssl")}
    return connect(ours["port"], ours["protocol"], ssl=bool(tls), **tls, **settings)


@exercise
def strings(client: Client) -> None:
    assert client.set("k", "v", ex=100) is True
    assert client.get("k") == b"v"
    assert 0 < client.ttl("k") <= 100
    assert client.set("k", "w", nx=True) is None
    assert client.set("k", "w", get=True) == b"v"
    assert client.getex("k", persist=True) == b"w"
    assert client.ttl("k") == -1
    assert client.mset({"a": 1, "b": 2}) is True
    assert client.mget("a", "b", "c") == [b"1", b"2", None]
    assert client.incrby("a", 4) == 5
    assert client.incrbyfloat("a", 0.5) == 5.5
    assert client.append("b", "0") == 2
    assert client.getrange("b", 0, 0) == b"2"
    assert client.lcs("a", "b", len=True) == 0
    assert client.getdel("b") == b"20"
    assert client.exists("a", "b") == 1


@exercise
def keys(client: Client) -> None:
    client.set("k", "v")
    assert client.type("k") == b"string"
    assert client.rename("k", "l") is True
    assert client.copy("l", "m") is True
    assert client.expire("m", 100, gt=True) == 0
    assert client.expireat("m", 4102444800) is True
    assert client.expiretime("m") == 4102444800
    assert client.persist("m") is True
    assert client.object("encoding", "m") == b"embstr"
    assert sorted(client.keys("*")) == [b"l", b"m"]
    assert client.randomkey() in {b"l", b"m"}
    assert client.unlink("l", "m", "n") == 2
    assert client.dbsize() == 0


@exercise
def hashes(client: Client) -> None:
    assert client.hset("h", mapping={"a": 1, "b": "two"}) == 2
    assert client.hgetall("h") == {b"a": b"1", b"b": b"two"}
    assert client.hmget("h", "a", "x") == [b"1", None]
    assert client.hincrby("h", "a", 2) == 3
    assert client.hincrbyfloat("h", "a", 0.5) == 3.5
    assert client.hexists("h", "b") is True
    assert client.hkeys("h") == [b"a", b"b"]
    assert client.hvals("h") == [b"3.5", b"two"]
    assert client.hstrlen("h", "b") == 3
    assert dict(client.hscan_iter("h")) == client.hgetall("h")
    assert client.hrandfield("h") in {b"a", b"b"}
    assert client.hdel("h", "a", "b") == 2
    assert client.exists("h") == 0


@exercise
def pipelines(client: Client) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for number in range(500):
            pipeline.set(f"k{number}", number)
            pipeline.get(f"k{number}")
        replies = pipeline.execute()
    assert replies[::2] == [True] * 500
    assert replies[1::2] == [str(number).encode() for number in range(500)]


@exercise
def a_pipeline_with_an_error(client: Client) -> None:
    client.set("text", "abc")
    with client.pipeline(transaction=False) as pipeline:
        pipeline.get("text").incr("text").get("text")
        good, bad, still_good = pipeline.execute(raise_on_error=False)
    assert (good, still_good) == (b"abc", b"abc")
    assert isinstance(bad, redis.ResponseError)


@exercise
def transactions(client: Client) -> None:
    with client.pipeline() as pipeline:
        pipeline.set("a", 1).incr("a").hset("h", "f", "v").hgetall("h")
        assert pipeline.execute() == [True, 2, 1, {b"f": b"v"}]


@exercise
def optimistic_locking(client: Client) -> None:
    client.set("counter", 5)
    attempts = itertools.count(1)
    other = sibling(client)

    def double(pipeline: Any) -> None:
        value = int(pipeline.get("counter"))
        if next(attempts) == 1:
            other.set("counter", 7)
        pipeline.multi()
        pipeline.set("counter", value * 2)

    client.transaction(double, "counter")
    other.close()
    assert client.get("counter") == b"14"
    assert next(attempts) == 3


@exercise
def a_watched_change_is_an_error(client: Client) -> None:
    with client.pipeline() as pipeline:
        pipeline.watch("k")
        client.set("k", "changed")
        pipeline.multi()
        pipeline.get("k")
        with pytest.raises(redis.WatchError):
            pipeline.execute()


@exercise
def publish_and_subscribe(client: Client) -> None:
    subscriber = client.pubsub(ignore_subscribe_messages=True)
    subscriber.subscribe("news")
    subscriber.psubscribe("w*")
    while client.pubsub_numsub("news") != [(b"news", 1)] or client.pubsub_numpat() != 1:
        subscriber.get_message(timeout=0.1)
    assert client.publish("news", "hello") == 1
    assert client.publish("weather", "rain") == 1
    found: list[tuple[str, bytes]] = []
    for _ in range(50):
        message = subscriber.get_message(timeout=0.1)
        found += [(message["type"], message["data"])] if message else []
        if len(found) == 2:
            break
    assert found == [("message", b"hello"), ("pmessage", b"rain")]
    assert client.pubsub_channels() == [b"news"]
    subscriber.unsubscribe()
    subscriber.punsubscribe()
    subscriber.close()


@exercise
def scanning(client: Client) -> None:
    expected = {b"key:%d" % number for number in range(1000)}
    client.mset(dict.fromkeys(expected, 1))
    client.hset("h", "f", "v")
    assert set(client.scan_iter(match="key:*", count=50)) == expected
    assert set(client.scan_iter(_type="hash")) == {b"h"}


@exercise
def names_and_databases(client: Client) -> None:
    named = sibling(client, client_name="tester", db=3, decode_responses=True)
    assert named.client_getname() == "tester"
    assert named.client_info()["db"] == 3
    assert "tester" in [entry["name"] for entry in client.client_list()]
    named.set("k", "v")
    assert client.get("k") is None
    assert named.client_id() != client.client_id()
    assert client.client_kill_filter(_id=str(named.client_id())) == 1
    assert named.get("k") == "v", "it connects again by itself"
    named.close()


@exercise
def the_server(client: Client) -> None:
    info = client.info()
    assert info["loading"] == 0
    assert info["role"] == "master"
    assert info["redis_mode"] == "standalone"
    assert info["connected_clients"] >= 1
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_set("slowlog-max-len", 64) is True
    assert client.config_get("slowlog-max-len") == {"slowlog-max-len": "64"}
    client.config_set("slowlog-max-len", 128)
    seconds, microseconds = client.time()
    assert seconds > 1_700_000_000
    assert 0 <= microseconds < 1_000_000
    assert client.ping() is True
    assert client.echo("hi") == b"hi"
    assert client.command_count() > 100
    assert client.command_getkeys("SET", "k", "v") == ["k"] or client.command_getkeys("SET", "k", "v") == [
        b"k"
    ]
    assert client.slowlog_len() >= 0
    assert client.memory_usage("missing") is None


@exercise
def keys_expire(client: Client) -> None:
    client.set("k", "v", px=20)
    notifications = client.pubsub(ignore_subscribe_messages=True)
    client.config_set("notify-keyspace-events", "Ex")
    notifications.subscribe("__keyevent@0__:expired")
    client.set("soon", "v", px=20)
    for _ in range(50):
        message = notifications.get_message(timeout=0.1)
        if message and message["data"] == b"soon":
            break
    else:
        raise AssertionError("no notification of the expiry came")
    client.config_set("notify-keyspace-events", "")
    notifications.close()
    assert client.mget("k", "soon") == [None, None]


@exercise
def errors_become_exceptions(client: Client) -> None:
    client.hset("h", "f", "v")
    with pytest.raises(redis.ResponseError, match="wrong kind of value"):
        client.get("h")
    with pytest.raises(redis.ResponseError, match="unknown command 'NOSUCH'"):
        client.execute_command("NOSUCH")
    with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
        client.execute_command("GET")
    with pytest.raises(redis.ResponseError, match="out of range"):
        client.select(99)
    assert client.ping() is True


@exercise
def large_and_binary_values(client: Client) -> None:
    every_byte = bytes(range(256))
    for value in (b"", every_byte, b"\r\n" * 1000, every_byte * 40_000):
        client.set(every_byte, value)
        assert client.get(every_byte) == value


@exercise
def a_lock_without_scripts(client: Client) -> None:
    """Take turns as simple locks do: SET NX PX, then delete under WATCH."""
    assert client.set("lock", "mine", nx=True, px=10_000)
    assert client.set("lock", "yours", nx=True, px=10_000) is None

    def release(pipeline: Any) -> None:
        assert pipeline.get("lock") == b"mine"
        pipeline.multi()
        pipeline.delete("lock")

    assert client.transaction(release, "lock") == [1]


def run_all(port: int, protocol: int) -> dict[str, str]:
    """Run every exercise; return how those ended that failed, by name."""
    failures = {}
    for name in EXERCISES:
        try:
            run(name, port, protocol)
        except Exception:
            failures[name] = traceback.format_exc()
    return failures


if __name__ == "__main__":
    json.dump([redis.__version__, run_all(int(sys.argv[1]), int(sys.argv[2]))], sys.stdout)
