"""The servers that the other tests rely on start, answer, and end when told to."""

from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.servers import Server, ServerStartError, running_redis

pytestmark = pytest.mark.redis


def test_redis_answers_as_soon_as_the_fixture_is_there(redis_server: Server) -> None:
    with redis_server.client(protocol=3) as client:
        assert client.call("PING") == b"+PONG\r\n"


def test_a_server_is_started_with_the_flags_of_the_test(start_redis: StartServer) -> None:
    server = start_redis("--databases", "3")
    with server.client() as client:
        assert client.call("SELECT", "3") == b"-ERR DB index is out of range\r\n"


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerStartError, match="Bad directive"),
        running_redis(tmp_path, "--no-such-flag", "1"),
    ):
        pass


def test_a_crash_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended with -9"), running_redis(tmp_path) as server:
        server.process.kill()
