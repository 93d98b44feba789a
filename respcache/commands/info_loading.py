"""INFO's section about loaders, which Redis does not have."""

from collections.abc import Iterable, Mapping
from typing import Final

from ..events.line import escaped
from .info_sections import lines_of
from .node import Node

BREAKS_LINES: Final = str.maketrans({",": r"\x2c", "=": r"\x3d"})
"""INFO's readers cut a line there."""


def loading(node: Node) -> Iterable[str]:
    """Tell of all loaders together, and of each in a line; in its pattern, what would break the line is escaped."""
    reports = [] if node.loads is None else node.loads.reports()
    yield f"loading_loaders:{len(reports)}"
    yield from lines_of(
        {f"loading_{name}": count for name, count in _added(one.now for one in reports).items()}
    )
    added = _added(one.totals for one in reports)
    yield from lines_of({f"loading_total_{name}": count for name, count in added.items()})
    for one in reports:
        pattern = escaped(one.pattern).translate(BREAKS_LINES)
        totals = {f"total_{name}": count for name, count in one.totals.items()}
        figures = {"pattern": pattern, "db": one.db, "state": one.state, **one.now, **totals}
        yield f"loader_{one.name}:" + ",".join(f"{name}={value}" for name, value in figures.items())


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    summed: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            so_far = summed.get(name, 0)
            summed[name] = max(so_far, count) if name.endswith("_ms") else so_far + count
    return summed
