import pytest
from msgspec.structs import replace

from respcache.commands.cluster_partitions import gather
from respcache.commands.cluster_view import IN_STEP, LAGGING, Following, Held, PartitionState
from respcache.protocol.replies import ErrorReply
from tests.commands.cluster import FakeCluster, cluster_of_two
from tests.commands.harness import Harness, HarnessClient

ME, OTHER = "01" * 20, "02" * 20
STATE = PartitionState(0, 5, 10, ME, (ME, OTHER), (Following(OTHER, IN_STEP),))


@pytest.fixture
def view(harness: Harness) -> FakeCluster:
    view = cluster_of_two()
    harness.node.cluster = view
    return view


def served(count: int) -> list[PartitionState]:
    return [replace(STATE, partition=partition) for partition in range(count)]


# -- SAFE ------------------------------------------------------------------


def test_a_node_that_holds_all_with_its_copies_is_safe(view: FakeCluster, client: HarnessClient) -> None:
    view.states = served(1024)
    assert client("CLUSTER SAFE") == b"OK"
    assert client("CLUSTER SAFE MEMBERS 2") == b"OK"


def test_the_reasons_are_in_the_error(view: FakeCluster, client: HarnessClient) -> None:
    view.states = [*served(1000), replace(STATE, partition=1000, followers=())]
    assert client.raw("CLUSTER SAFE") == b"-UNSAFE degraded 1, moving 0, unserved 23\r\n"
    assert b"2 of 3 members" in client.raw("CLUSTER SAFE members 3")


@pytest.mark.usefixtures("view")
@pytest.mark.parametrize("words", ["MEMBERS", "3", "MEMBERS x", "MEMBERS 3 4", "PEOPLE 3"])
def test_other_words_are_errors_of_grammar(words: str, client: HarnessClient) -> None:
    reply = client(f"CLUSTER SAFE {words}")
    assert isinstance(reply, ErrorReply)
    assert reply.code == "ERR"


def test_a_node_says_in_numbers_what_it_adds(view: FakeCluster, client: HarnessClient) -> None:
    view.states = served(3)
    assert client("CLUSTER SAFETY")[:6] == [3, 3, 0, 0, 0, 2]


@pytest.mark.parametrize("command", ["SAFE", "SAFETY", "PARTITIONS", "DIGEST"])
def test_a_server_alone_says_so(command: str) -> None:
    assert (
        Harness().client().raw(f"CLUSTER {command}") == b"-ERR This instance has cluster support disabled\r\n"
    )


# -- PARTITIONS ------------------------------------------------------------


def test_neighbours_that_differ_in_keys_only_are_one_row(view: FakeCluster, client: HarnessClient) -> None:
    view.states = [*served(3), replace(STATE, partition=3, epoch=6), replace(STATE, partition=5, epoch=6)]
    first, second, third = client("CLUSTER PARTITIONS")
    me, other = ME.encode(), OTHER.encode()
    assert first == [0, 2, b"safe", 5, 30, me, [me, other], [other, b"in-step"]]
    assert second[:5] == [3, 3, b"safe", 6, 10]
    assert third[:2] == [5, 5]


def test_copies_that_lag_are_told(view: FakeCluster, client: HarnessClient) -> None:
    view.states = [replace(STATE, followers=(Following(OTHER, LAGGING),))]
    ((_, _, state, *_, copies),) = client("CLUSTER PARTITIONS")
    assert (state, copies[1]) == (b"degraded", b"lagging")


def test_the_rows_of_those_who_answer_are_told_whoever_does_not() -> None:
    wires = [b"*1\r\n*1\r\n:7\r\n", b"-TIMEOUT silent\r\n", b"*0\r\n", b"*2\r\n*0\r\n*0\r\n"]
    assert gather([], wires) == b"*3\r\n*1\r\n:7\r\n*0\r\n*0\r\n"


# -- DIGEST ----------------------------------------------------------------


def test_what_a_node_has_is_told_whole_or_by_partition(view: FakeCluster, client: HarnessClient) -> None:
    view.stored = [Held(1, "server", 4, 2, b"\x01\xff"), Held(7, "copy", 5, 0, b"\x00")]
    one, other = [1, b"server", 4, 2, b"01ff"], [7, b"copy", 5, 0, b"00"]
    assert client("CLUSTER DIGEST") == [one, other]
    assert client("CLUSTER DIGEST 7") == [other]
    assert client("CLUSTER DIGEST 8") == []


@pytest.mark.usefixtures("view")
@pytest.mark.parametrize("words", ["1024", "-1", "x", "1 2"])
def test_what_is_no_partition_is_refused(words: str, client: HarnessClient) -> None:
    assert isinstance(client(f"CLUSTER DIGEST {words}"), ErrorReply)


# -- ACCEPT-LOSS -----------------------------------------------------------


def test_losses_are_accepted_when_an_operator_says_so(view: FakeCluster, client: HarnessClient) -> None:
    assert client("CLUSTER ACCEPT-LOSS") == 7
    assert view.accepted == 1
    assert isinstance(client("CLUSTER ACCEPT-LOSS all"), ErrorReply)
    assert view.accepted == 1
