"""What a server tells of its loaders, for people and for programs: from replies to rows and records."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..events.line import escaped, quoted
from .client import ClientError

LIST_HEAD: Final = ("name", "pattern", "db", "state")

STATS_HEAD: Final = ("loader", "figure", "value")

NO_LOADER: Final = "-"
"""Instead of a state: no loader is there for such a key."""


def record(reply: object) -> dict[str, object]:
    """Read a map, and the maps in it: in RESP2 names and values in turns. Raises ClientError if it is none."""
    if not isinstance(reply, list) or len(reply) % 2:
        raise ClientError(f"names and values were expected, the answer was {reply!r:.200}")
    return {text(name): _value(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}


def _value(value: object) -> object:
    if isinstance(value, list):
        return record(value)
    return text(value) if isinstance(value, bytes) else value


def records(reply: object) -> list[dict[str, object]]:
    """Read the answer to LOADER LIST."""
    if not isinstance(reply, list):
        raise ClientError(f"a list of loaders was expected, the answer was {reply!r:.200}")
    return [record(one) for one in reply]


def text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def list_rows(found: Sequence[Mapping[str, object]]) -> list[tuple[str, ...]]:
    return [tuple(escaped(str(one.get(name, ""))) for name in LIST_HEAD) for one in found]


def stats_rows(found: Mapping[str, object]) -> list[tuple[str, ...]]:
    """Return a row for each figure of each loader; those of a map within are called ``total loaded`` and so on."""
    return [
        (escaped(name), escaped(figure), escaped(str(value)))
        for name, loader in found.items()
        for figure, value in _figures(loader)
    ]


def _figures(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    if not isinstance(value, Mapping):
        yield name, value
        return
    for inner, one in value.items():
        yield from _figures(one, f"{name} {inner}".lstrip())


def states_of(reply: object, keys: Sequence[bytes]) -> list[str]:
    """Read the answer to LOADER STATE."""
    if not isinstance(reply, list) or len(reply) != len(keys):
        raise ClientError(f"{len(keys)} states were expected, the answer was {reply!r:.200}")
    return [NO_LOADER if one is None else escaped(text(one)) for one in reply]


def state_rows(keys: Sequence[bytes], states: Sequence[str]) -> list[tuple[str, ...]]:
    return [(quoted(key), state) for key, state in zip(keys, states, strict=True)]
