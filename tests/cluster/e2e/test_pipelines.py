"""A long pipeline of mixed commands is answered by a cluster as by one server, byte for byte.

``python -m tests.cluster.e2e.pipelines`` does it with hundreds of seeds.
"""

import pytest

from tests.cluster.e2e.pipelines import differences, random_pipeline, run_pipeline
from tests.cluster.processes import Cluster
from tests.servers import Server

SEEDS = range(4)


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_pipeline_through_any_node(
    seed: int, protocol: int, cluster: Cluster, respcache_server: Server
) -> None:
    commands = random_pipeline(seed)
    expected = run_pipeline(respcache_server, commands, protocol)
    for node in cluster:
        assert not differences(commands, expected, run_pipeline(node, commands, protocol))


@pytest.mark.redis
@pytest.mark.parametrize("seed", SEEDS)
def test_the_single_server_is_right(seed: int, redis_server: Server, respcache_server: Server) -> None:
    commands = random_pipeline(seed)
    expected = run_pipeline(redis_server, commands, 2)
    assert not differences(commands, expected, run_pipeline(respcache_server, commands, 2))
