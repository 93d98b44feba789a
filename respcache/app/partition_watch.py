"""``respcache cluster partitions --watch``: a bar while data moves, until every partition is safe.

On a terminal it is drawn in place; a program gets a line whenever the figures change.
"""

import sys
import time
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..keyspace.slots import PARTITIONS
from .client import Connection
from .partition_report import STATES, counts, ranges_of, summary

PAUSE_S: Final = 0.5
"""Often enough for a person; each look costs every member about a millisecond."""


def watch_until_safe(node: Connection) -> None:
    """Show how many partitions are safe until all are."""
    console = Console()
    if not console.is_terminal:
        told = ""
        for found in looks(node):
            line = summary(found)
            if line != told:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
                told = line
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=PARTITIONS)
        for found in looks(node):
            progress.update(task, completed=found[STATES[0]], description=summary(found))


def looks(node: Connection) -> Iterator[dict[str, int]]:
    """Yield how many partitions are in which state, until all are safe."""
    while True:
        found = counts(ranges_of(node.call("CLUSTER", "PARTITIONS")))
        yield found
        if found[STATES[0]] == sum(found.values()):
            return
        time.sleep(PAUSE_S)
