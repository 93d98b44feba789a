"""A server without sockets, one client of it, and what copies of it would receive."""

from collections.abc import Iterator

import pytest

from tests.commands.harness import Harness, HarnessClient
from tests.commands.recorder import Recorder
from tests.servers import Server
from tests.wire import RawClient


@pytest.fixture
def harness() -> Harness:
    return Harness()


@pytest.fixture
def client(harness: Harness) -> HarnessClient:
    return harness.client()


@pytest.fixture
def recorder(harness: Harness) -> Recorder:
    return Recorder(harness)


@pytest.fixture
def effects(harness: Harness) -> list[list[bytes]]:
    """Collect the words that copies would receive, from now on."""
    received: list[list[bytes]] = []
    harness.dispatcher.on_effect = received.append
    harness.dispatcher.refresh()
    return received


@pytest.fixture(scope="module")
def real(redis_server: Server) -> Iterator[RawClient]:
    """Speak RESP3 with a redis-server that many tests share."""
    with redis_server.client(protocol=3) as client:
        yield client
