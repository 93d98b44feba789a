"""Settings on the command line, as redis-server takes them: ``--name value``, any number of words.

Only splitting happens here; whether a name exists and a value fits is for ``sources``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .errors import SettingsError


@dataclass(slots=True)
class Flags:
    """What a command line says: settings in order, and perhaps which file to read."""

    settings: list[tuple[str, str | None]] = field(default_factory=list)
    """Name and text; None if no value followed."""
    config: str | None = None


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Read ``[file] --name value --name=value ...``; words up to the next flag belong together."""
    flags = Flags()
    position = 0
    if arguments and not arguments[0].startswith("-"):
        flags.config = arguments[0]
        position = 1
    while position < len(arguments):
        argument = arguments[position]
        if not argument.startswith("--") or argument == "--":
            raise SettingsError(f'unexpected argument "{argument}": settings are given as --name value')
        name, sign, text = argument[2:].partition("=")
        position += 1
        words = [text] if sign else []
        while position < len(arguments) and not arguments[position].startswith("--"):
            words.append(arguments[position])
            position += 1
        _add(flags, name, " ".join(words) if words else None)
    return flags


def _add(flags: Flags, name: str, text: str | None) -> None:
    if name != "config":
        flags.settings.append((name, text))
    elif not text:
        raise SettingsError("flag --config needs the path of a file")
    elif flags.config is not None:
        raise SettingsError(f'two settings files are given: "{flags.config}" and "{text}"')
    else:
        flags.config = text
