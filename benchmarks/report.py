"""Print what a benchmark found as a table, say whether it is what was expected, and keep it as JSON."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

Cell = str | float | int | None


class Report:
    """Rows of figures and the expectations held against them, of one run of one script."""

    def __init__(self, title: str, options: argparse.Namespace) -> None:
        self._title = title
        self._options = options
        self._rows: list[Mapping[str, Cell]] = []
        self._verdicts: list[tuple[str, float, float, bool]] = []

    def add(self, row: Mapping[str, Cell]) -> None:
        """Add a row: column name to figure. Say that it is there, for a human who waits."""
        self._rows.append(row)
        print("  ".join(_shown(cell) for cell in row.values()), file=sys.stderr, flush=True)

    def expect_at_most(self, claim: str, figure: float, limit: float) -> None:
        self._verdicts.append((f"{claim} <= {limit:g}", figure, limit, figure <= limit))

    def expect_at_least(self, claim: str, figure: float, limit: float) -> None:
        self._verdicts.append((f"{claim} >= {limit:g}", figure, limit, figure >= limit))

    def finish(self) -> int:
        """Print everything and return the exit status: 1 if an expectation was not met."""
        print(f"\n{self._title}\n\n{_table(self._rows)}\n")
        for claim, figure, _, is_met in self._verdicts:
            print(f"{'met    ' if is_met else 'NOT MET'}  {claim}: {figure:.4g}")
        if self._options.json:
            self._options.json.write_text(json.dumps(self._record(), indent=1) + "\n")
        return 0 if all(is_met for *_, is_met in self._verdicts) else 1

    def _record(self) -> dict[str, object]:
        return {
            "title": self._title,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {
                "cpus": os.cpu_count(),
                "system": platform.platform(),
                "python": sys.version.split()[0],
            },
            "options": {name: str(value) for name, value in vars(self._options).items()},
            "rows": self._rows,
            "expectations": [
                {"claim": claim, "figure": figure, "limit": limit, "met": is_met}
                for claim, figure, limit, is_met in self._verdicts
            ],
        }


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _table(rows: list[Mapping[str, Cell]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([_shown(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    is_text = [any(isinstance(row.get(name), str) for row in rows) for name in columns]
    lines = [
        "  ".join(
            text.ljust(width) if left else text.rjust(width)
            for text, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in cells
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])
