import re
from typing import Any

import pytest

from respcache.commands import cluster_topology as topology
from respcache.commands.cluster_view import Link
from respcache.keyspace.slots import SLOTS
from tests.commands.cluster import FakeCluster, cluster_of_two, peer
from tests.wire import parse

ME, OTHER = f"{1:040x}", f"{2:040x}"


def lines(view: FakeCluster) -> list[str]:
    return topology.nodes_text(view).splitlines()


def slots(view: FakeCluster) -> Any:  # Any: the same
    """Return the reply as RESP2 has it: a map is a list."""
    return parse(topology.slots_reply(view, 2).wire).plain()


def shards(view: FakeCluster) -> Any:  # Any: a reply, to be taken apart
    return topology.shards_reply(view)


# -- SLOTS and SHARDS ------------------------------------------------------


def test_slots_name_owners_and_their_cluster_ports() -> None:
    assert slots(cluster_of_two()) == [
        [0, 8191, [b"127.0.0.1", 7001, ME.encode(), []]],
        [8192, 16383, [b"127.0.0.1", 8002, OTHER.encode(), []]],
    ]


def test_to_who_reads_copies_slots_name_their_holders_and_each_node_is_an_owner_first() -> None:
    one, two = peer(1, is_self=True), peer(2)
    spans: list[topology.SlotRange] = [
        (0, 15, (one, two)),
        (16, 31, (one, two)),
        (32, 47, (two, one)),
        (48, 63, (two, one)),
    ]
    told: Any = parse(topology.slots_reply(FakeCluster([one, two], spans), 2, names_copies=True).wire).plain()
    assert [(row[0], [node[1] for node in row[2:]]) for row in told] == [
        (0, [7001]),
        (32, [7002]),
        (16, [7001, 7002]),
        (48, [7002, 7001]),
    ]


def test_neighbours_that_differ_in_their_copies_are_one_range_to_who_reads_at_owners() -> None:
    one, two, three = peer(1, is_self=True), peer(2), peer(3)
    view = FakeCluster([one, two, three], [(0, 15, (one, two)), (16, 31, (one, three)), (48, 63, (one, two))])
    assert [row[:2] for row in slots(view)] == [[0, 31], [48, 63]]
    assert lines(view)[0].endswith("connected 0-31 48-63")


def test_to_who_reads_copies_a_shard_has_its_replicas() -> None:
    one, two, three = peer(1, is_self=True), peer(2), peer(3)
    view = FakeCluster([one, two, three], [(0, 15, (one, two)), (16, 31, (one, three)), (32, 47, (one, two))])
    told: Any = topology.shards_reply(view, names_copies=True)
    roles = [[(node["port"], node["role"]) for node in shard["nodes"]] for shard in told]
    assert [shard["slots"] for shard in told] == [[0, 15, 32, 47], [16, 31]]
    assert roles == [[(7001, "master"), (7002, "replica")], [(7001, "master"), (7003, "replica")]]


def test_slots_without_an_owner_are_left_out() -> None:
    me = peer(1, is_self=True)
    view = FakeCluster([me], [(0, 99, (me,)), (100, 16383, ())], is_ok=False)
    assert slots(view) == [[0, 99, [b"127.0.0.1", 7001, ME.encode(), []]]]
    assert len(topology.owned_ranges(view)) == 1


def test_a_named_host_is_told_with_its_address_beside_it() -> None:
    me = peer(1, host="cache.example", bus_host="10.0.0.1", is_self=True)
    view = FakeCluster([me], [(0, SLOTS - 1, (me,))])
    assert slots(view) == [[0, 16383, [b"cache.example", 7001, ME.encode(), [b"ip", b"10.0.0.1"]]]]
    (shard,) = shards(view)
    node = shard["nodes"][0]
    assert (node["ip"], node["endpoint"], node["hostname"]) == ("10.0.0.1", "cache.example", "cache.example")
    assert lines(view) == [
        f"{ME} cache.example:7001@17001,cache.example myself,master - 0 0 0 connected 0-16383"
    ]


def test_a_shard_has_all_ranges_of_its_owner() -> None:
    me, other = peer(1, is_self=True), peer(2)
    view = FakeCluster([me, other], [(0, 15, (me, other)), (16, 31, (other, me)), (32, 16383, (me, other))])
    assert [shard["slots"] for shard in shards(view)] == [[0, 15, 32, 16383], [16, 31]]


def test_who_owns_nothing_is_no_shard() -> None:
    view = cluster_of_two()
    view.members.append(peer(3, phase="joining"))
    assert len(shards(view)) == 2
    assert len(lines(view)) == 3


def test_shard_ids_are_like_node_ids_but_none_of_them() -> None:
    ids = {topology.shard_id(one) for one in (ME, OTHER)}
    assert len(ids | {ME, OTHER}) == 4
    assert all(re.fullmatch("[0-9a-f]{40}", one) for one in ids)
    assert topology.shard_id(ME) == "b672fcf0532095ed188903aae509902c49f42a16"


# -- NODES -----------------------------------------------------------------


def test_a_line_says_where_a_member_is_and_what_it_has() -> None:
    assert lines(cluster_of_two()) == [
        f"{ME} 127.0.0.1:7001@17001 myself,master - 0 0 4 connected 0-8191",
        f"{OTHER} 127.0.0.1:8002@17002 master - 0 0 0 connected 8192-16383",
    ]


@pytest.mark.parametrize(
    ("state", "flags", "link"),
    [
        ("alive", "master", "connected"),
        ("suspect", "master,fail?", "connected"),
        ("dead", "master,fail", "disconnected"),
    ],
)
def test_flags_tell_the_state(state: str, flags: str, link: str) -> None:
    (line,) = lines(FakeCluster([peer(1, state=state)], []))
    assert line.split()[2] == flags
    assert line.split()[7] == link


def test_who_has_left_is_not_told() -> None:
    assert lines(FakeCluster([peer(1), peer(2, state="left")], [])) == lines(FakeCluster([peer(1)], []))


def test_members_stand_in_an_order_that_stays() -> None:
    members = [peer(3), peer(1), peer(2)]
    assert lines(FakeCluster(members, [])) == lines(FakeCluster(members[::-1], []))


# -- INFO ------------------------------------------------------------------


def test_slots_of_the_suspected_are_assigned_but_not_well() -> None:
    me, other = peer(1, is_self=True), peer(2, state="suspect")
    fields = topology.info_fields(FakeCluster([me, other], [(0, 9999, (me,)), (10000, 16383, (other,))]))
    assert fields["cluster_slots_assigned"] == SLOTS
    assert fields["cluster_slots_ok"] == 10000
    assert fields["cluster_slots_pfail"] == SLOTS - 10000
    assert fields["cluster_slots_fail"] == 0


def test_the_state_fails_when_the_view_does() -> None:
    view = cluster_of_two()
    assert topology.info_fields(view)["cluster_state"] == "ok"
    view.is_ok = False
    assert topology.info_fields(view)["cluster_state"] == "fail"


def test_figures_of_the_view_come_last_or_instead() -> None:
    view = cluster_of_two()
    view.told = {"cluster_stats_messages_sent": 7, "cluster_health": 0}
    fields = topology.info_fields(view)
    assert fields["cluster_stats_messages_sent"] == 7
    assert list(fields)[-1] == "cluster_health"


def test_the_section_of_info_has_each_field_once() -> None:
    view = cluster_of_two()
    view.told = {"cluster_state": "ok", "cluster_health": 0}
    assert list(topology.section_lines(view)) == [
        "cluster_enabled:1",
        "cluster_name:test",
        "cluster_state:ok",
        "cluster_known_nodes:2",
        "cluster_size:2",
        "cluster_health:0",
    ]


# -- LINKS and MEMBERS -----------------------------------------------------


def test_a_link_has_the_fields_of_redis() -> None:
    assert topology.link_reply(Link(OTHER, is_outgoing=True, opened_ms=5, queued_bytes=9)) == {
        "direction": "to",
        "node": OTHER,
        "create-time": 5,
        "events": "rw",
        "send-buffer-allocated": 9,
        "send-buffer-used": 9,
    }


def test_a_member_is_told_whole() -> None:
    told = topology.member_reply(peer(1, is_self=True, incarnation=2, partitions=512))
    assert isinstance(told, dict)
    assert (told["id"], told["incarnation"], told["partitions"], told["myself"]) == (ME, 2, 512, 1)
    assert len(told) == 15
