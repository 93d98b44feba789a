"""``respcache loading preload``: a bar while keys are loaded; where there is no terminal, a line every few seconds."""

import sys
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .preload import Preload

LINE_PAUSE_S: Final = 5.0
"""Some ten lines for a million keys: enough for a log."""


def watch(work: Preload, total: int | None, now_s: Callable[[], float] = time.monotonic) -> None:
    """Load the keys and show how far that is; ``total`` is how many there are, if that is known."""
    console = Console()
    if console.is_terminal:
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("", total=total)
            for counts in work.run():
                progress.update(task, completed=counts.done, description=str(counts))
        return
    told_s = now_s()
    for counts in work.run():
        if now_s() - told_s >= LINE_PAUSE_S:
            told_s = now_s()
            sys.stdout.write(f"{counts}\n")
            sys.stdout.flush()
