"""Which events pass."""

import pytest

from respcache.gateway.event_filter import LONGEST_PATTERN, Filter, filter_of, matcher_of
from respcache.gateway.messages import HttpError

CREATED = ("created", b"user:1")


def passes(event: tuple[str, bytes | None], chosen: Filter) -> bool:
    return matcher_of(chosen)(*event)


def pattern(text: str) -> Filter:
    return Filter(frozenset(), text)


def test_nothing_chosen_is_everything() -> None:
    assert filter_of([], "").is_open
    assert passes(CREATED, filter_of([], ""))


@pytest.mark.parametrize(
    ("kinds", "is_wanted"), [(["created"], True), (["deleted"], False), (["changes"], True)]
)
def test_kinds_and_groups_of_kinds(kinds: list[str], is_wanted: bool) -> None:
    assert passes(CREATED, filter_of(kinds, "")) is is_wanted


@pytest.mark.parametrize(
    ("text", "is_wanted"), [("user:*", True), ("*:1", True), ("user", False), ("other:*", False)]
)
def test_a_pattern_is_of_the_whole_key(text: str, is_wanted: bool) -> None:
    assert passes(CREATED, pattern(text)) is is_wanted


def test_kind_and_pattern_must_both_fit() -> None:
    assert not passes(CREATED, filter_of(["deleted"], "user:*"))
    assert passes(CREATED, filter_of(["created"], "user:*"))


def test_a_key_that_is_no_text_is_compared_byte_by_byte() -> None:
    event = "created", b"\xff:1"
    assert passes(event, pattern(b"\xff:*".decode("utf-8", "surrogateescape")))
    assert not passes(event, pattern("user:*"))


def test_an_event_without_a_key_passes_no_pattern() -> None:
    assert not passes(("died", None), pattern("*"))


def test_a_flushed_database_concerns_every_pattern_but_not_every_kind() -> None:
    flushed = "flushed", None
    assert passes(flushed, pattern("user:*"))
    assert not passes(flushed, filter_of(["deleted"], "user:*"))


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ("created", ""),
        ([1], ""),
        ([], None),
        ([], 1),
        (["no-such-kind"], ""),
        ([], "x" * (LONGEST_PATTERN + 1)),
    ],
)
def test_what_cannot_be_a_filter_is_refused(kinds: object, text: object) -> None:
    with pytest.raises(HttpError) as refused:
        filter_of(kinds, text)
    assert refused.value.status == 400
