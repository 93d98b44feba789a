import sys

import pytest

from respcache.cluster.security.ciphers import AUTHENTICATION_TAG_BYTES, Cipher, MissingLibraryError

KEY = bytes(range(32))
NONCE = bytes(12)


def test_what_is_sealed_opens_again() -> None:
    sealed = Cipher(KEY).seal(NONCE, b"text", b"facts")
    assert len(sealed) == len(b"text") + AUTHENTICATION_TAG_BYTES
    assert Cipher(KEY).open(NONCE, sealed, b"facts") == b"text"


def test_a_seal_is_that_of_the_standard() -> None:
    # McGrew and Viega, The Galois/Counter Mode of Operation, test case 14
    sealed = Cipher(bytes(32)).seal(bytes(12), bytes(16))
    assert sealed.hex() == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"


@pytest.mark.parametrize(
    ("key", "nonce", "facts", "cut"),
    [
        (bytes(32), NONCE, b"facts", 0),
        (KEY, bytes([1] * 12), b"facts", 0),
        (KEY, NONCE, b"others", 0),
        (KEY, NONCE, b"facts", 1),
        (KEY, NONCE, b"facts", 20),
    ],
)
def test_anything_else_does_not_open(key: bytes, nonce: bytes, facts: bytes, cut: int) -> None:
    sealed = Cipher(KEY).seal(NONCE, b"text", b"facts")
    assert Cipher(key).open(nonce, sealed[: len(sealed) - cut], facts) is None


def test_a_missing_library_is_told_in_one_line_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'respcache\[cluster\]'") as caught:
        Cipher(KEY)
    assert "\n" not in str(caught.value)
