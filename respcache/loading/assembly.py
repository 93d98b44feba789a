"""Makes the loaders that the settings ask for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from ..settings.class_path import CannotImportError, imported, made
from .ground import Ground
from .loader import Loader
from .loading import Loading
from .options import LoaderSettingsError, options_of
from .source import Source

Table = Mapping[str, Any]
Made = tuple[Loader, Mapping[str, Any]]
"""A loader, and those of its settings that differ from what its class says."""


def class_loader(table: Table) -> Made:
    """Return a loader of the operator's own, as ``class``, ``options`` and its settings."""
    rest = dict(table)
    target, options = rest.pop("class", None), rest.pop("options", {})
    if not isinstance(target, str):
        raise LoaderSettingsError('a loader needs class = "package.module:Class"')
    if not isinstance(options, Mapping):
        raise LoaderSettingsError(f"loader {target}: options must be a table")
    try:
        factory = imported(target)
        _check_complete(target, factory)
        loader = made(factory, options)
    except CannotImportError as error:
        raise LoaderSettingsError(f"loader {target}: {error}") from error.__cause__
    if not isinstance(loader, Loader):
        raise LoaderSettingsError(f"loader {target} is no respcache.loading.Loader")
    return loader, rest


def _check_complete(target: str, factory: Callable[..., object]) -> None:
    """Name what a loader's class lacks before it is made: Python would only say that it is abstract."""
    if isinstance(factory, type) and issubclass(factory, Loader) and factory.__abstractmethods__:
        missing = ", ".join(sorted(factory.__abstractmethods__))
        raise LoaderSettingsError(f"loader {target}: {factory.__qualname__} has no method {missing}")


def _sql_loader(table: Table) -> Made:
    from .sql import sql_loader  # noqa: PLC0415  # not without a table, for it imports a lot

    return sql_loader(table)


def _http_loader(table: Table) -> Made:
    from .http import http_loader  # noqa: PLC0415  # the same

    return http_loader(table)


MAKERS: Final[Mapping[str, Callable[[Table], Made]]] = {
    "class": class_loader,
    "sql": _sql_loader,
    "http": _http_loader,
}


def make_loading(tables: Iterable[tuple[str, Table]], ground: Ground) -> Loading:
    """Return all loaders at once; ``tables`` are kinds and what the settings say. Raises LoaderSettingsError."""
    return Loading(make_sources([MAKERS[kind](table) for kind, table in tables], ground))


def make_sources(loaders: Sequence[Made], ground: Ground) -> list[Source]:
    """Return what works for each of the loaders."""
    sources: dict[str, Source] = {}
    for loader, overrides in loaders:
        options = options_of(loader, overrides)
        if options.name in sources:
            raise LoaderSettingsError(f"two loaders are called {options.name}; give one of them another name")
        if options.db >= len(ground.databases):
            raise LoaderSettingsError(f"loader {options.name}: there is no database {options.db}")
        sources[options.name] = Source(loader, options, ground)
    return list(sources.values())
