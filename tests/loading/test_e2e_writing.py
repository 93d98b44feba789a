"""A real server writes to a real database, and loses nothing: not when it is told to stop, nor while the database is away."""

import json
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.loading.e2e_writing import counts, rows
from tests.servers import STOP_SECONDS, TARGET, Server, running_respcache
from tests.wire import RawClient, encode_command

pytestmark = pytest.mark.skipif(TARGET != "respcache", reason="about respcache's own loaders")

PATIENCE_S = 30.0
KEYS = 1000
WRITES = 20_000
AT_ONCE = 1000


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "items.sqlite")


@pytest.fixture
def serve(tmp_path: Path, database: str) -> Callable[..., AbstractContextManager[Server]]:
    def start(**settings: str | float) -> AbstractContextManager[Server]:
        table = {"class": "tests.loading.e2e_writing:Items", "options": {"path": database}, **settings}
        return running_respcache(tmp_path, "--loading-loaders", json.dumps([table]))

    return start


def write_many(client: RawClient, chance: random.Random, count: int) -> dict[bytes, bytes]:
    """SET keys in pipelines; return what each was set to last."""
    last: dict[bytes, bytes] = {}
    for first in range(0, count, AT_ONCE):
        lines = []
        for number in range(first, min(first + AT_ONCE, count)):
            key, value = b"item:%d" % chance.randrange(KEYS), b"%d" % number
            last[key] = value
            lines.append(encode_command([b"SET", key, value]))
        client.send(b"".join(lines))
        assert set(client.read_replies(len(lines))) == {b"+OK\r\n"}
    return last


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_many_writes_of_few_keys_are_few_writes_of_rows(
    serve: Callable[..., AbstractContextManager[Server]], database: str
) -> None:
    """The window is longer than the test, so that a slow machine sees no more of them than a quick one."""
    with serve(write="behind", write_window_ms=60_000) as server, server.client(timeout_seconds=60) as client:
        last = write_many(client, random.Random(1), WRITES)
        assert counts(database) == (0, 0)
    assert rows(database) == last
    assert counts(database) == (1, len(last))
    assert len(last) == KEYS


def test_they_are_written_while_the_server_goes_on(
    serve: Callable[..., AbstractContextManager[Server]], database: str
) -> None:
    with serve(write="behind") as server, server.client(timeout_seconds=60) as client:
        last = write_many(client, random.Random(2), 10_000)
        eventually(lambda: rows(database) == last)
        assert client.call("GET", "item:0") == b"$%d\r\n%b\r\n" % (len(last[b"item:0"]), last[b"item:0"])


def test_a_signal_in_the_middle_loses_nothing_that_was_answered(
    serve: Callable[..., AbstractContextManager[Server]], database: str
) -> None:
    with serve(write="behind", write_window_ms=500) as server, server.client(timeout_seconds=60) as client:
        last = write_many(client, random.Random(3), 20_000)
        more = {b"item:%d" % number: b"more" for number in range(500)}
        client.send(b"".join(encode_command([b"SET", key, value]) for key, value in more.items()))
        server.process.terminate()
        answered = client.read_until_closed().count(b"+OK\r\n")
        assert server.process.wait(STOP_SECONDS) == 0
    found = rows(database)
    # Replies come in order, so the first so many of them were answered, and of the others nobody knows.
    for number, key in enumerate(more):
        if number < answered:
            last[key] = b"more"
    assert all(found[key] in {value, more.get(key, value)} for key, value in last.items())
    assert all(found[key] == b"more" for key in list(more)[:answered])


def test_a_database_that_is_away_for_seconds_loses_nothing(
    serve: Callable[..., AbstractContextManager[Server]], database: str
) -> None:
    away = Path(database + ".down")
    with serve(write="behind") as server, server.client(timeout_seconds=60) as client:
        chance = random.Random(4)
        last = write_many(client, chance, 2000)
        away.touch()
        last |= write_many(client, chance, 2000)
        time.sleep(2)
        last |= write_many(client, chance, 2000)
        away.unlink()
        begun_s = time.monotonic()
        eventually(lambda: rows(database) == last)
        assert time.monotonic() - begun_s < PATIENCE_S


def test_what_is_written_through_is_there_when_it_is_answered(
    serve: Callable[..., AbstractContextManager[Server]], database: str
) -> None:
    with serve(write="through") as server, server.client() as client:
        assert client.call("SET", "item:1", "1") == b"+OK\r\n"
        assert rows(database) == {b"item:1": b"1"}
        assert client.call("INCR", "item:1") == b":2\r\n"
        assert rows(database) == {b"item:1": b"2"}
        Path(database + ".down").touch()
        assert client.call("INCR", "item:1") == b"-WRITEFAILED ConnectionError: the database is away\r\n"
        assert client.call("GET", "item:1") == b"$1\r\n2\r\n"
        Path(database + ".down").unlink()
        assert client.call("DEL", "item:1") == b":1\r\n"
        assert rows(database) == {}
