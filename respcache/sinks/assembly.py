"""Makes the queued sinks that the settings ask for.

What only one kind of sink needs is imported with it: most servers have none.
"""

import random
from collections.abc import Iterable

from .queued import Outlet, QueuedSink
from .settings import (
    BatchSettings,
    ConsoleSettings,
    CustomSettings,
    JsonFileSettings,
    SinkSettings,
    SinkSettingsError,
    WebhookSettings,
)


def make_sinks(settings: Iterable[SinkSettings], node: str, chance: random.Random) -> list[QueuedSink]:
    """Return a sink for each of the settings; SinkSettingsError for one that cannot be made."""
    sinks: dict[str, QueuedSink] = {}
    for one in settings:
        if one.name in sinks:
            raise SinkSettingsError(f"two sinks are called {one.name}")
        sinks[one.name] = make_sink(one, node, chance)
    return list(sinks.values())


def make_sink(settings: SinkSettings, node: str, chance: random.Random) -> QueuedSink:
    """Return the sink for these settings."""
    outlet = _make_outlet(settings, node, chance)
    if isinstance(settings, BatchSettings):
        return QueuedSink(
            settings, outlet, most_per_batch=settings.most_per_batch, linger_s=settings.linger_s
        )
    return QueuedSink(settings, outlet)


def _make_outlet(settings: SinkSettings, node: str, chance: random.Random) -> Outlet:
    match settings:
        case ConsoleSettings():
            from .console import ConsoleOutlet  # noqa: PLC0415

            return ConsoleOutlet(settings.file_descriptor, settings.value_limit_bytes)
        case JsonFileSettings():
            from .jsonfile import JsonFileOutlet  # noqa: PLC0415

            return JsonFileOutlet(settings.path, settings.value_limit_bytes)
        case WebhookSettings():
            from .webhook import WebhookOutlet  # noqa: PLC0415

            return WebhookOutlet(settings, node, chance)
        case CustomSettings():
            from .custom import custom_outlet  # noqa: PLC0415

            return custom_outlet(settings)
        case _:
            raise AssertionError(f"no sink is made from {type(settings).__name__}")
