"""Fixtures shared by all tests: real servers, and Hypothesis' profiles.

``redis_server`` and ``respcache_server`` run for a whole session (one pair per worker under xdist). ``start_redis`` and
``start_respcache`` start further ones with flags of their own, which end with the test. ``postgresql`` runs for a session, too.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.servers import Server, running_redis, running_respcache

if TYPE_CHECKING:
    from tests.certificates import Files
    from tests.postgresql import PostgreSQL

StartServer = Callable[..., Server]

# Where everybody waits for the result the examples are the same every time; at a desk they are new ones.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")


# The two servers of a session start alike. respcache's own default policy evicts, as a cache should; clients ask for
# Redis' own. And on a busy machine a command may take 10 ms, and would stand in one slow log and not in the other.
ALIKE = ["--maxmemory-policy", "noeviction", "--slowlog-log-slower-than", "1000000"]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_redis(tmp_path_factory.mktemp("redis"), *ALIKE) as server:
        yield server


@pytest.fixture(scope="session")
def respcache_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_respcache(tmp_path_factory.mktemp("respcache"), *ALIKE) as server:
        yield server


@pytest.fixture
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    with ExitStack() as running:
        yield lambda *flags: running.enter_context(running_redis(tmp_path_factory.mktemp("redis"), *flags))


@pytest.fixture
def start_respcache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    with ExitStack() as running:
        yield lambda *flags: running.enter_context(
            running_respcache(tmp_path_factory.mktemp("respcache"), *flags)
        )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> "Files":
    from tests.certificates import write_certificates  # a fifth of a second, for the few that need them

    return write_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def postgresql() -> "Iterator[PostgreSQL]":
    from tests.postgresql import running_postgresql  # its client takes a tenth of a second

    with running_postgresql() as server:
        yield server
