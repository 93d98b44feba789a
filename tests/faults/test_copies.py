from collections.abc import Sequence
from dataclasses import replace

from .copies import (
    DIFFERENT,
    NO_SERVER,
    PARTITIONS,
    STRAY,
    TOO_FEW,
    TWO_SERVERS,
    Holding,
    differences,
    holdings,
)

SERVED = [Holding(partition, True, 3, 10, b"d") for partition in range(PARTITIONS)]
COPIES = [replace(holding, is_served=False) for holding in SERVED]


def claims(*nodes: Sequence[Holding], copies: int = 2) -> list[str]:
    found = differences({f"node-{number}": held for number, held in enumerate(nodes)}, copies)
    return [finding.claim for finding in found]


def test_equal_copies_are_as_they_should_be() -> None:
    assert claims(SERVED, COPIES) == []


def test_a_single_node_needs_no_copies() -> None:
    assert claims(SERVED) == []


def test_a_copy_that_is_missing_is_found() -> None:
    assert claims(SERVED, COPIES[1:]) == [TOO_FEW]


def test_a_copy_that_differs_is_found() -> None:
    assert claims(SERVED, [replace(COPIES[0], digest=b"e"), *COPIES[1:]]) == [DIFFERENT]
    assert claims(SERVED, [replace(COPIES[0], keys=9), *COPIES[1:]]) == [DIFFERENT]


def test_a_copy_too_many_must_be_equal_too() -> None:
    assert claims(SERVED, COPIES, COPIES) == []
    assert claims(SERVED, COPIES, [replace(COPIES[0], digest=b"e")]) == [STRAY]


def test_a_partition_has_one_server() -> None:
    assert claims(SERVED, [SERVED[0], *COPIES[1:]]) == [TWO_SERVERS]
    assert claims([COPIES[0], *SERVED[1:]], COPIES) == [NO_SERVER]


def test_the_reply_of_a_node_is_read() -> None:
    reply = [[0, b"server", 7, 2, b"abcd"], [5, b"copy", 6, 0, 12345]]
    assert holdings(reply) == [Holding(0, True, 7, 2, b"abcd"), Holding(5, False, 6, 0, b"12345")]
