from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.gateway.messages import HttpError, Request
from respcache.gateway.preconditions import holds, range_of, versions
from tests.rows import every_row

ONE, TWO = "1" * 32, "2" * 32
TAG = f'"{ONE}"'


def asked(text: str, method: str = "GET", **headers: str) -> Request:
    return Request(
        method, b"/", b"", {"range": text, **{k.replace("_", "-"): v for k, v in headers.items()}}, b""
    )


@pytest.mark.parametrize(
    ("header", "strong", "weak"),
    [
        (None, None, None),
        ("*", b"*", b"*"),
        (TAG, ONE.encode(), ONE.encode()),
        (f'W/{TAG},"{TWO}"', TWO.encode(), f"{ONE},{TWO}".encode()),
        ("", b"-", b"-"),
        ("nonsense", b"-", b"-"),
        (ONE, b"-", b"-"),
    ],
)
def test_conditions_are_read(header: str | None, strong: bytes | None, weak: bytes | None) -> None:
    assert versions(header, is_strong=True) == strong
    assert versions(header, is_strong=False) == weak


def test_a_condition_holds_for_the_versions_that_it_names() -> None:
    assert holds(b"*", b"x")
    assert holds(b"a,b", b"b")
    assert not holds(b"ab", b"a")
    assert not holds(b"-", b"a")


@every_row(
    ("text", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("bytes=2-", (2, 10)),
        ("bytes=8-99", (8, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("bytes=a-b", None),
        ("lines=0-1", None),
        ("bytes=0-" + "9" * 5000, None),
        ("", None),
    ],
)
def test_a_range_is_read_or_ignored(text: str, expected: tuple[int, int] | None) -> None:
    assert range_of(asked(text), TAG, 10) == expected


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(text: str) -> None:
    with pytest.raises(HttpError) as refused:
        range_of(asked(text), TAG, 10)
    assert refused.value.status == 416
    assert refused.value.headers == {"Content-Range": "bytes */10"}


def test_a_range_counts_for_get_and_the_version_it_was_meant_for() -> None:
    assert range_of(asked("bytes=0-1", "HEAD"), TAG, 10) is None
    assert range_of(asked("bytes=0-1", if_range=TAG), TAG, 10) == (0, 2)
    assert range_of(asked("bytes=0-1", if_range=f"W/{TAG}"), TAG, 10) is None
    assert range_of(asked("bytes=0-1", if_range="yesterday"), TAG, 10) is None


@given(st.text(), st.integers(0, 20))
def test_no_header_can_ask_for_bytes_that_there_are_none_of(text: str, size: int) -> None:
    with suppress(HttpError):
        found = range_of(asked("bytes=" + text), TAG, size)
        assert found is None or 0 <= found[0] < found[1] <= size
