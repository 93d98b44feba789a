"""Something that may happen at any moment happens at every one: before each step of any task, whatever their order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio


class _AtEveryStep(trio.abc.Instrument):
    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self.errors: list[Exception] = []

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        try:
            self._act()
        except Exception as error:
            self.errors.append(error)


@contextmanager
def at_every_step(act: Callable[[], None]) -> Iterator[list[Exception]]:
    """Call ``act`` before every step until the block ends; yield what it has raised."""
    instrument = _AtEveryStep(act)
    trio.lowlevel.add_instrument(instrument)
    try:
        yield instrument.errors
    finally:
        trio.lowlevel.remove_instrument(instrument)
