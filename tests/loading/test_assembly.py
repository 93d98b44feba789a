"""Loaders from settings, and what is said where that cannot be."""

from typing import Any

import pytest
import trio

from respcache.loading.assembly import class_loader, make_sources
from respcache.loading.loader import Loader
from respcache.loading.options import LoaderSettingsError
from tests.loading.rig import Rig, Table
from tests.rows import every_row

HERE = "tests.loading.test_assembly"


class WithOptions(Table):
    def __init__(self, url: str = "") -> None:
        super().__init__()
        self.url = url


class NoLoader:
    pass


class Incomplete(Loader):
    pattern = "k:*"

    def bulkload(self, keys: list[bytes]) -> dict[bytes, bytes]:
        return {}


class Breaks(Table):
    def __init__(self) -> None:
        raise OSError("no file")


def test_a_class_is_made_with_its_options_and_gets_its_settings() -> None:
    table = {"class": f"{HERE}:WithOptions", "options": {"url": "x"}, "batch_size": 5}
    loader, overrides = class_loader(table)
    assert isinstance(loader, WithOptions)
    assert loader.url == "x"
    assert overrides == {"batch_size": 5}
    assert "class" in table


@every_row(
    ("table", "reason"),
    [
        ({}, 'a loader needs class = "package.module:Class"'),
        ({"class": 5}, 'a loader needs class = "package.module:Class"'),
        ({"class": "no.such:Thing"}, "loader no.such:Thing: cannot import no.such: ModuleNotFoundError"),
        ({"class": f"{HERE}:Nothing"}, f"loader {HERE}:Nothing: {HERE} has no Nothing"),
        ({"class": f"{HERE}:HERE"}, "cannot be called"),
        ({"class": f"{HERE}:NoLoader"}, "is no respcache.loading.Loader"),
        ({"class": f"{HERE}:Incomplete"}, f"loader {HERE}:Incomplete: Incomplete has no method bulk_load"),
        ({"class": f"{HERE}:Breaks"}, "OSError: no file"),
        ({"class": f"{HERE}:WithOptions", "options": {"uri": 1}}, "unexpected keyword argument 'uri'"),
        ({"class": f"{HERE}:WithOptions", "options": 5}, "options must be a table"),
    ],
)
def test_what_cannot_be_a_loader_is_told_in_one_line(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(LoaderSettingsError) as raised:
        class_loader(table)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_two_loaders_need_two_names_and_a_database_that_there_is(nursery: trio.Nursery) -> None:
    with pytest.raises(LoaderSettingsError, match="two loaders are called Table"):
        Rig(nursery, Table(), Table())
    with pytest.raises(LoaderSettingsError, match="loader Table: there is no database 16"):
        Rig(nursery, Table(), db=16)
    rig = Rig(nursery, Table(), db=15)
    assert make_sources([], rig.source._ground) == []
