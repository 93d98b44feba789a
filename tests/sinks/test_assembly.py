import random
from pathlib import Path

import pytest

from respcache.sinks.assembly import make_sinks
from respcache.sinks.console import ConsoleOutlet
from respcache.sinks.custom import CustomOutlet
from respcache.sinks.jsonfile import JsonFileOutlet
from respcache.sinks.settings import (
    ConsoleSettings,
    CustomSettings,
    JsonFileSettings,
    SinkSettingsError,
    WebhookSettings,
)
from respcache.sinks.webhook import WebhookOutlet

CHANCE = random.Random(1)


async def test_each_kind_of_settings_makes_its_sink(tmp_path: Path) -> None:
    sinks = make_sinks(
        [
            ConsoleSettings(),
            JsonFileSettings(path=tmp_path / "events"),
            WebhookSettings(url="http://127.0.0.1:1/"),
            CustomSettings(target="tests.sinks.test_custom:Collector"),
        ],
        "alpha",
        CHANCE,
    )
    assert [(sink.name, type(sink.outlet)) for sink in sinks] == [
        ("console", ConsoleOutlet),
        ("json-file", JsonFileOutlet),
        ("webhook", WebhookOutlet),
        ("custom", CustomOutlet),
    ]
    for sink in sinks:
        await sink.outlet.close()


def test_two_sinks_of_one_name_are_refused() -> None:
    with pytest.raises(SinkSettingsError, match="two sinks are called console"):
        make_sinks([ConsoleSettings(), ConsoleSettings(file_descriptor=2)], "alpha", CHANCE)
