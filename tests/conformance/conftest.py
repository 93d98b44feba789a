"""The two servers that are compared, ready for case after case."""

from collections.abc import Iterator

import pytest

from tests.conformance.harness import Stage
from tests.servers import Server


@pytest.fixture(scope="session")
def reference(redis_server: Server) -> Iterator[Stage]:
    stage = Stage(redis_server)
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def target(respcache_server: Server) -> Iterator[Stage]:
    stage = Stage(respcache_server)
    yield stage
    stage.close()
