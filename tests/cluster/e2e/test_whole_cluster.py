"""Commands about all keys mean all keys of the cluster, whichever node is asked."""

from tests.cluster.e2e.conversation import MISSING, values, walk, write
from tests.cluster.processes import Cluster, slot_of
from tests.wire import parse

KEYS = [b"key:%d" % number for number in range(500)]


def test_dbsize_counts_the_keys_of_all_nodes(cluster: Cluster) -> None:
    write(cluster[0], KEYS, b"v")
    assert [node.call("DBSIZE").plain() for node in cluster] == [len(KEYS)] * 3


def test_keys_lists_those_of_all_nodes(cluster: Cluster) -> None:
    write(cluster[0], KEYS, b"v")
    for node in cluster:
        found = [child.text for child in node.call("KEYS", "key:1*").children]
        assert sorted(found) == sorted(key for key in KEYS if key.startswith(b"key:1"))


def test_a_full_walk_yields_every_key_once(cluster: Cluster) -> None:
    write(cluster[0], KEYS, b"v")
    for node in cluster:
        with node.client() as client:
            assert sorted(walk(client)) == sorted(KEYS)
            assert sorted(walk(client, "COUNT", "7")) == sorted(KEYS)
            assert sorted(walk(client, "MATCH", "key:*9", "COUNT", "1000")) == sorted(
                key for key in KEYS if key.endswith(b"9")
            )


def test_a_walk_begun_elsewhere_goes_on_anywhere(cluster: Cluster) -> None:
    write(cluster[0], KEYS, b"v")
    cursor, found, turn = b"0", [], 0
    while True:
        cursor_reply, keys = cluster[turn % 3].call("SCAN", cursor, "COUNT", "20").children
        found += [key.text for key in keys.children]
        cursor, turn = cursor_reply.text, turn + 1
        if cursor == b"0":
            break
        assert turn < 1000
    assert sorted(found) == sorted(KEYS)


def test_a_random_key_may_be_any_nodes(cluster: Cluster) -> None:
    write(cluster[0], KEYS, b"v")
    with cluster[0].client() as client:
        drawn = {parse(reply).text for reply in client.pipeline([[b"RANDOMKEY"]] * 200)}
    assert drawn <= set(KEYS)
    owners = cluster.owners()
    assert {owners[slot_of(key)] for key in drawn} == set(cluster)


def test_no_random_key_is_null(cluster: Cluster) -> None:
    assert [node.call("RANDOMKEY").plain() for node in cluster] == [None] * 3


def test_a_random_key_is_found_even_if_it_is_the_only_one(cluster: Cluster) -> None:
    write(cluster[0], [b"only"], b"v")
    for node in cluster:
        with node.client() as client:
            assert set(client.pipeline([[b"RANDOMKEY"]] * 20)) == {b"$4\r\nonly\r\n"}


def test_each_database_is_one_of_its_own_everywhere(cluster: Cluster) -> None:
    for number in range(16):
        write(cluster[number % 3], KEYS[:30], b"%d" % number, database=number)
    for node in cluster:
        for number in range(16):
            expected = b"$%d\r\n%d\r\n" % (len(str(number)), number)
            assert values(node, KEYS[:30], database=number) == [expected] * 30


def test_flushdb_empties_one_database_everywhere(cluster: Cluster) -> None:
    for number, emptier in enumerate(cluster):
        write(cluster[0], KEYS, b"zero")
        write(cluster[0], KEYS, b"one", database=1)
        assert emptier.call("FLUSHDB").text == b"OK", number
        for node in cluster:
            assert values(node, KEYS) == [MISSING] * len(KEYS)
            assert values(node, KEYS, database=1) == [b"$3\r\none\r\n"] * len(KEYS)


def test_flushall_empties_all_databases_everywhere(cluster: Cluster) -> None:
    for emptier in cluster:
        write(cluster[0], KEYS, b"zero")
        write(cluster[0], KEYS, b"one", database=1)
        assert emptier.call("FLUSHALL").text == b"OK"
        for node in cluster:
            with node.client() as client:
                replies = client.pipeline([[b"DBSIZE"], [b"SELECT", b"1"], [b"DBSIZE"]])
            assert replies == [b":0\r\n", b"+OK\r\n", b":0\r\n"]


def test_commands_about_the_node_stay_on_it(cluster: Cluster) -> None:
    for node in cluster:
        node.call("CONFIG", "SET", "slowlog-max-len", str(100 + node.port % 100))
    for node in cluster:
        assert node.call("CONFIG", "GET", "slowlog-max-len").plain() == [
            b"slowlog-max-len",
            b"%d" % (100 + node.port % 100),
        ]
    assert len({node.call("CLUSTER", "MYID").text for node in cluster}) == 3


def test_a_value_of_five_megabytes_goes_through_a_node_that_does_not_own_it(cluster: Cluster) -> None:
    value = bytes(range(256)) * (5 << 12)
    key = cluster.keys_of(cluster[2], 1)[0]
    assert cluster[0].call("SET", key, value, timeout_seconds=10).text == b"OK"
    for node in cluster:
        assert node.call("GET", key, timeout_seconds=10).text == value
    assert cluster[1].call("STRLEN", key).plain() == len(value)
