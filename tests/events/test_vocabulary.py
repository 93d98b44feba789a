from pathlib import Path

import pytest

from respcache.events.loading import LOADING, WAITING
from respcache.events.record import Event
from respcache.events.vocabulary import (
    ALL,
    CHANGES,
    CLUSTER,
    READS,
    SERVER,
    Created,
    Dropped,
    Expired,
    Missed,
    Read,
    Started,
    events_named,
)


def test_every_kind_has_its_own_name() -> None:
    assert len({event.kind for event in ALL}) == len(ALL)


def test_the_groups_share_nothing() -> None:
    assert len(CHANGES) + len(READS) + len(SERVER) + len(CLUSTER) + len(LOADING) == len(ALL)
    assert WAITING < LOADING


def test_an_event_cannot_be_altered() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        Started(1, "a", "1.0").version = "2.0"  # type: ignore[misc]  # that is the claim


def test_an_event_has_no_room_for_anything_else() -> None:
    assert not hasattr(Expired(1, "a", 0, b"key"), "__dict__")


def test_events_are_chosen_by_kind_and_by_group() -> None:
    assert events_named(["reads", "created"]) == {Read, Missed, Created}
    assert events_named(["loading"]) == LOADING


def test_choosing_nothing_gives_nothing() -> None:
    assert events_named([]) == frozenset()


def test_an_unknown_word_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        ValueError, match=r"no event is called 'writes'; there are: active, all, blocked, cache_miss, changes"
    ):
        events_named(["writes"])


def test_every_kind_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    kinds: list[type[Event]] = [*ALL, Dropped]
    assert [event.kind for event in kinds if f"\n| `{event.kind}` | " not in page] == []
