"""Runs the tasks that owners wanted to start, without an event loop: they find nothing to wait for."""

from tests.commands.harness import Harness


async def no_time(seconds: float) -> None:
    """Sleep as a machine would on which time stands still."""


def run_tasks(harness: Harness) -> None:
    """Run every task to its end, and those that they start."""
    harness.host.sleep = no_time  # type: ignore[method-assign]
    while harness.tasks:
        task = harness.tasks.pop(0)()
        try:
            task.send(None)
        except StopIteration:
            continue
        raise AssertionError("the task waits for something")
