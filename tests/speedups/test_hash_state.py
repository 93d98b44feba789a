import pytest

from respcache._speedups import HashState, offer_hash_class
from respcache.keyspace.hashes import Hash


def test_a_hash_keeps_its_attributes_where_compiled_code_finds_them() -> None:
    assert issubclass(Hash, HashState)
    assert not hasattr(Hash(), "__dict__")
    assert Hash().fields == {}


def test_only_what_derives_from_it_can_be_a_hash() -> None:
    if HashState.__module__.endswith("plain"):
        pytest.skip("plain code knows what a hash is")
    with pytest.raises(TypeError):
        offer_hash_class(int, 8)  # type: ignore[arg-type]
