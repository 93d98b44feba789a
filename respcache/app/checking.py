"""``respcache check-config``: whether a server would start with these settings, and what they come to."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ..settings.settings import BY_DEFAULT, PARAMETERS, Settings
from .configuration import Configuration, ConfigurationError, read_configuration


def check(file: Path | None, environ: Mapping[str, str]) -> Configuration:
    """Read file and environment as ``serve`` would, and certificates if there are any. Raises ConfigurationError."""
    configuration = read_configuration([] if file is None else [f"--config={file}"], environ)
    if configuration.settings.tls_port or configuration.settings.http_tls_port:
        _check_tls(configuration.settings)
    return configuration


def _check_tls(settings: Settings) -> None:
    from ..server.tls_context import TlsError, make_context  # noqa: PLC0415  # most have none

    try:
        with contextlib.chdir(settings.working_directory or "."):  # where names of files begin
            make_context(settings)
    except (TlsError, OSError) as error:
        raise ConfigurationError(str(error)) from None


def rows(configuration: Configuration) -> list[tuple[str, str, str]]:
    """Return every setting, its value and where it comes from; secrets stay hidden."""
    settings = configuration.settings
    return [
        (parameter.name, settings.shown(parameter), settings.source(parameter)) for parameter in PARAMETERS
    ]


def dump_table(configuration: Configuration) -> Table:
    """Show all settings on a terminal; those that somebody chose stand out."""
    shown = Table("setting", "value", "from")
    for row in rows(configuration):
        shown.add_row(*map(escape, row), style="dim" if row[2] == BY_DEFAULT else "bold")
    return shown


def dump_text(configuration: Configuration) -> str:
    """Show all settings to a program: a line for each, with tabs between the columns."""
    return "".join("\t".join(row) + "\n" for row in rows(configuration))
