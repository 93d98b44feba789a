from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.security.records import RECORD_BYTES, RecordOpener, RecordSealer

KEY = bytes(range(32))


def sealed(*plains: bytes) -> list[bytes]:
    """Return whole records, each with its length."""
    sealer = RecordSealer(KEY)
    return [b"".join(sealer.seal(plain)) for plain in plains]


@given(plains=st.lists(st.binary(min_size=1, max_size=50), max_size=5), size=st.integers(1, 40))
def test_any_cutting_opens_to_what_was_sealed(plains: list[bytes], size: int) -> None:
    data, opener = b"".join(sealed(*plains)), RecordOpener(KEY)
    opened = [
        plain for start in range(0, len(data), size) for plain in opener.open(data[start : start + size])
    ]
    assert opened == plains
    assert not opener.is_broken


def test_much_is_sealed_in_records_of_bounded_size() -> None:
    plain = bytes(range(256)) * (RECORD_BYTES // 100)
    opened = RecordOpener(KEY).open(b"".join(sealed(plain)))
    assert max(map(len, opened)) == RECORD_BYTES
    assert b"".join(opened) == plain


def test_equal_texts_are_sealed_differently() -> None:
    first, second = sealed(b"text", b"text")
    assert first != second


TAMPERING: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "repeated": lambda records: [records[0], records[1], records[1]],
    "left out": lambda records: [records[0], records[2]],
    "swapped": lambda records: [records[0], records[2], records[1]],
    "altered": lambda records: [records[0], records[1][:-1] + bytes([records[1][-1] ^ 1])],
    "of another": lambda records: [records[0], b"".join(RecordSealer(bytes(32)).seal(b"text"))],
    "empty": lambda records: [records[0], b"\x00\x00\x00\x00"],
    "endless": lambda records: [records[0], b"\x7f\x00\x00\x00"],
}


@pytest.mark.parametrize("how", TAMPERING)
def test_what_is_tampered_with_breaks_behind_what_was_whole(how: str) -> None:
    opener = RecordOpener(KEY)
    opened = opener.open(b"".join(TAMPERING[how](sealed(b"one", b"two", b"three"))))
    assert opened == ([b"one", b"two"] if how == "repeated" else [b"one"])
    assert opener.is_broken


@given(data=st.binary(max_size=100))
def test_garbage_opens_to_nothing(data: bytes) -> None:
    assert RecordOpener(KEY).open(data) == []
