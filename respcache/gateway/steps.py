"""Runs the commands that a handler wants, one after another, as those of a client: with all guards, and waiting where they wait.

Of commands that a handler wants together, all are begun before any is waited for, as in a pipeline. A handler that wants many
is interrupted after its share of a turn, and goes on in the next.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from ..commands.context import Context
from ..commands.pending import Pending, Slot
from ..protocol.replies import Reply
from .messages import Steps
from .wire import AS_THEY_ARE, Plain, plain, plain_of_wire

COMMANDS_PER_TURN: Final = 256
"""Less than a millisecond; a Redis client has some two."""

OPEN: Final = 128
"""Commands of one handler that may be begun and not answered: what they are sent on may hold a few thousand.

So many that are wanted together are begun in one turn.
"""


LATER: Final = frozenset({Slot, Pending, type})
"""Answers that are no replies."""


class Executor(Protocol):
    """What the dispatcher offers."""

    def serve(self, context: Context, argv: list[bytes]) -> "Reply | Pending | Slot | type":
        """Run a command; a class says that it is to be offered again, once a pause has ended."""


class _Waiting:
    """Stands for a reply that is to come."""


WAITING: Final = _Waiting()

REST: Final[list[bytes]] = []
"""Yielded instead of a command by a handler whose commands are long: everybody else has a turn, and then it goes on."""

Done = Callable[[Any, Exception | None], None]  # Any: what the generator returns
"""Told of the end: what the generator has returned, or the exception that it has raised."""


class Batch:
    """Commands of which some have been begun, and the replies that there are."""

    __slots__ = ("begun", "commands", "is_alone", "open", "replies", "slots")

    def __init__(self, commands: Sequence[list[bytes]], *, is_alone: bool) -> None:
        self.commands = commands
        self.is_alone = is_alone
        """Whether the handler wants the one reply, and not a list."""
        self.replies: list[Plain] = [None] * len(commands)
        self.begun = 0
        self.open = 0
        self.slots: dict[int, Slot] = {}

    @property
    def is_done(self) -> bool:
        return not self.open and self.begun == len(self.commands)

    @property
    def result(self) -> Plain:
        return self.replies[0] if self.is_alone else self.replies


class StepRunner:
    """One generator of commands at a time."""

    def __init__(
        self, executor: Executor, context: Context, rouse: Callable[[], None] = lambda: None
    ) -> None:
        """``rouse`` is called when there is more to do than fits a turn: ``go_on`` must be called in the next."""
        self._serve = executor.serve
        self._context = context
        self._rouse = rouse
        self._steps: Steps | None = None
        self._done: Done = lambda result, error: None
        self._batch: Batch | None = None
        self._is_paused = False
        self._is_starting = False
        self.is_interrupted = False
        self.budget = COMMANDS_PER_TURN
        """Commands that may still run in this turn."""
        self.progress = 0
        """Changes whenever something that was waited for has come."""

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
        steps, self._steps, self._batch = self._steps, None, None
        self._is_paused = self.is_interrupted = False
        if steps is not None:
            steps.close()

    def settle(self) -> None:
        """Take the replies of other nodes that have come."""
        batch = self._batch
        if batch is None or not batch.slots:
            return
        for at, slot in list(batch.slots.items()):
            if slot.wire is not None:
                del batch.slots[at]
                batch.replies[at] = plain_of_wire(slot.wire)
                batch.open -= 1
                self.progress += 1
        self._look_at(batch)

    def release(self) -> None:
        """Offer a command again that a pause has held up."""
        if self._is_paused:
            self._is_paused = False
            self._continue()

    def go_on(self) -> None:
        """Go on after an interruption."""
        if self.is_interrupted:
            self.is_interrupted = False
            self._continue()

    # -- within ------------------------------------------------------------------

    def _advance(self, reply: Plain) -> None:
        """Give the generator a reply, and run what it wants next, until something must be waited for."""
        steps = self._steps
        while steps is not None and self._steps is steps:
            try:
                wanted = steps.send(reply)
            except StopIteration as stop:
                self._end(stop.value, None)
                return
            except Exception as error:  # a handler's refusal, or a bug in it: for whoever has started it
                self._end(None, error)
                return
            if wanted is REST:
                self._batch = Batch((), is_alone=False)
                self.is_interrupted = True
                self._rouse()
                return
            if isinstance(wanted, list) and self.budget > 0:
                self.budget -= 1
                answer = self._serve(self._context, wanted)
                if answer.__class__ not in LATER:
                    reply = answer if answer.__class__ in AS_THEY_ARE else plain(answer)  # type: ignore[arg-type]  # see LATER
                    continue
                batch = Batch((wanted,), is_alone=True)
                self._batch = batch
                self._take(batch, answer)
            elif isinstance(wanted, list):
                self._batch = Batch((wanted,), is_alone=True)
            elif isinstance(wanted, Pending):
                batch = Batch(([],), is_alone=True)  # as if a command had been begun
                self._batch = batch
                self._take(batch, wanted)
            else:
                self._batch = Batch(wanted.commands, is_alone=False)
            reply = self._run_batch()
            if reply is WAITING:
                return

    def _end(self, result: Any, error: Exception | None) -> None:
        self._steps = None
        self._done(result, error)

    def _continue(self) -> None:
        if self._batch is not None:
            reply = self._run_batch()
            if reply is not WAITING:
                self._advance(reply)

    def _run_batch(self) -> Plain:
        """Begin what has not been begun; return the replies, or WAITING."""
        batch = self._batch
        assert batch is not None
        self.progress += 1
        self._is_starting = True
        while not self._is_paused and batch.begun < len(batch.commands) and batch.open < OPEN:
            if self.budget <= 0 and batch.begun % OPEN == 0:
                self.is_interrupted = True
                self._rouse()
                break
            self.budget -= 1
            self._take(batch, self._serve(self._context, batch.commands[batch.begun]))
        self._is_starting = False
        if not batch.is_done or self._batch is not batch:
            return WAITING
        self._batch = None
        return batch.result

    def _take(self, batch: Batch, answer: Any) -> None:  # Any: see Executor.serve
        """Note what has come of the next command."""
        if isinstance(answer, type):
            self._is_paused = True
            return
        at = batch.begun
        batch.begun += 1
        if isinstance(answer, Slot):
            if answer.wire is None:
                batch.slots[at] = answer
                batch.open += 1
            else:
                batch.replies[at] = plain_of_wire(answer.wire)
        elif isinstance(answer, Pending):
            self._wait_for(batch, at, answer)
        else:
            batch.replies[at] = plain(answer)

    def _wait_for(self, batch: Batch, at: int, pending: Pending) -> None:
        is_late = False

        def take(reply: Reply) -> None:
            batch.replies[at] = plain(reply)
            if is_late:
                batch.open -= 1
                self.progress += 1
                self._look_at(batch)

        pending.when_done(take)
        if not pending.is_done:
            batch.open += 1
        is_late = True

    def _look_at(self, batch: Batch) -> None:
        """Go on if nothing is missing any more; unless the client has gone, or more is just being begun."""
        if self._batch is batch and not self._is_starting and not self._is_paused and not self.is_interrupted:
            self._continue()
