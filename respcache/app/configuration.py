"""Finding and reading the settings: which file, and what it, the environment and the flags say together."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from ..settings.cluster_rules import check_cluster
from ..settings.errors import SettingsError
from ..settings.flags import parse_flags
from ..settings.settings import Settings
from ..settings.sources import load

FILE_VARIABLE: Final = "RESPCACHE_CONFIG"
USUAL_PLACES: Final = (Path("respcache.toml"), Path("/etc/respcache/respcache.toml"))
"""Read if they exist and no other file is named; the first that does."""


class ConfigurationError(Exception):
    """The server cannot start with these settings; the message is for the person who wrote them."""


class Configuration(msgspec.Struct, frozen=True):
    """The settings, and the file they came from, if there was one."""

    settings: Settings
    path: Path | None


def read_configuration(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    usual_places: Sequence[Path] = USUAL_PLACES,
    found: Path | None = None,
) -> Configuration:
    """Read all sources. ``arguments`` is what follows the word ``serve``. Raises ConfigurationError.

    ``found`` is the file, where it is known already; else it is looked for.
    """
    try:
        flags = parse_flags(arguments)
        path = found or _find(flags.config, environ, usual_places)
        text = "" if path is None else _read(path)
        settings = load(text, file_name=str(path), environ=environ, flags=flags.settings)
        check_cluster(settings)
    except SettingsError as error:
        raise ConfigurationError(str(error)) from None
    # Absolute, because the server may change its directory before it writes the file.
    return Configuration(settings, None if path is None else path.absolute())


def enter_directory(settings: Settings) -> None:
    """Change to the directory the settings name, and let CONFIG GET dir tell the truth."""
    directory = settings.working_directory
    try:
        os.chdir(directory)
    except OSError as error:
        source = settings.source(Settings.working_directory)
        raise ConfigurationError(
            f'{source}: dir is "{directory}", which cannot be entered: {error.strerror}'
        ) from None
    settings.put(Settings.working_directory, str(Path.cwd()), settings.source(Settings.working_directory))


def _find(named: str | None, environ: Mapping[str, str], usual_places: Sequence[Path]) -> Path | None:
    if named is not None:
        return Path(named)
    if environ.get(FILE_VARIABLE):
        return Path(environ[FILE_VARIABLE])
    return next((place for place in usual_places if place.is_file()), None)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"the settings file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the settings file {path} is not UTF-8: {error.reason}") from None
