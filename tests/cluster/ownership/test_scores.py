from math import log

import pytest

from respcache.cluster.ownership.scores import fractions, scores
from respcache.keyspace.slots import PARTITIONS
from tests.cluster.ownership.candidates import candidates

# Change these, and nodes of two versions serve each other's partitions.
GOLDEN = {
    ("0000000000000000000000000000000000000000", 0): "0x1.e570e7cd31aa3p-1",
    ("0000000000000000000000000000000000000000", 1): "0x1.2362a61c1fb33p-1",
    ("0000000000000000000000000000000000000000", 8): "0x1.746184007bb2ap-2",
    ("0000000000000000000000000000000000000000", 1023): "0x1.7f21195df6a52p-2",
    ("ffffffffffffffffffffffffffffffffffffffff", 0): "0x1.9f9ff6daf5823p-1",
    ("ffffffffffffffffffffffffffffffffffffffff", 1): "0x1.336991817e1dbp-1",
    ("ffffffffffffffffffffffffffffffffffffffff", 8): "0x1.f0aa83995bce9p-1",
    ("ffffffffffffffffffffffffffffffffffffffff", 1023): "0x1.2ad4e6b4df457p-1",
    ("000102030405060708090a0b0c0d0e0f10111213", 0): "0x1.d6da616b7baa4p-3",
    ("000102030405060708090a0b0c0d0e0f10111213", 1): "0x1.4ac6f6561d574p-3",
    ("000102030405060708090a0b0c0d0e0f10111213", 8): "0x1.f2f62c9934c1cp-3",
    ("000102030405060708090a0b0c0d0e0f10111213", 1023): "0x1.ad81eae738584p-3",
}


def test_the_hash_is_fixed_for_ever() -> None:
    found = {(node, partition): fractions(bytes.fromhex(node))[partition].hex() for node, partition in GOLDEN}
    assert found == GOLDEN


def test_every_partition_has_a_fraction_of_its_own() -> None:
    found = fractions(bytes(20))
    assert len(set(found)) == len(found) == PARTITIONS
    assert all(0.0 < h < 1.0 for h in found)


def test_fractions_are_spread_evenly() -> None:
    found = [h for one in candidates(20) for h in fractions(one.id)]
    tenths = [sum(low <= 10 * h < low + 1 for h in found) for low in range(10)]
    assert min(tenths) > 0.9 * len(found) / 10


@pytest.mark.parametrize("weight", [0.5, 1.0, 3.0])
def test_a_score_grows_with_the_weight_and_the_fraction(weight: float) -> None:
    found = scores(bytes(20), weight)
    assert found == [-weight / log(h) for h in fractions(bytes(20))]
    assert all(score > 0 for score in found)
