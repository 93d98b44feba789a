"""A server without sockets, one client of it, and what its journal tells."""

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


@pytest.fixture(scope="module")
def real(redis_server: Server) -> Iterator[RawClient]:
    """Speak RESP3 with a redis-server that many tests share."""
    with redis_server.client(protocol=3) as client:
        yield client
