"""The loaders that the settings ask for, wired to the server's parts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..settings.settings import Settings
from .compose import Composition

if TYPE_CHECKING:
    from ..loading.loading import Loading  # imported where a loader is asked for


def has_loaders(settings: Settings) -> bool:
    return bool(settings.loader or settings.loading_loaders or settings.loading_sql or settings.loading_http)


def join_loaders(settings: Settings, parts: Composition, set_clock: Callable[[], None]) -> "Loading":
    """Make the loaders and let the dispatcher ask them. Raises LoaderSettingsError."""
    from ..loading.assembly import make_loading  # noqa: PLC0415  # not for a server without one
    from ..loading.ground import Ground  # noqa: PLC0415
    from ..loading.report import Controls  # noqa: PLC0415

    node = parts.node

    def is_mine(key: bytes) -> bool:
        return node.router is None or node.router.serves(key)

    loading = make_loading(
        [
            *(("class", {"class": path}) for path in settings.loader),
            *(("class", table) for table in settings.loading_loaders),
            *(("sql", table) for table in settings.loading_sql),
            *(("http", table) for table in settings.loading_http),
        ],
        Ground(
            databases=node.keyspace.databases,
            clock=node.clock,
            set_clock=set_clock,
            chance=node.chance,
            owners=parts.owners,
            make_room=parts.memory.may_grow,
            is_mine=is_mine,
            publish=node.bus.publish,
            wants=node.bus.wants,
            name=parts.name,
        ),
    )
    parts.dispatcher.load_by(loading)
    node.loads = Controls(loading, node.clock)
    if loading.writers:
        parts.dispatcher.write_by(loading)
    return loading
