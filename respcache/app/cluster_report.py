"""What nodes tell about their cluster, for people and for programs: from replies to rows and records.

Names and zones come from other machines: what is shown cannot steer a terminal.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from ..events.line import escaped
from ..settings.word_lists import join_address
from .client import ClientError

Cell: TypeAlias = str | int | float | bool
Member: TypeAlias = dict[str, Cell]

NUMBERS: Final = frozenset(
    {"port", "cluster-port", "bus-port", "http-port", "incarnation", "loop-lag-ms", "partitions"}
)

SHORT_ID: Final = 8
"""Enough to tell members apart; the whole is in the JSON."""

COLUMNS: Final[tuple[tuple[str, Callable[[Member], str]], ...]] = (
    ("id", lambda member: _shown(member, "id")[:SHORT_ID]),
    ("address", lambda member: _address(member, "host", "port") + (" *" if member.get("myself") else "")),
    ("state", lambda member: _shown(member, "state")),
    ("phase", lambda member: _shown(member, "phase")),
    ("partitions", lambda member: _shown(member, "partitions")),
    ("bus", lambda member: _address(member, "bus-host", "bus-port")),
    ("cluster port", lambda member: _or_none(_shown(member, "cluster-port"))),
    ("machine", lambda member: _or_none(_shown(member, "machine"))),
    ("zone", lambda member: _or_none(_shown(member, "zone"))),
    ("weight", lambda member: _shown(member, "weight")),
    ("lag ms", lambda member: _shown(member, "loop-lag-ms")),
)


def members_of(reply: object) -> list[Member]:
    """Read the answer to CLUSTER MEMBERS, sorted by address. Raises ClientError if it is none."""
    if not isinstance(reply, list):
        raise ClientError(f"the answer to CLUSTER MEMBERS was {reply!r}")
    return sorted((_member(element) for element in reply), key=_place)


def member_row() -> tuple[str, ...]:
    """Return the heads of the columns of ``member_rows``; a star marks the node that answers."""
    return tuple(head for head, _ in COLUMNS)


def member_rows(members: Sequence[Member]) -> list[tuple[str, ...]]:
    return [tuple(cell(member) for _, cell in COLUMNS) for member in members]


def figures(reply: object) -> dict[str, str]:
    """Read ``name:value`` lines as INFO has them; headings are left out. Raises ClientError if there are none."""
    if not isinstance(reply, bytes):
        raise ClientError(f"a list of figures was expected, the answer was {reply!r}")
    pairs = (line.partition(":") for line in reply.decode("utf-8", "replace").splitlines())
    return {
        escaped(name): escaped(value) for name, colon, value in pairs if colon and not name.startswith("#")
    }


def _member(element: object) -> Member:
    """Read one member: a map, or a list of names and values in turns."""
    if isinstance(element, list) and len(element) % 2 == 0:
        element = dict(zip(map(_plain, element[::2]), element[1::2], strict=True))
    if not isinstance(element, dict):
        raise ClientError(f"a member should be a list of names and values, but was {element!r}")
    return {str(_plain(name)): _value(str(_plain(name)), _plain(value)) for name, value in element.items()}


def _value(name: str, value: Cell) -> Cell:
    text = str(value)
    try:
        if name in NUMBERS:
            return int(text)
        if name == "weight":
            return float(text)
    except ValueError:
        return value  # a newer node may tell it in another way
    if name == "myself":
        return text.lower() in {"1", "true", "yes"}
    return value


def _plain(value: object) -> Cell:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str | int | float) else str(value)


def _place(member: Member) -> tuple[str, ...]:
    """Return what to sort members by; workers share host and port, and differ in their bus."""
    host, port, bus_port, own_id = (str(member.get(name, "")) for name in ("host", "port", "bus-port", "id"))
    return host, port.rjust(5), bus_port.rjust(5), own_id


def _address(member: Member, host: str, port: str) -> str:
    number = member.get(port)
    return join_address(_shown(member, host), number) if isinstance(number, int) else ""


def _shown(member: Member, name: str) -> str:
    value = member.get(name, "")
    return f"{value:g}" if isinstance(value, float) else escaped(str(value))


def _or_none(text: str) -> str:
    return text if text not in ("", "0") else "-"
