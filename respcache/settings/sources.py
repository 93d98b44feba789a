"""Where the first values come from: a TOML file, then RESPCACHE_* variables, then flags; later ones win.

Everything is handed in as text; whoever reads files and the environment is elsewhere.
A mistake is one sentence that names the place, the setting and what is allowed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .errors import InvalidValueError, SettingsError
from .kinds import Fixed, YesNo
from .parameter import JOINT, AnyParameter
from .settings import PARAMETERS, PARAMETERS_BY_FLAG, PARAMETERS_BY_NAME, Settings

PREFIX: Final = "RESPCACHE_"

NOT_SETTINGS: Final = frozenset(
    {"RESPCACHE_CONFIG", "RESPCACHE_LIFELINE", "RESPCACHE_PURE", "RESPCACHE_REQUIRE_TOOLS"}
)
"""The path of the file, what a supervisor tells its workers, what turns the extension off while modules are imported, and
a switch of our own tests, which start servers."""

ORCHESTRATOR_VARIABLE: Final = re.compile(
    r"RESPCACHE_(.*_)?(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""Kubernetes and Docker links describe a service named ``respcache`` so, in every container nearby."""

ORCHESTRATOR_PORT: Final = re.compile(r"RESPCACHE_(.*_)?PORT")
ORCHESTRATOR_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://.*")
"""The worst of them is RESPCACHE_PORT=tcp://10.0.0.1:6379: our own name, and not a port."""


def load(
    toml_text: str = "",
    *,
    file_name: str = "respcache.toml",
    environ: Mapping[str, str] | None = None,
    flags: Sequence[tuple[str, str | None]] = (),
) -> Settings:
    """Return the settings that file, environment and flags say together. Raises SettingsError."""
    settings = Settings()
    if toml_text:
        _read_toml(settings, toml_text, file_name)
    _read_environment(settings, environ or {})
    _read_flags(settings, flags)
    return settings


def variable(parameter: AnyParameter) -> str:
    """Return the name of the environment variable for a setting."""
    return PREFIX + parameter.name.replace("-", "_").upper()


def toml_values(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:  # any TOML value
    """Yield each value of a table under the name of its setting, or under its path if there is none."""
    for key, value in table.items():
        name = f"{prefix}{key}".lower()
        if isinstance(value, dict) and name not in PARAMETERS_BY_NAME:
            yield from toml_values(value, name + JOINT)
        else:
            yield name, value


def _read_toml(settings: Settings, text: str, file_name: str) -> None:
    import tomllib  # noqa: PLC0415 - not for a server without a file, and 2 ms of a start

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file_name} is not valid TOML: {error}") from None
    given: dict[str, str] = {}
    for name, value in toml_values(document):
        parameter = PARAMETERS_BY_NAME.get(name)
        if parameter is None:
            place = _place(file_name, text, name)
            raise SettingsError(f'{place}: there is no setting "{name}"{_suggestion(name, _names())}')
        if parameter.name in given:
            place = _place(file_name, text, name)
            raise SettingsError(f"{place}: {name} is given twice{_as_alias(name, given[parameter.name])}")
        given[parameter.name] = name
        try:
            settings.put(parameter, parameter.kind.text_of_toml(value), file_name)
        except InvalidValueError as error:
            shown = f'"{value}"' if isinstance(value, str) else _toml_shown(value)
            subject = f"{_place(file_name, text, name)}: {name}"
            raise _wrong(subject, parameter, shown, error) from None


def _read_environment(settings: Settings, environ: Mapping[str, str]) -> None:
    parameters = {variable(parameter): parameter for parameter in PARAMETERS}
    for name, text in environ.items():
        # An empty variable is how compose files and shells write "not set".
        if not name.startswith(PREFIX) or not text or _is_not_ours(name, text):
            continue
        parameter = parameters.get(name)
        if parameter is None:
            suggestion = _suggestion(name, list(parameters))
            raise SettingsError(f"environment variable {name}: there is no such setting{suggestion}")
        _put(settings, parameter, text, f"environment variable {name}")


def _as_alias(name: str, other: str) -> str:
    return "" if name == other else f": {other} is the same setting"


def _is_not_ours(name: str, text: str) -> bool:
    if name in NOT_SETTINGS or ORCHESTRATOR_VARIABLE.fullmatch(name):
        return True
    return bool(ORCHESTRATOR_PORT.fullmatch(name) and ORCHESTRATOR_ADDRESS.fullmatch(text))


def _read_flags(settings: Settings, flags: Sequence[tuple[str, str | None]]) -> None:
    for name, given in flags:
        parameter = PARAMETERS_BY_FLAG.get(name.lower())
        if parameter is None:
            suggestion = _suggestion(f"--{name}", [f"--{known}" for known in PARAMETERS_BY_FLAG])
            raise SettingsError(f"flag --{name}: there is no such setting{suggestion}")
        text = "yes" if given is None and isinstance(parameter.kind, YesNo) else given
        if text is None:
            raise SettingsError(f"flag --{name} needs a value: {parameter.kind.allowed}")
        _put(settings, parameter, text, f"flag --{name}")


def _put(settings: Settings, parameter: AnyParameter, text: str, source: str) -> None:
    try:
        settings.put(parameter, text, source)
    except InvalidValueError as error:
        raise _wrong(source, parameter, f'"{text}"', error) from None


def _wrong(subject: str, parameter: AnyParameter, shown: str, error: InvalidValueError) -> SettingsError:
    if error.detail:
        return SettingsError(f"{subject}: {error.detail}; it must be {parameter.kind.allowed}")
    what = "has a value that cannot be used" if parameter.secret else f"is {shown}"
    why = f" ({parameter.reason})" if isinstance(parameter.kind, Fixed) else ""
    return SettingsError(f"{subject} {what}, but must be {parameter.kind.allowed}{why}")


def _toml_shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a list" if isinstance(value, list) else "a table" if isinstance(value, dict) else str(value)


def _place(file_name: str, text: str, name: str) -> str:
    """Say on which line a setting stands; the deepest statement that encloses it counts."""
    from .toml_statements import scan  # noqa: PLC0415 - only a mistake needs it

    enclosing = [s for s in scan(text) if name == s.name.lower() or name.startswith(s.name.lower() + JOINT)]
    if not enclosing:
        return file_name
    best = max(enclosing, key=lambda statement: len(statement.name))
    return f"{file_name}, line {best.first + 1}"


def _names() -> list[str]:
    return list(PARAMETERS_BY_NAME)


def _suggestion(name: str, known: Sequence[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it, and it costs start-up time

    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
