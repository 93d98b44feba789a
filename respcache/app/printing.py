"""How commands of the command line print what they have found: as JSON, as tables for people, as lines for programs."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, Parameter(negative="", help="Print JSON instead.")]

STYLES: Final[Mapping[str, str]] = {
    "alive": "green",
    "suspect": "yellow",
    "dead": "bold red",
    "left": "bright_black",
    "joining": "cyan",
    "leaving": "magenta",
    "ok": "green",
    "fail": "bold red",
    "safe": "green",
    "moving": "cyan",
    "degraded": "yellow",
    "unserved": "bold red",
}
"""Cells that stand out; what a state is called says it without colours too."""


def print_json(document: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def print_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Draw a table on a terminal; for programs, write a line for each row with tabs between the cells."""
    console = Console()
    if console.is_terminal:
        console.print(table(head, rows))
    else:
        sys.stdout.write("".join("\t".join(row) + "\n" for row in [head, *rows]))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Draw rows whose cells are shown as they are, never as markup."""
    drawn = Table(*head)
    for row in rows:
        drawn.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    return drawn
