import pytest

from tests.commands.harness import Harness
from tests.wire import RawClient, words

ALIKE = [
    "CLUSTER",
    "CLUSTER NOSUCH",
    "CLUSTER INFO",
    "CLUSTER MYID",
    "CLUSTER NODES",
    "CLUSTER SLOTS",
    "CLUSTER SLOTS x",
    "CLUSTER SHARDS",
    "CLUSTER KEYSLOT a",
    "CLUSTER HELP",
    "READONLY",
    "READWRITE",
    "ASKING",
]


@pytest.mark.redis
@pytest.mark.parametrize("line", ALIKE)
def test_a_server_alone_says_so_in_the_words_of_redis(line: str, real: RawClient) -> None:
    assert Harness().client().raw(line) == real.call(*words(line))
