"""A call concerns the slots of the keys that it names, and of nothing else."""

from collections.abc import Sequence

import pytest

from respcache.cluster.bus.places import first_key, partitions_of_keys, slots_of
from respcache.keyspace.slots import key_partition, key_slot
from tests.commands.harness import Harness

TABLE = Harness().node.table


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("GET a", ["a"]),
        ("MSET a b c d", ["a", "c"]),
        ("MGET {t}a {t}b", ["{t}"]),
        ("OBJECT ENCODING a", ["a"]),
        ("PUBLISH a b", []),
        ("PING a", []),
    ],
)
def test_the_places_of_a_call_are_those_of_its_keys(words: str, keys: Sequence[str]) -> None:
    argv = words.encode().split()
    command = TABLE.resolve(argv)
    assert slots_of(command, argv) == {key_slot(key.encode()) for key in keys}
    assert partitions_of_keys(command, argv) == {key_partition(key.encode()) for key in keys}


def test_a_channel_is_no_key_although_it_has_a_slot() -> None:
    argv = [b"SPUBLISH", b"a", b"b"]
    assert slots_of(TABLE.resolve(argv), argv) == set()


def test_commands_that_are_cut_say_where_their_keys_begin() -> None:
    assert first_key(TABLE.resolve([b"MGET", b"a", b"b"])) == 1
