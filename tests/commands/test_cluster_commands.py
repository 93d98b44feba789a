from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from respcache.commands.cluster_commands import REFUSED
from respcache.commands.cluster_errors import crossslot
from respcache.commands.cluster_view import Link
from respcache.keyspace.slots import SLOTS, key_slot
from respcache.protocol.replies import ErrorReply
from tests.commands.cluster import FakeCluster, cluster_of_two, peer
from tests.commands.harness import Harness, HarnessClient
from tests.rows import every_row
from tests.servers import Server, free_port, running_redis
from tests.wire import RawClient, parse, words

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
    "CLUSTER COUNTKEYSINSLOT x",
    "CLUSTER REPLICAS x",
    "CLUSTER MEET a 1",
    "CLUSTER MEET a",
    "CLUSTER HELP",
    "READONLY",
    "READWRITE",
    "ASKING",
]


@pytest.mark.redis
@every_row("line", ALIKE)
def test_a_server_alone_says_so_in_the_words_of_redis(line: str, real: RawClient) -> None:
    assert Harness().client().raw(line) == real.call(*words(line))


# -- beside a node of a Redis Cluster --------------------------------------


@pytest.fixture(scope="module")
def real_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a node of a Redis Cluster that is alone and has all slots but some."""
    flags = [
        "--cluster-enabled",
        "yes",
        "--cluster-announce-ip",
        "127.0.0.1",
        "--cluster-port",
        str(free_port()),
    ]
    with running_redis(tmp_path_factory.mktemp("redis-cluster"), *flags) as server, server.client() as client:
        client.call("CLUSTER", "ADDSLOTSRANGE", "0", "5", "7", "7", "16", "16383")
        yield server


def double_of(real_node: Server) -> Harness:
    """Make a node of ours whose view is that of a real one."""
    with real_node.client() as client:
        line = parse(client.call("CLUSTER", "NODES")).text.decode().split()
    bus_port = int(line[1].rpartition("@")[2])
    me = replace(peer(int(line[0], 16), port=real_node.port, is_self=True), bus_port=bus_port)
    harness = Harness()
    harness.node.cluster = FakeCluster([me], [(0, 5, (me,)), (7, 7, (me,)), (16, 16383, (me,))])
    return harness


@pytest.mark.redis
@every_row("protocol", [2, 3])
@every_row(
    "line",
    [
        "CLUSTER SLOTS",
        "CLUSTER SHARDS",
        "CLUSTER NODES",
        "CLUSTER MYID",
        "CLUSTER LINKS",
        "CLUSTER KEYSLOT 'foo{bar}zap'",
        "CLUSTER KEYSLOT ''",
        "CLUSTER KEYSLOT",
        "CLUSTER COUNTKEYSINSLOT 0",
        "CLUSTER COUNTKEYSINSLOT x",
        "CLUSTER COUNTKEYSINSLOT -1",
        "CLUSTER COUNTKEYSINSLOT 16384",
        "CLUSTER GETKEYSINSLOT 0 10",
        "CLUSTER GETKEYSINSLOT x 1",
        "CLUSTER GETKEYSINSLOT 0 x",
        "CLUSTER GETKEYSINSLOT 0 -1",
        "CLUSTER GETKEYSINSLOT 16384 1",
        "CLUSTER REPLICAS x",
        "CLUSTER NOSUCH",
        "CLUSTER NODES x",
        "CLUSTER",
        "READONLY",
        "READWRITE",
        "ASKING",
        *(f"CLUSTER {name}" for name, least in REFUSED.items() if abs(least) > 2),
    ],
)
def test_the_answers_are_those_of_a_redis_cluster(line: str, protocol: int, real_node: Server) -> None:
    with real_node.client(protocol=protocol) as client:
        assert double_of(real_node).client(protocol).raw(line) == client.call(*words(line))


@pytest.mark.redis
def test_the_figures_have_the_names_of_redis(real_node: Server) -> None:
    def names(info: bytes) -> list[bytes]:
        return [line.partition(b":")[0] for line in info.splitlines()]

    with real_node.client() as client:
        theirs = parse(client.call("CLUSTER", "INFO")).text
    assert names(double_of(real_node).client()("CLUSTER INFO")) == names(theirs)


@pytest.mark.redis
def test_crossing_slots_is_refused_in_the_words_of_redis(real_node: Server) -> None:
    with real_node.client() as client:
        assert client.call("MGET", "a", "b") == b"-CROSSSLOT %b\r\n" % crossslot().message.encode()


# -- a node of a cluster ---------------------------------------------------


@pytest.fixture
def view(harness: Harness) -> FakeCluster:
    view = cluster_of_two()
    harness.node.cluster = view
    return view


@pytest.mark.usefixtures("view")
def test_all_slots_are_told(client: HarnessClient) -> None:
    told = client("CLUSTER SLOTS")
    assert sum(last - first + 1 for first, last, *_ in told) == SLOTS
    assert [len(entry) for entry in told] == [3, 3]  # no replicas


@pytest.mark.usefixtures("view")
def test_this_node_knows_itself(client: HarnessClient) -> None:
    my_id = client("CLUSTER MYID")
    (mine,) = [line for line in client("CLUSTER NODES").splitlines() if b"myself" in line]
    assert mine.startswith(my_id)
    assert len(client("CLUSTER MYSHARDID")) == len(my_id) == 40


@pytest.mark.usefixtures("view")
def test_members_are_maps(client: HarnessClient) -> None:
    me, other = client("CLUSTER MEMBERS")
    assert me[b"myself"] == 1
    assert other[b"cluster-port"] == 8002
    assert other[b"weight"] == 1.0


def test_the_dead_are_told_and_those_who_left_are_not(client: HarnessClient, view: FakeCluster) -> None:
    view.members += [peer(3, state="dead"), peer(4, state="left")]
    assert [one[b"state"] for one in client("CLUSTER MEMBERS")] == [b"alive", b"alive", b"dead"]
    assert b"cluster_known_nodes:3\r\n" in client("CLUSTER INFO")


def test_links_are_maps(client: HarnessClient, view: FakeCluster) -> None:
    view.connections = [Link("2" * 40, is_outgoing=False, opened_ms=7, queued_bytes=0)]
    (link,) = client("CLUSTER LINKS")
    assert (link[b"direction"], link[b"create-time"], link[b"events"]) == (b"from", 7, b"r")


@pytest.mark.usefixtures("view")
def test_no_node_has_replicas(client: HarnessClient) -> None:
    assert client("CLUSTER", "REPLICAS", f"{2:040x}") == []


@pytest.mark.usefixtures("view")
def test_keys_of_a_slot_are_counted_and_listed(client: HarnessClient) -> None:
    client("MSET {a}1 x {a}2 x {b}1 x")
    slot = key_slot(b"a")
    assert client("CLUSTER KEYSLOT a") == slot
    assert client("CLUSTER", "COUNTKEYSINSLOT", slot) == 2
    assert set(client("CLUSTER", "GETKEYSINSLOT", slot, 10)) == {b"{a}1", b"{a}2"}
    assert len(client("CLUSTER", "GETKEYSINSLOT", slot, 1)) == 1


def test_expired_keys_are_not_counted(harness: Harness, client: HarnessClient, view: FakeCluster) -> None:
    client("SET a x PX 10")
    harness.clock.advance(20)
    assert client("CLUSTER", "COUNTKEYSINSLOT", key_slot(b"a")) == 0


@pytest.mark.usefixtures("view")
@pytest.mark.parametrize(("name", "least"), REFUSED.items())
def test_nobody_builds_the_cluster_by_hand(name: str, least: int, client: HarnessClient) -> None:
    reply = client("CLUSTER", name.lower(), *["x"] * (abs(least) - 2))
    assert isinstance(reply, ErrorReply)
    assert reply.message == (
        f"CLUSTER {name} is not needed: members find each other and share the slots by themselves"
    )


@pytest.mark.usefixtures("view")
def test_help_names_every_subcommand_that_helps(harness: Harness, client: HarnessClient) -> None:
    forms = {line.split()[0].decode() for line in client("CLUSTER HELP")[1:] if not line.startswith(b" ")}
    table = harness.node.table
    declared = {one.name.split()[1] for one in table.children(table["CLUSTER"])}
    assert forms == declared - set(REFUSED)


@pytest.mark.usefixtures("view")
def test_info_tells_of_the_cluster(client: HarnessClient) -> None:
    assert b"cluster_enabled:1\r\ncluster_name:test\r\ncluster_state:ok\r\n" in client("INFO cluster")


def test_leave_stops_the_node_of_a_cluster() -> None:
    harness = Harness()
    assert "disabled" in str(harness.client()("CLUSTER LEAVE"))
    assert not harness.host.asked_to_stop
    harness.node.cluster = cluster_of_two()
    assert harness.client()("CLUSTER LEAVE") == b"OK"
    assert harness.host.asked_to_stop


@pytest.mark.usefixtures("view")
def test_readonly_is_for_clients_of_the_cluster_port_until_they_say_readwrite_or_reset(
    client: HarnessClient,
) -> None:
    client("READONLY")
    assert not client.record.reads_copies
    client.record.is_redirected = True
    for end in ("READWRITE", "RESET"):
        client("READONLY")
        assert client.record.reads_copies
        client(end)
        assert not client.record.reads_copies
