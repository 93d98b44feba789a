"""Slots in compiled code are those of the Python function, which in turn are Redis'."""

from hypothesis import given
from hypothesis import strategies as st

from respcache._speedups import slots
from respcache.keyspace.slots import key_slot

KEYS = st.binary(max_size=40) | st.lists(st.sampled_from([b"{", b"}", b"a", b"bc", b""]), max_size=8).map(
    b"".join
)


@given(KEYS)
def test_a_key_is_in_the_slot_that_python_says(key: bytes) -> None:
    assert slots.key_slot(key) == key_slot(key)


def test_known_slots() -> None:
    assert slots.key_slot(b"123456789") == 0x31C3
    assert slots.key_slot(b"{user1000}.following") == slots.key_slot(b"{user1000}.followers")
    assert slots.key_slot(b"") == 0
