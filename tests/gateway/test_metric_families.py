"""The families themselves: what holds for all of them."""

import re

import pytest

from respcache.gateway.figures import Figures
from respcache.gateway.metric_families import Family, Histogram, Kind, Snapshot, by_label, counter, gauge
from respcache.gateway.metrics import FAMILIES
from tests.gateway.live import Live
from tests.rows import every_row


@pytest.fixture
def seen() -> Snapshot:
    live = Live()
    return Snapshot(live.node, live.gateway, Figures(live.node))


def test_names_are_given_once() -> None:
    names = [name for family in FAMILIES for name in family.series]
    assert len(names) == len(set(names))


@every_row("family", FAMILIES, called=lambda family: family.name)
def test_names_follow_the_rules_of_prometheus(family: Family) -> None:
    assert re.fullmatch(r"(redis|respcache)_[a-z][a-z0-9_]*", family.name)
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
    assert not family.name.endswith(("_bucket", "_sum", "_count"))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in family.labels)
    assert family.help.endswith(".")


@every_row("family", FAMILIES, called=lambda family: family.name)
def test_every_family_can_be_read_of_a_server_that_has_just_begun(family: Family, seen: Snapshot) -> None:
    for labels, value in family.read(seen):
        assert len(labels) == len(family.labels)
        assert isinstance(value, Histogram) is (family.kind is Kind.HISTOGRAM)


def test_what_is_none_has_no_value(seen: Snapshot) -> None:
    assert list(gauge("x", "X.", lambda s: None).read(seen)) == []
    assert list(counter("x_total", "X.", lambda s: 3).read(seen)) == [((), 3)]


def test_values_by_label(seen: Snapshot) -> None:
    family = by_label(Kind.GAUGE, "x", "X.", "colour", lambda s: {"red": 1, "blue": 2})
    assert list(family.read(seen)) == [(("red",), 1), (("blue",), 2)]


def test_a_histogram_has_three_series() -> None:
    family = Family("x", Kind.HISTOGRAM, "X.", (), lambda s: ())
    assert family.series == ("x_bucket", "x_sum", "x_count")


def test_a_server_is_looked_at_once_for_a_scrape(seen: Snapshot) -> None:
    assert seen.memory is seen.memory
    assert seen.owners is seen.owners
    assert seen.cluster == {}
    assert seen.safety is None
    assert seen.loaders == ()
