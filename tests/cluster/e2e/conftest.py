"""Clusters of real processes: one of three nodes for the tests that leave it whole, and new ones for those that do not."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

import pytest

from tests.cluster.processes import Cluster, running_cluster

StartCluster = Callable[..., Cluster]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cluster: runs several real nodes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if "cluster/e2e" in item.path.as_posix()]
    for item in ours:
        item.add_marker("cluster")
    # Who shares a cluster comes last and together: while it stands it takes a tenth of a processor, in each worker.
    places = [place for place, item in enumerate(items) if "cluster/e2e" in item.path.as_posix()]
    ours.sort(key=lambda item: "three_nodes" in getattr(item, "fixturenames", ()))
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the nodes have to say to a failure: their views and the ends of their logs."""
    report = yield
    if report.failed and call.when == "call" and isinstance(item, pytest.Function):
        for cluster in {thing for thing in item.funcargs.values() if isinstance(thing, Cluster)}:
            report.sections.append(("the nodes", cluster.report()))
    return report


# They end with the package, and not with the session.
@pytest.fixture(scope="package")
def three_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # Timers of the default profile: a node that a test stops for a moment is not dead.
    directory = tmp_path_factory.mktemp("cluster")
    with running_cluster(directory, 3, profile="lan", has_cluster_ports=True) as cluster:
        yield cluster


@pytest.fixture
def cluster(three_nodes: Cluster) -> Cluster:
    """Three empty nodes, which a test leaves as it found them."""
    assert three_nodes[0].call("FLUSHALL").text == b"OK"
    return three_nodes


@pytest.fixture
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartCluster]:
    """Start clusters that a test may break; they end with it."""
    with ExitStack() as running:
        yield lambda count, *flags, **options: running.enter_context(
            running_cluster(tmp_path_factory.mktemp("cluster"), count, *flags, **options)
        )
