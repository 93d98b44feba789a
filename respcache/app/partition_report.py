"""How the partitions of a cluster stand, for people and for programs: from the rows of CLUSTER PARTITIONS to tables.

Which node is next to which in the ranks of 1024 partitions is chance, so hardly two neighbours are alike. People
are shown a row for all partitions with the same server and the same copies; programs get every range.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ..events.line import escaped
from ..keyspace.slots import PARTITIONS
from .client import ClientError
from .cluster_report import SHORT_ID, Member

UNSERVED: Final = "unserved"
STATES: Final = ("safe", "moving", "degraded", UNSERVED)

RANGES_SHOWN: Final = 4
"""Enough to see whether a partition is meant; the JSON has all."""

HEAD: Final = ("server", "copies", "state", "partitions", "epochs", "keys", "ranges")


class Range(msgspec.Struct, frozen=True):
    """Neighbouring partitions that stand alike."""

    first: int
    last: int
    state: str
    epoch: int
    keys: int
    server: str
    wanted: tuple[str, ...]
    copies: dict[str, str]
    """How far each holder of a copy is, by its id."""

    @property
    def partitions(self) -> int:
        return self.last - self.first + 1


def ranges_of(reply: object) -> list[Range]:
    """Read the answer to CLUSTER PARTITIONS, in order, with what nobody serves. Raises ClientError if it is none."""
    if not isinstance(reply, list):
        raise ClientError(f"the answer to CLUSTER PARTITIONS was {reply!r}")
    return list(_with_gaps(sorted((_range(row) for row in reply), key=lambda one: (one.first, one.epoch))))


def _range(row: Any) -> Range:  # Any: whatever the server has sent
    try:
        first, last, state, epoch, keys, server, wanted, copies = row
        pairs = {_text(one): _text(how) for one, how in zip(copies[::2], copies[1::2], strict=True)}
        numbers = int(first), int(last), _text(state), int(epoch), int(keys)
        return Range(*numbers, _text(server), tuple(map(_text, wanted)), pairs)
    except (TypeError, ValueError) as error:
        raise ClientError(f"a row of CLUSTER PARTITIONS was {row!r}") from error


def _with_gaps(ranges: Iterable[Range]) -> Iterable[Range]:
    following = 0
    for one in ranges:
        if one.first > following:
            yield _gap(following, one.first - 1)
        yield one
        following = max(following, one.last + 1)
    if following < PARTITIONS:
        yield _gap(following, PARTITIONS - 1)


def _gap(first: int, last: int) -> Range:
    return Range(first, last, UNSERVED, 0, 0, "", (), {})


def counts(ranges: Iterable[Range]) -> dict[str, int]:
    """Return how many partitions are in which state."""
    found = dict.fromkeys(STATES, 0)
    for one in ranges:
        found[one.state] = found.get(one.state, 0) + one.partitions
    return found


def summary(found: Mapping[str, int]) -> str:
    """Say in one line how all stand."""
    return ", ".join(f"{state} {count}" for state, count in found.items() if count or state == STATES[0])


def names_of(members: Sequence[Member]) -> Callable[[str], str]:
    """Return what turns an id into an address; where workers share one, the id stands beside it."""
    addresses = {str(one.get("id")): escaped(f"{one.get('host')}:{one.get('port')}") for one in members}
    shown = list(addresses.values())

    def name(id: str) -> str:
        address = addresses.get(id, "")
        if address and shown.count(address) == 1:
            return address
        return f"{address}/{id[:SHORT_ID]}" if address else id[:SHORT_ID]

    return name


def rows(ranges: Iterable[Range], name: Callable[[str], str]) -> list[tuple[str, ...]]:
    """Return a row for all partitions that have the same server, copies and state."""
    groups: dict[tuple[str, str, str], list[Range]] = {}
    for one in ranges:
        copies = ", ".join(f"{name(peer)} {how}" for peer, how in sorted(one.copies.items()))
        groups.setdefault((name(one.server) if one.server else "-", copies or "-", one.state), []).append(one)
    return [(*key, *_figures(group)) for key, group in sorted(groups.items())]


def _figures(group: Sequence[Range]) -> tuple[str, ...]:
    epochs = sorted({one.epoch for one in group})
    shown = [str(one.first) if one.partitions == 1 else f"{one.first}-{one.last}" for one in group]
    more = [f"and {len(shown) - RANGES_SHOWN} more"] if len(shown) > RANGES_SHOWN else []
    return (
        str(sum(one.partitions for one in group)),
        str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]}-{epochs[-1]}",
        str(sum(one.keys for one in group)),
        ", ".join([*shown[:RANGES_SHOWN], *more]),
    )


def _text(word: object) -> str:
    return escaped(word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word))
