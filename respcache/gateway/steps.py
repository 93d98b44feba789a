"""Runs the commands that a handler wants, one after another, as those of a client: with all guards, and waiting where they wait."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from ..commands.context import Context
from ..commands.pending import Pending, Slot
from ..protocol.replies import Reply
from .messages import Steps
from .wire import Plain, plain, plain_of_wire


class Executor(Protocol):
    """What the dispatcher offers."""

    def execute(self, context: Context, argv: list[bytes]) -> "Reply | Pending | Slot | type":
        """Run a command; a class says that it is to be offered again, once a pause has ended."""


class _Waiting:
    """Stands for a reply that is to come."""


WAITING: Final = _Waiting()

Done = Callable[[Any, Exception | None], None]  # Any: what the generator returns
"""Told of the end: what the generator has returned, or the exception that it has raised."""


class StepRunner:
    """One generator of commands at a time."""

    def __init__(self, executor: Executor, context: Context) -> None:
        self._executor = executor
        self._context = context
        self._steps: Steps | None = None
        self._done: Done = lambda result, error: None
        self._slot: Slot | None = None
        self._held_words: list[bytes] | None = None

    @property
    def is_busy(self) -> bool:
        return self._steps is not None

    def start(self, steps: Steps, done: Done) -> None:
        """Run to the first reply that must be waited for, or to the end; ``done`` is called once, perhaps before this returns."""
        assert self._steps is None, "one at a time"
        self._steps, self._done = steps, done
        self._advance(None)

    def stop(self) -> None:
        """Forget the generator; what was begun goes on and is answered to nobody."""
        if self._steps is not None:
            self._steps.close()
            self._steps = self._slot = self._held_words = None

    def settle(self) -> None:
        """Take the reply of another node, if it has come."""
        slot = self._slot
        if slot is not None and slot.wire is not None:
            self._slot = None
            self._advance(plain_of_wire(slot.wire))

    def release(self) -> None:
        """Offer a command again that a pause has held up."""
        if self._held_words is not None:
            words, self._held_words = self._held_words, None
            reply = self._execute(words)
            if reply is not WAITING:
                self._advance(reply)

    def _advance(self, reply: Plain) -> None:
        steps = self._steps
        while steps is not None and self._steps is steps:
            try:
                argv = steps.send(reply)
            except StopIteration as stop:
                self._end(stop.value, None)
                return
            except Exception as error:  # a handler's refusal, or a bug in it: for whoever has started it
                self._end(None, error)
                return
            reply = self._wait_for(argv) if isinstance(argv, Pending) else self._execute(list(argv))
            if reply is WAITING:
                return

    def _end(self, result: Any, error: Exception | None) -> None:
        self._steps = None
        self._done(result, error)

    def _execute(self, argv: list[bytes]) -> Plain:
        """Run one command; return its reply, or WAITING."""
        answer = self._executor.execute(self._context, argv)
        if isinstance(answer, Slot):
            if answer.wire is not None:
                return plain_of_wire(answer.wire)
            self._slot = answer
            return WAITING
        if isinstance(answer, Pending):
            return self._wait_for(answer)
        if isinstance(answer, type):
            self._held_words = argv
            return WAITING
        return plain(answer)

    def _wait_for(self, pending: Pending) -> Plain:
        found: list[Reply] = []
        steps = self._steps
        is_late = False

        def take(reply: Reply) -> None:
            if not is_late:
                found.append(reply)
            elif self._steps is steps and steps is not None:  # else the client has gone meanwhile
                self._advance(plain(reply))

        pending.when_done(take)
        is_late = True
        return plain(found[0]) if found else WAITING
