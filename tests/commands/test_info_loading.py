from tests.commands.harness import Harness, HarnessClient
from tests.commands.loaders import FakeControls, report


def test_without_loaders_their_number_alone_is_told(client: HarnessClient) -> None:
    assert client("INFO loading") == b"# Loading\r\nloading_loaders:0\r\n"


def test_loaders_are_told_of_together_and_in_a_line_each(harness: Harness, client: HarnessClient) -> None:
    loads = harness.node.loads = FakeControls()
    loads.told = [report("users"), report("odd", pattern="a=[,]\r\n*", state="paused")]
    assert client("INFO loading").decode().splitlines() == [
        "# Loading",
        "loading_loaders:2",
        "loading_requested:4",
        "loading_failed:2",
        "loading_total_calls:14",
        "loading_total_failed:6",
        "loader_users:pattern=users:*,db=0,state=closed,requested=2,failed=1,total_calls=7,total_failed=3",
        r"loader_odd:pattern=a\x3d[\x2c]\x0d\x0a*,db=0,state=paused,requested=2,failed=1,total_calls=7,total_failed=3",
    ]


def test_the_longest_of_all_waits_is_told_and_not_their_sum(harness: Harness, client: HarnessClient) -> None:
    loads = harness.node.loads = FakeControls()
    loads.told = [report("a", totals={"slowest_ms": 7}), report("b", totals={"slowest_ms": 5})]
    assert b"loading_total_slowest_ms:7\r\n" in client("INFO loading")
