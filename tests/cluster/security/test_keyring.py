import sys

import pytest

from respcache.cluster.security.ciphers import MissingLibraryError
from respcache.cluster.security.keyring import KEY_BYTES, KEY_ID_BYTES, Keyring

from .rings import ring


def test_the_key_of_a_secret_is_the_same_for_ever() -> None:
    key = ring("correct horse").sealing
    assert key is not None
    assert key.id.hex() == "72a859fe"
    assert (
        key.derive(b"purpose", b"fact").hex()
        == "e9f22cde0fea28a766b76bc72628335bf11e820c8416155c0a9dc9dd4e896e95"
    )


def test_the_first_key_seals_and_all_are_found() -> None:
    both, old, new = ring("new", "old"), ring("old"), ring("new")
    assert both.sealing == new.sealing
    assert old.sealing is not None
    assert new.sealing is not None
    assert both.find(old.sealing.id) == old.sealing
    assert both.find(new.sealing.id) == new.sealing
    assert old.find(new.sealing.id) is None


def test_other_secrets_purposes_and_facts_have_other_keys() -> None:
    old, new = ring("old").sealing, ring("new").sealing
    assert old is not None
    assert new is not None
    derived = {
        key.derive(purpose, fact) for key in (old, new) for purpose in (b"p", b"q") for fact in (b"f", b"g")
    }
    assert len(derived) == 8
    assert {len(key) for key in derived} == {KEY_BYTES}
    assert len(old.id) == KEY_ID_BYTES


def test_a_ring_without_secrets_is_empty() -> None:
    assert not ring()
    assert ring().sealing is None
    assert ring().find(bytes(KEY_ID_BYTES)) is None


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Keyring(["good", ""])


def test_a_secret_given_twice_is_one_key() -> None:
    assert repr(Keyring(["old", "old"])) == "<Keyring of 1>"


def test_no_repr_shows_a_key() -> None:
    key = ring("old").sealing
    assert key is not None
    assert "material" not in repr(key)
    assert "old" not in repr(ring("old"))


def test_without_the_library_an_empty_ring_works_and_a_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    assert not Keyring([])
    with pytest.raises(MissingLibraryError):
        Keyring(["secret"])
