"""All settings of one server, as typed attributes, and CONFIG's way to read and change them.

Reading costs a plain attribute (``settings.maxmemory_bytes``). Changes come through
``set_many`` alone: all or nothing, checked first, then offered to the apply hooks,
each of which may refuse. Where the first values come from is the business of
``sources``; how a changed set goes back into a file, of ``rewrite``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from .clients import Clients
from .cluster import Cluster
from .compatibility import Compatibility
from .copies import Copies
from .errors import InvalidValueError, SettingRefusedError, failed_change, unknown_option
from .events import Events
from .expiration import Expiration
from .http import Http
from .kinds import Value
from .loading import Loading
from .memory import Memory
from .network import Network
from .observation import Observation
from .parameter import AnyParameter, Parameter, Section
from .process import Process
from .tls import Tls

SECTIONS: Final[tuple[type[Section], ...]] = (
    Network,
    Clients,
    Memory,
    Expiration,
    Observation,
    Process,
    Events,
    Cluster,
    Copies,
    Loading,
    Http,
    Tls,
    Compatibility,
)
PARAMETERS: Final[tuple[AnyParameter, ...]] = tuple(
    parameter for section in SECTIONS for parameter in section.parameters
)
PARAMETERS_BY_NAME: Final[Mapping[str, AnyParameter]] = {
    name: parameter for parameter in PARAMETERS for name in (parameter.name, *parameter.aliases)
}
PARAMETERS_BY_FLAG: Final[Mapping[str, AnyParameter]] = {
    **PARAMETERS_BY_NAME,
    **{flag: parameter for parameter in PARAMETERS for flag in parameter.flags},
}

BY_DEFAULT: Final = "default"
BY_CONFIG_SET: Final = "CONFIG SET"
HIDDEN: Final = "(hidden)"

Hook = Callable[[Any], None]
"""Takes the new value, whose type only its own parameter knows; raises SettingRefusedError to refuse it."""

GlobCompiler = Callable[[bytes], Callable[[bytes], object]]


class Settings(
    Network,
    Clients,
    Memory,
    Expiration,
    Events,
    Observation,
    Process,
    Cluster,
    Copies,
    Loading,
    Http,
    Tls,
    Compatibility,
):
    """One value for every parameter. ``Settings()`` holds the defaults.

    ``Settings(maxmemory="1gb")`` is for tests and programs: texts as CONFIG SET takes
    them, underscores for hyphens. Raises ChangeRefusedError as CONFIG SET would.
    """

    _hooks: dict[str, list[Hook]]
    _sources: dict[str, str]

    def __init__(self, **texts: str) -> None:
        self.__dict__["_hooks"] = {}
        self.__dict__["_sources"] = {}
        for parameter in PARAMETERS:
            self.__dict__[parameter.attribute] = parameter.default
        for name, text in texts.items():
            self.put(PARAMETERS_BY_NAME[name.replace("_", "-")], text, "program")

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"{attribute}: settings change through set_many, which checks and tells others")

    def get(self, patterns: Iterable[str], compile_glob: GlobCompiler) -> list[tuple[str, str]]:
        """Return name and text of each setting whose name matches one of the globs; CONFIG GET."""
        matchers = [compile_glob(pattern.lower().encode("utf-8", "surrogateescape")) for pattern in patterns]
        return [
            (name, parameter.kind.show(self.value(parameter)))
            for name, parameter in PARAMETERS_BY_NAME.items()
            if any(matches(name.encode()) for matches in matchers)
        ]

    def set_many(self, changes: Sequence[tuple[str, str]]) -> None:
        """Change some settings, or none and raise ChangeRefusedError; CONFIG SET."""
        chosen = _resolve(changes)
        olds: dict[AnyParameter, Any] = {}  # values of all kinds
        news: dict[AnyParameter, tuple[str, Any]] = {}
        for (argument, text), parameter in zip(changes, chosen, strict=True):
            old = self.value(parameter)
            try:
                new = parameter.kind.parse(text, old)
            except InvalidValueError as error:
                raise failed_change(argument.lower(), str(error)) from None
            olds[parameter] = old
            news[parameter] = (argument.lower(), new)
        self._apply(olds, news)
        for parameter in news:
            self._sources[parameter.name] = BY_CONFIG_SET

    def on_change(self, parameter: Parameter[Value], hook: Callable[[Value], None]) -> None:
        """Call ``hook`` with each new value from now on.

        ``settings.on_change(Settings.maxmemory_bytes, keyspace.limit)``. The attributes already
        show the new values when it is called. It raises SettingRefusedError to take all changes of
        this CONFIG SET back; hooks that had followed are called again with the old values.
        """
        self._hooks.setdefault(parameter.name, []).append(hook)

    def value(self, parameter: Parameter[Value]) -> Value:
        value: Value = self.__dict__[parameter.attribute]
        return value

    def text(self, parameter: AnyParameter) -> str:
        """Return the value as ``set_many`` would take it, secrets too."""
        text: str = parameter.kind.text(self.value(parameter))
        return text

    def shown(self, parameter: AnyParameter) -> str:
        """Return the value for logs and listings, where secrets are hidden."""
        text = self.text(parameter)
        return HIDDEN if parameter.secret and text else text

    def source(self, parameter: AnyParameter) -> str:
        """Say where the value comes from: default, a file, a variable, a flag or CONFIG SET."""
        return self._sources.get(parameter.name, BY_DEFAULT)

    def put(self, parameter: AnyParameter, text: str, source: str) -> None:
        """Set one value before the server runs: hooks are not asked. Raises InvalidValueError."""
        self.__dict__[parameter.attribute] = parameter.kind.parse(text, self.value(parameter))
        self._sources[parameter.name] = source

    def _apply(self, olds: Mapping[AnyParameter, Any], news: Mapping[AnyParameter, tuple[str, Any]]) -> None:
        changed = [one for one, (_, new) in news.items() if new != olds[one] or one.rereads]
        for parameter in changed:
            self.__dict__[parameter.attribute] = news[parameter][1]
        followed: list[tuple[Hook, AnyParameter]] = []
        for parameter in changed:
            for hook in self._hooks.get(parameter.name, ()):
                try:
                    hook(news[parameter][1])
                except SettingRefusedError as refusal:
                    for other in changed:
                        self.__dict__[other.attribute] = olds[other]
                    for earlier, other in reversed(followed):
                        earlier(olds[other])
                    raise failed_change(news[parameter][0], str(refusal)) from None
                followed.append((hook, parameter))


def _resolve(changes: Sequence[tuple[str, str]]) -> list[AnyParameter]:
    """Find the parameters that a CONFIG SET names; the first name that is wrong is refused."""
    chosen: list[AnyParameter] = []
    names: set[str] = set()
    for argument, _ in changes:
        name = argument.lower()
        parameter = PARAMETERS_BY_NAME.get(name)
        if parameter is None:
            raise unknown_option(argument)
        if not parameter.mutable:
            raise failed_change(argument, "can't set immutable config")
        if name in names:
            raise failed_change(argument, "duplicate parameter")
        names.add(name)
        chosen.append(parameter)
    return chosen
