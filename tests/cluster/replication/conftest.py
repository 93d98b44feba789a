"""A stream of records, and who takes them."""

import pytest

from respcache.cluster.replication.stream import Stream
from tests.cluster.replication.followers import Follower


@pytest.fixture
def stream() -> Stream:
    return Stream(1)


@pytest.fixture
def follower(stream: Stream) -> Follower:
    return Follower(stream)
