"""When trio itself has something to do: for a task that waits for sockets in trio's stead.

A pass through trio's loop costs a lone client's request three system calls and some 6 us.
So the reactor blocks in its own poller, in which trio's poller stands like one more
socket, and calls on trio only when trio is due: a task can run, a deadline has come, or
one of trio's own descriptors (signals and threads ring there too) is ready.

Who can run is told by an instrument, because trio takes its run queue away in batches,
and whoever stands behind us in a batch is seen nowhere else. The next deadline is asked
for once per pass: only a task can move it, and a task that can run ends our wait.
The number of trio's poller is the one thing that has no public way; where it is not
found, ``TrioDue.find`` says None, and the reactor waits in trio like any other task.
"""

from time import perf_counter
from typing import Final, Self

import trio

LONGEST_WAIT_S: Final = 0.2
"""trio gets a turn after this at the latest, in case the reactor alone was cancelled; housekeeping has a deadline every 100 ms at least."""


class TrioDue(trio.abc.Instrument):
    """What a task asks of the trio run that it is part of; ``close`` ends the asking."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        """trio's poller: readable when one of its descriptors is."""
        self._runnable: set[trio.lowlevel.Task] = set()
        self._deadline_s = 0.0  # by perf_counter, which is what trio's clock counts by

    @classmethod
    def find(cls) -> Self | None:
        """Look into the present run; None where it does not look as we know it, or its clock is not the real one."""
        try:
            from trio._core._run import GLOBAL_RUN_CONTEXT, SystemClock  # noqa: PLC0415  # private, see above

            runner = GLOBAL_RUN_CONTEXT.runner
            if not isinstance(runner.clock, SystemClock) or runner.is_guest:
                return None
            due = cls(runner.io_manager._epoll.fileno())
        except (ImportError, AttributeError):
            return None
        trio.lowlevel.add_instrument(due)
        return due

    def close(self) -> None:
        """Be told nothing more."""
        trio.lowlevel.remove_instrument(self)

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        self._runnable.add(task)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._runnable.discard(task)

    def seconds_left(self) -> float:
        """Return for how long trio needs no turn; 0.0 when it is due."""
        if self._runnable:
            return 0.0
        return max(0.0, self._deadline_s - perf_counter())

    async def pass_on(self) -> None:
        """Give trio its turn, and once more where somebody is left who could run: trio shuffles, and may have come back to us first."""
        await trio.lowlevel.checkpoint()
        if self._runnable:
            await trio.lowlevel.checkpoint()
        left_s = trio.lowlevel.current_statistics().seconds_to_next_deadline
        self._deadline_s = perf_counter() + min(LONGEST_WAIT_S, left_s)
