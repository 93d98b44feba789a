import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.keyspace.slots import (
    PARTITIONS,
    SLOTS,
    SLOTS_PER_PARTITION,
    key_partition,
    key_slot,
    partition_of,
    slots_of,
)


def crc16(data: bytes) -> int:
    """Compute CRC16/XMODEM bit by bit, as its definition says."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ (0x1021 if crc & 0x8000 else 0)
        crc &= 0xFFFF
    return crc


def hashed_part(key: bytes) -> bytes:
    found = re.search(rb"\{([^}]*)\}", key)
    return found[1] if found and found[1] else key


def test_the_hash_is_that_of_the_specification() -> None:
    assert key_slot(b"123456789") == 0x31C3  # CRC16/XMODEM's check value; it is below 16384


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"{user1000}.following", b"user1000"),
        (b"foo{bar}{zap}", b"bar"),
        (b"foo{{bar}}zap", b"{bar"),
        (b"}a{b}", b"b"),
        (b"{\x00\xff}", b"\x00\xff"),
    ],
)
def test_only_the_tag_is_hashed(key: bytes, hashed: bytes) -> None:
    assert key_slot(key) == crc16(hashed) % SLOTS


@pytest.mark.parametrize("key", [b"", b"foo{}{bar}", b"{}", b"a{b", b"a}b{", b"{", b"}"])
def test_a_key_without_a_tag_is_hashed_whole(key: bytes) -> None:
    assert key_slot(key) == crc16(key) % SLOTS


@given(st.lists(st.sampled_from([b"{", b"}", b"a", b"\x00", b"\xff"])).map(b"".join))
@example(b"{a\n}b")
def test_every_key_has_the_slot_of_its_hashed_part(key: bytes) -> None:
    assert key_slot(key) == crc16(hashed_part(key)) % SLOTS


@given(st.integers(0, SLOTS - 1))
def test_partitions_are_runs_of_slots(slot: int) -> None:
    assert slot in slots_of(partition_of(slot))


def test_partitions_cover_all_slots_once() -> None:
    assert [slot for partition in range(PARTITIONS) for slot in slots_of(partition)] == list(range(SLOTS))
    assert SLOTS_PER_PARTITION == 16


@given(st.one_of(st.binary(), st.binary().map(lambda tag: b"a{" + tag + b"}b")))
def test_the_partition_of_a_key_is_that_of_its_slot(key: bytes) -> None:
    assert key_partition(key) == partition_of(key_slot(key))
