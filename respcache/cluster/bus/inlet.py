"""The accepting end of a connection between nodes: runs what the other node sends on, and answers.

``_run_batch`` is the owner's half of the path that every forwarded command takes, a twin of the session's hot loop:
equal commands in a row are looked up and counted together, and neighbouring replies leave in one frame.

When a command is refused because its key is not ours, so is what its sender had sent behind it for the same partition,
even if that becomes ours meanwhile: it would overtake. Senders tell how many refusals they have heard of.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from ...commands.client import Client
from ...commands.context import Context
from ...commands.errors import CommandError
from ...commands.nobody import NOBODY
from ...commands.pending import Slot
from ...commands.spec import Command
from ...commands.transactions import forget_watches
from ...keyspace.clock import Clock
from ...protocol.encoder import BULK_HEADERS, ENCODERS, SHORT_BULK_BYTES
from ...protocol.replies import Reply
from ..replication.held import Late
from ..security.links import Link
from .answers import LateAnswer, LateRun, notable, partitions_at, partitions_of_call
from .connection import BusConnection
from .frames import (
    ANSWER,
    ANYWHERE,
    EXCHANGE,
    PARTITION_MASK,
    REFUSAL,
    REQUEST,
    TRANSACTION,
    UNWATCH,
    WATCH,
    WORKING,
    Answer,
    BrokenFrameError,
    Decoders,
    Exchange,
    Refusal,
    Request,
    TransactionRequest,
    Unwatch,
    Watch,
    Working,
    frame,
)
from .memory import Memory
from .runner import Bound, Runner


class Territory(Protocol):
    """What an inlet asks about partitions, and whom it tells what."""

    @property
    def owned(self) -> bytearray:
        """1 for each partition whose commands run here, and for ``ANYWHERE``."""

    def serves(self, partition: int) -> bool: ...
    def owner_of(self, partition: int) -> bytes:
        """Return the id of a partition's owner as far as we know; empty if we do not."""

    def memory_of(self, origin: bytes) -> Memory: ...
    def inlet_opened(self, inlet: "Inlet") -> None: ...
    def inlet_closed(self, inlet: "Inlet") -> None: ...
    def exchange_asked(self, inlet: "Inlet", exchange: Exchange) -> None: ...
    def other_frame(self, inlet: "Inlet", data: bytes) -> None:
        """Take a frame that is not about commands. Raises BrokenFrameError."""


DECODERS: Final = Decoders(
    {
        REQUEST: Request,
        TRANSACTION: TransactionRequest,
        WATCH: Watch,
        UNWATCH: Unwatch,
        EXCHANGE: Exchange,
    }
)
KINDS: Final = REQUEST + TRANSACTION + WATCH + UNWATCH + EXCHANGE


class Inlet(BusConnection):
    """One other node's commands."""

    memory: Memory

    def __init__(
        self,
        link: Link,
        clock: Clock,
        wake: Callable[[], None],
        address: str,
        *,
        runner: Runner,
        territory: Territory,
    ) -> None:
        super().__init__(link, clock, wake, address)
        self._runner = runner
        self._territory = territory
        self._contexts: dict[tuple[int, int], Context] = {}
        self._watchers: dict[int, Client] = {}
        self._refusals = 0
        self._refused: dict[int, int] = {}
        """By partition, the number of its last refusal; at most one for each partition."""
        self.on_closed = self._closed

    def established(self) -> None:
        self.memory = self._territory.memory_of(self.peer_id)
        self._territory.inlet_opened(self)

    def take(self, data: bytes) -> None:
        if data[:1] not in KINDS or not data:
            self._territory.other_frame(self, data)
            return
        body = DECODERS.decode(data)
        if isinstance(body, Request):
            if len(body.places) != len(body.commands) or not all(body.commands):
                raise BrokenFrameError("a batch without a place and words for each command")
            self.is_awaited = len(body.commands) == 1  # whoever waits for it asks again
            if body.is_resent or self._runner.is_held:
                self._run_singly(body)
            else:
                self._run_batch(body)
        elif isinstance(body, TransactionRequest):
            self._run_transaction(body)
        elif isinstance(body, Watch):
            self._watch(body)
        elif isinstance(body, Unwatch):
            self._unwatch(body.client)
        elif isinstance(body, Exchange):
            self._territory.exchange_asked(self, body)

    def answer(self, batch: int, first: int, wires: list[bytes]) -> None:
        self.send(frame(ANSWER, Answer(batch, first, wires)))

    # -- running -------------------------------------------------------------------

    def _run_batch(self, request: Request) -> None:  # noqa: C901, PLR0912, PLR0915  # the owner's hot loop, see above
        """Run commands that were never sent before, in order."""
        context = self._context(request.db, request.protocol)
        owned, refused = self._territory.owned, self._refused
        executor = self._runner.executor
        now_ns = executor.now_ns
        encoders = ENCODERS[request.protocol]
        wires: list[bytes] = []
        first = request.first
        commands, places = request.commands, request.places
        current: Bound | None = None
        run: Callable[[Context, Sequence[bytes]], Reply | Slot] = _nothing
        arity = 0
        has_write = is_cut = False
        cut: dict[int, Sequence[int]] = {}
        gate = executor.gate
        ended_ns = [now_ns()]
        for at, argv in enumerate(commands):
            partition = places[at] & PARTITION_MASK
            bound = executor.fast_here.get(argv[0])
            if gate is not None and bound is not None and gate.stops(context, bound.command, argv):
                bound = None
            if bound is not None and bound is not current:
                run, arity, is_cut = bound.run, bound.arity, bound.command.spread is not None
            try:
                is_ours = bool(owned[partition]) and (not refused or partition == ANYWHERE)
            except IndexError:
                raise BrokenFrameError(f"no partition {partition}") from None
            if not is_ours or is_cut:
                command = bound.command if bound is not None else None
                concerned = partitions_of_call(command, argv, partition)
                is_ours = self._takes(concerned, request.seen)
                if self._touch(command, argv):
                    cut[request.first + at] = concerned
            if bound is not current or not is_ours:
                if current is not None and len(ended_ns) > 1:
                    executor.count(context.client, current, ended_ns, commands, at)
                ended_ns = ended_ns[-1:]
                current = bound
                has_write = has_write or (bound is not None and bound.command.is_write)
            if not is_ours or bound is None or (len(argv) != arity and (arity > 0 or len(argv) < -arity)):
                self._flush(request, first, wires, has_write, cut)
                wires, first, current = [], request.first + at + 1, None
                has_write, cut = False, {}
                self._run_one(request, at, context)
                ended_ns = [now_ns()]
                continue
            try:
                reply = run(context, argv)
            except CommandError as error:
                reply = executor.fail(bound, error)
            except Exception as error:
                reply = executor.crash(context.client, bound, argv, error)
            ended_ns.append(now_ns())
            if reply.__class__ is bytes:
                size = len(reply)
                header = BULK_HEADERS[size] if size < SHORT_BULK_BYTES else b"$%d\r\n" % size
                wires.append(header + reply + b"\r\n")
            else:
                wires.append(encoders[reply.__class__](reply))
        if current is not None and len(ended_ns) > 1:
            executor.count(context.client, current, ended_ns, commands, len(commands))
        self._flush(request, first, wires, has_write, cut)

    def _flush(
        self, request: Request, first: int, wires: list[bytes], has_write: bool, cut: dict[int, Sequence[int]]
    ) -> None:
        """Answer neighbouring commands in one frame, as soon as all their answers may be seen.

        ``cut``: by position, the partitions of those that may concern several.
        """
        if not wires:
            return
        holds = self._runner.holds
        if holds is not None and (holds.has_news or holds.is_waiting):
            run = LateRun(self, request, first, wires, is_write=has_write, cut=cut)
            holds.touch_partitions(run.partitions)
            if self.holds_back(
                run, request.batch, notable(request, first, wires, self._runner.executor.fast_here)
            ):
                self.memory.hold(run)
                return
        self.memory.note(request.batch, first, wires, is_write=has_write)
        self.answer(request.batch, first, wires)

    def holds_back(self, late: Late, batch: int, answers: Iterable[tuple[int, list[bytes]]]) -> bool:
        """Say whether what has just run may not be answered yet; ``late`` will be told.

        Whoever has copies of what was written hears of ``answers`` (positions, and those from there on) as well: it may
        be asked for them in our stead.
        """
        holds = self._runner.holds
        if holds is None:
            return False
        if holds.written:
            told = holds.told()
            for first, wires in answers if told else ():
                for stream in told:
                    stream.note(self.peer_id, batch, first, wires)
        return holds.keep(late)

    def _touch(self, command: Command | None, argv: Sequence[bytes]) -> bool:
        """Note that a command concerns several partitions, if it does."""
        holds = self._runner.holds
        if holds is None or command is None or command.spread is None:
            return False
        holds.touch(command, argv)
        return True

    def _run_singly(self, request: Request) -> None:
        """Run commands that may have run before, or that must wait behind others."""
        context = self._context(request.db, request.protocol)
        for at in range(len(request.commands)):
            position = request.first + at
            if request.is_resent and self._answer_again(request.batch, position):
                continue
            self._run_one(request, at, context)

    def _answer_again(self, batch: int, position: int) -> bool:
        """Answer an operation that has run already, or is running; say whether it has or is."""
        wire = self.memory.find(batch, position)
        if wire is not None:
            self.answer(batch, position, [wire])
            return True
        late = self.memory.late.get((batch, position)) or self.memory.find_held(batch, position)
        if late is None:
            return False
        assert isinstance(late, LateAnswer | LateRun)
        late.inlet = self
        if isinstance(late, LateRun):
            late.is_asked = True
        self.send(frame(WORKING, Working(batch, position)))
        return True

    def _run_one(self, request: Request, at: int, context: Context) -> None:
        """Run one command the long way, or refuse it."""
        partition = request.places[at] & PARTITION_MASK
        position = request.first + at
        argv = request.commands[at]
        command = None
        with suppress(CommandError):  # a command that there is not says so itself
            command = self._runner.node.table.resolve(argv)
        is_write = command is not None and command.is_write
        partitions = partitions_of_call(command, argv, partition)
        if not self._takes(partitions, request.seen):
            self.refuse(request.batch, position, partitions)
            return
        late = LateAnswer(self, request.batch, position, partitions, is_write=is_write)
        self._runner.run(context, argv, late.fill, late.stray)
        self._put_off(late)

    def _takes(self, partitions: Sequence[int], seen: int) -> bool:
        """Say whether a command may run here: its keys are ours, and it was not sent behind one that was refused."""
        if seen < 0 or not all(map(self._territory.serves, partitions)):
            return False
        if self._refused:
            if any(seen < self._refused.get(partition, 0) for partition in partitions):
                return False
            for partition in partitions:
                self._refused.pop(partition, None)
        return True

    def _put_off(self, late: LateAnswer) -> None:
        """Know of an answer that is not there yet; whoever waits for one that may take its time is told."""
        if late.is_over:
            return
        self.memory.late[late.batch, late.position] = late
        if not late.has_run:
            self.send(frame(WORKING, Working(late.batch, late.position)))

    def refuse(self, batch: int, position: int, partitions: Sequence[int]) -> None:
        """Leave a command to whoever owns its keys."""
        self._refusals += 1
        self._refused.update(dict.fromkeys(partitions, self._refusals))
        owner = self._territory.owner_of(partitions[0])
        self.send(frame(REFUSAL, Refusal(batch, position, owner)))

    def _new_context(self, db: int, protocol: int) -> Context:
        if not 0 <= db < len(self._runner.node.keyspace.databases) or protocol not in ENCODERS:
            raise BrokenFrameError(f"no database {db}, or no RESP version {protocol}")
        return self._runner.context(NOBODY, db, protocol, self.client.address)

    def _context(self, db: int, protocol: int) -> Context:
        context = self._contexts.get((db, protocol))
        if context is None:
            context = self._contexts[db, protocol] = self._new_context(db, protocol)
        elif context.client.db_index != db:
            context.select(db)
        return context

    # -- watches and transactions ----------------------------------------------------

    def _watch(self, body: Watch) -> None:
        fresh = self._new_context(body.db, 2)
        if not self._owns_all(body.places, body.batch, self._refusals):
            return
        watcher = self._watchers.setdefault(body.client, fresh.client)
        self._runner.watchers[watcher] = None
        watcher.db_index = body.db
        context = Context(self._runner.node, watcher)
        late = LateAnswer(self, body.batch, 0, partitions_at(body.places), is_write=False)
        self._runner.run(context, [b"WATCH", *body.keys], late.fill)
        self._put_off(late)

    def _unwatch(self, client: int) -> None:
        watcher = self._take_watcher(client)
        if watcher is not None:
            forget_watches(self._runner.node, watcher)

    def _take_watcher(self, client: int) -> Client | None:
        watcher = self._watchers.pop(client, None)
        if watcher is not None:
            del self._runner.watchers[watcher]
        return watcher

    def _run_transaction(self, body: TransactionRequest) -> None:
        context = self._new_context(body.db, body.protocol)
        if not all(body.commands):
            raise BrokenFrameError("a transaction with a command without words")
        if body.is_resent and self._answer_again(body.batch, 0):
            return
        if not self._owns_all(body.places, body.batch, body.seen):
            self._unwatch(body.client)  # nothing else would end what this EXEC was to end
            return
        watcher = self._take_watcher(body.client)
        if watcher is not None:
            watcher.protocol, watcher.db_index = body.protocol, body.db
            context = Context(self._runner.node, watcher)
        is_dirty = (
            body.is_watching and watcher is None
        )  # our memory of the watch is gone, so anything may have changed
        late = LateAnswer(self, body.batch, 0, partitions_at(body.places), is_write=True)
        self._runner.run_transaction(context, body.commands, late.fill, is_dirty=is_dirty)
        self._put_off(late)

    def _owns_all(self, places: list[int], batch: int, seen: int) -> bool:
        partitions = partitions_at(places)
        is_ours = self._takes(partitions, seen)
        if not is_ours:
            self.refuse(batch, 0, partitions)
        return is_ours

    def _closed(self) -> None:
        for client in tuple(self._watchers):
            self._unwatch(client)
        if self.was_established:
            self._territory.inlet_closed(self)


def _nothing(context: Context, argv: Sequence[bytes]) -> Reply:
    """Stand for no command at all."""
    raise AssertionError("never called: what has no command takes the long way")
