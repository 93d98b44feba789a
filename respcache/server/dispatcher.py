"""From words to reply: find the command, ask the guards, run it, count it.

There are two ways through. The short one is in the session's loop: a look-up
in ``fast``, the command's own bound function, and its statistics. It is open to
data commands while nothing is going on that could concern them, which is kept
true by *emptying the table*: with a monitor attached, clients paused or owners
awake, ``fast`` is an empty dictionary and every command takes the long way,
``execute``. So the short way tests for none of it.

Guards that a setting switches on (memory) are bound into the command's function
for the commands that they concern, so a GET does not pay for SET's guard.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter_ns

import msgspec

from .._speedups import DispatcherState, LoadWatch
from ..commands.client import Client, Ending
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.loads import Loads
from ..commands.node import Node, Router
from ..commands.pending import Pending, Slot
from ..commands.spec import Command, Flag, Trait
from ..commands.transactions import aborted, discard_transaction, forget_watches, queue_command
from ..commands.writes import Writes
from ..owners.owners import Owners
from ..protocol.limits import Limits
from ..protocol.replies import NO_REPLY, ErrorReply, Reply
from ..telemetry.command_statistics import CommandStatistics
from .binding import BoundCommand, bind_command, short_way
from .guards import Guard, is_held_by_pause, session_guards
from .ledger import Ledger
from .load_gate import LoadGate
from .monitoring import feed_monitors
from .output_limits import OutputLimit
from .waiting import Waiting
from .write_gate import WriteGate

log = logging.getLogger(__name__)


class Held:
    """What ``execute`` answers when the command must be offered again later; a class used as its own mark."""


class Dispatcher(DispatcherState):
    """Runs commands for all sessions of one node."""

    def __init__(self, node: Node, owners: Owners, guards: Sequence[Guard] = ()) -> None:
        self.node = node
        self.statistics = node.statistics
        self.ledger = Ledger(node)
        self.count, self.fail, self.crash = self.ledger.count, self.ledger.fail, self.ledger.crash
        self.report_output_limit = self.ledger.report_output_limit
        self.owners = owners
        self.now_ns = perf_counter_ns
        self.fast: dict[bytes, BoundCommand] = {}
        """The short way for clients of ours."""
        self.fast_here: dict[bytes, BoundCommand] = {}
        """The short way for commands that another node has sent on: they run here, whatever their keys."""
        self.needs_password = False
        self.request_limits = Limits()
        self.output_limits: dict[str, OutputLimit] = {}
        self.also_release: list[Callable[[], None]] = []
        """Called at the end of CLIENT PAUSE: others than clients have commands waiting, too."""
        self._setting_guards = tuple(guards)
        self._short = short_way(node.table)
        self._bound: dict[str, BoundCommand] = {}
        self._spellings: dict[bytes, BoundCommand] = {}
        self._spellings_here: dict[bytes, BoundCommand] = {}
        self._session_guards = session_guards()
        self._waiting = Waiting(node, owners, self.run_now)
        self.load_watch: LoadWatch | None = None
        self.gate: LoadGate | None = None
        """Asked for each command while there are loaders; else an owner that is awake closes the short way to all."""
        self.writes: WriteGate | None = None
        """Asked for each command on the long way while there are loaders that write."""
        owners.on_wake = self.refresh
        node.pause.on_change = self._follow_pause
        self.rebind()

    # -- tables ------------------------------------------------------------

    def rebind(self) -> None:
        """Bind guards anew; call it when a setting that a guard depends on has changed."""
        known = self.node.command_statistics
        for command in self.node.table.everything():
            name = command.full_name
            statistics = known.get(name)
            if statistics is None:
                statistics = known[name] = CommandStatistics()
            self._bound[name] = bind_command(command, self._setting_guards, statistics)
        self._spellings_here = {spelling: self._bound[name] for spelling, name in self._short.items()}
        self.reroute()

    def reroute(self) -> None:
        """Let the node's router stand before commands on the short way, or none; call it when there is another."""
        self._spellings = self._spellings_here
        router = self.node.router
        if router is not None:
            self._spellings = {
                spelling: msgspec.structs.replace(
                    bound, run=router.bound(bound.command, bound.run), series=None
                )
                for spelling, bound in self._spellings_here.items()
            }
        self.refresh()

    def rebind_limits(self) -> None:
        """Let connected clients' next input be read under the new limits."""
        for client in self.node.clients:
            client.connection.set_request_limits(self.request_limits)

    def refresh(self) -> None:
        """Open or close the short way; call it when anything changes that the long way looks at."""
        self.ledger.refresh()
        closed = self.node.monitors or self.is_paused or (self.owners.awake and self.gate is None)
        self.fast = {} if closed else self._spellings
        self.fast_here = {} if closed else self._spellings_here

    @property
    def is_paused(self) -> bool:
        return self.node.pause.is_active(self.node.clock.now_ms)

    def _follow_pause(self) -> None:
        self.refresh()
        if not self.is_paused:
            self._release_everybody()

    def _release_everybody(self) -> None:
        for client in self.node.clients:
            client.connection.release()
        for release in self.also_release:
            release()

    def end_pause(self, now_ms: int) -> None:
        """Let held clients go on once CLIENT PAUSE is over; called every now and then, and by UNPAUSE."""
        pause = self.node.pause
        if pause.until_ms and not pause.is_active(now_ms):
            pause.until_ms = 0
            self.refresh()
            self._release_everybody()

    def serve(self, context: Context, argv: list[bytes]) -> Reply | Pending | Slot | type[Held]:
        """Run one command on the short way if that is open to it, else on the long one: for whoever has no line of them."""
        client, gate = context.client, self.gate
        bound = self.fast.get(argv[0]) if client.is_ordinary else None
        if (
            bound is None
            or (len(argv) != bound.arity and (bound.arity > 0 or len(argv) < -bound.arity))
            or (gate is not None and gate.stops(context, bound.command, argv))
        ):
            reply = self.execute(context, argv)
            client.refresh()
        else:
            ended_ns = [perf_counter_ns()]
            try:
                reply = bound.run(context, argv)
            except CommandError as error:
                reply = self.fail(bound, error)
            except Exception as error:
                reply = self.crash(client, bound, argv, error)
            ended_ns.append(perf_counter_ns())
            self.count(client, bound, ended_ns, (argv,), 1)
        if self.node.tracking.has_pending:
            self.node.tracking.flush()
        return reply

    # -- the long way ------------------------------------------------------

    def execute(self, context: Context, argv: list[bytes]) -> Reply | Pending | Slot | type[Held]:
        """Run one command with every question asked, wherever its keys live; a refusal becomes its reply."""
        router = self.node.router
        reply = self._execute(context, argv, router)
        if reply.__class__ is Pending and router is not None:
            reply = self._follow(context, argv, router, reply)
        holds = self.node.holds
        if holds is None or reply.__class__ is Slot or reply is Held:
            return reply
        if reply.__class__ is Pending or holds.has_news:
            return holds.after_long(context.client, reply)  # type: ignore[arg-type]  # no slot, no mark
        return reply

    def _follow(self, context: Context, argv: list[bytes], router: Router, pending: Pending) -> Pending:
        """Let a command that waits go where its key goes; then it counts as one that was sent on at once."""
        command = self.node.table.resolve(argv)
        note = partial(self._note_forwarded, context, command, argv)
        return router.follow(context.client, command, argv, pending, note)

    def execute_here(self, context: Context, argv: list[bytes]) -> Reply | Pending | Slot | type[Held]:
        """Run one command that another node has sent on; nobody is asked where its keys live.

        The caller asks whether the answer must be held back.
        """
        return self._execute(context, argv, None)

    def _execute(  # noqa: C901, PLR0911  # a way out per question
        self, context: Context, argv: list[bytes], router: Router | None
    ) -> Reply | Pending | Slot | type[Held]:
        client = context.client
        if client.is_blocked:
            return Held
        try:
            command = self.node.table.resolve(argv)
            bound = self._bound.get(command.full_name)
        except CommandError as error:
            return self._refuse(context, None, error)
        client.last_command = command.full_name
        try:
            command.check_arity(argv)
            assert bound is not None, "a parent without a subcommand fails its arity check"
            if Trait.ENDS_SESSION in command.traits:
                return self._end_foreign(client, command)
            self._ask_session_guards(context, command, argv)
            is_queued = client.transaction is not None and Trait.IMMEDIATE not in command.traits
            if router is not None and not (self.is_paused and is_held_by_pause(context, command)):
                if is_queued:
                    router.check_queued(context, command, argv)
                elif (slot := router.route(context, command, argv)) is not None:
                    self._note_forwarded(context, command, argv)
                    return slot
            for guard in bound.guards:
                guard.check(context, command, argv)
            if self.is_paused and is_held_by_pause(context, command):
                return Held
            if is_queued:
                return queue_command(context, command, argv)
            pending = self.gate.submit(context, command, argv) if self.gate is not None else None
        except CommandError as error:
            return self._refuse(context, bound, error)
        if pending is None and self.owners.awake:
            pending = self._waiting.submit(context, command, argv)
        return pending or self.run_now(context, command, argv)

    def load_by(self, loads: Loads) -> None:
        """Let commands that need a missing key wait until it is loaded, from now on."""
        owners = self.owners
        busy = (owners.awake, owners.marked)
        self.gate = LoadGate(self.node, loads, busy, self._waiting, self._refuse_waiting)
        self.load_watch = LoadWatch(loads.prefixes(), busy, owners.busy_slots)
        self.refresh()

    def write_by(self, writes: Writes) -> None:
        """Let changes of keys that loaders write go to their databases, from now on."""
        self.writes = WriteGate(self.node, writes, self.owners, self._waiting, self)

    def _ask_session_guards(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        for guard in self._session_guards:
            if guard.concerns(command):
                guard.check(context, command, argv)

    def _note_forwarded(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        """Count and show a command that another node runs for a client of ours."""
        client = context.client
        self.statistics.total_commands_processed += 1
        self._show(context, command, argv)
        if client.tracking is not None:
            if Flag.READONLY in command.flags:
                self.node.tracking.remember(client, command.keys_in(argv))
            self.node.tracking.after_command(client, command)

    def run_now(self, context: Context, command: Command, argv: Sequence[bytes]) -> Reply | Pending:
        """Run a command that nothing stands against, once what it changes has been written."""
        pending = None if self.writes is None else self.writes.submit(context, command, argv)
        return pending or self.run_written(context, command, argv)

    def run_written(self, context: Context, command: Command, argv: Sequence[bytes]) -> Reply | Pending:
        """Run a command that nothing stands against, and that need not be written any more."""
        client = context.client
        tracking = self.node.tracking
        if client.tracking is not None:
            tracking.caller = client
        reply = self.invoke(context, command, argv)
        tracking.caller = None
        if client.tracking is not None:
            tracking.after_command(client, command)
        self._show(context, command, argv)  # now: monitors see EXEC after what it has run, as in Redis
        self.refresh_if_needed(command)
        return reply

    def invoke_queued(self, context: Context, command: Command, argv: Sequence[bytes]) -> Reply:
        """Run one command of a transaction."""
        reply = self.invoke(context, command, argv)
        self._show(context, command, argv)
        return reply

    def _show(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        if self.node.monitors and not command.flags & (Flag.SKIP_MONITOR | Flag.ADMIN):
            feed_monitors(self.node, context.client, command.readable(argv))

    def refresh_if_needed(self, command: Command) -> None:
        if Trait.SESSION in command.traits:
            self.refresh()

    def invoke(self, context: Context, command: Command, argv: Sequence[bytes]) -> Reply:
        """Run, count and time one command; what it raises becomes its reply."""
        bound = self._bound[command.full_name]
        client = context.client
        writes = self.writes
        is_heard = writes is not None and writes.listens(context, command, argv)
        before_ns = perf_counter_ns()
        try:
            if client.leaves_no_trace and command.spans:
                reply = self._run_untouched(context, command, argv)
            else:
                reply = command.run(context, argv)
        except CommandError as error:
            reply = self.fail(bound, error)
        except Exception as error:
            reply = self.crash(client, bound, argv, error)
        elapsed_ns = perf_counter_ns() - before_ns
        if writes is not None and is_heard:
            writes.settle()
        if self.node.holds is not None:
            self.node.holds.touch(command, argv)
        self.statistics.total_commands_processed += 1
        if Trait.UNTIMED not in command.traits:
            bound.statistics.calls += 1
            bound.statistics.nanoseconds += elapsed_ns
            bound.statistics.counts[elapsed_ns.bit_length()] += 1
            if elapsed_ns >= self.ledger.slow_ns:
                self.ledger.note_slow(client, bound, argv, elapsed_ns)
        if (
            client.tracking is not None
            and Flag.READONLY in command.flags
            and reply.__class__ is not ErrorReply
        ):
            self.node.tracking.remember(client, command.keys_in(argv))
        return reply

    def fail_of(self, command: Command, error: CommandError) -> ErrorReply:
        """Return what a command answers that has failed."""
        return self.fail(self._bound[command.full_name], error)

    # -- those who go ----------------------------------------------------------

    def forget(self, client: Client) -> None:
        """Undo whatever a client that has gone left in shared tables."""
        node = self.node
        node.broker.forget(client)
        node.tracking.stop(client)
        is_dirty = client.is_dirty or bool(client.watched)
        forget_watches(node, client)
        client.is_dirty = is_dirty  # an EXEC that still waits can be sure of nothing any more
        node.monitors.discard(client.id)
        node.clients.remove(client)
        self.refresh()

    # -- within ------------------------------------------------------------

    def _refuse(self, context: Context, bound: BoundCommand | None, error: CommandError) -> ErrorReply:
        client = context.client
        if client.transaction is not None:
            client.transaction.is_broken = True
        if bound is not None and Trait.RUNS_TRANSACTION in bound.command.traits:
            discard_transaction(self.node, client)
            error = aborted(error)
        self.node.tracking.after_command(client, bound.command if bound is not None else None)
        return self.ledger.reject(bound, error)

    def _refuse_waiting(self, context: Context, command: Command, error: CommandError) -> ErrorReply:
        """Answer a command that has waited in vain. Its client may be in another transaction by now."""
        if Trait.RUNS_TRANSACTION in command.traits:
            discard_transaction(self.node, context.client)
            error = aborted(error)
        return self.ledger.reject(self._bound[command.full_name], error)

    def _end_foreign(self, client: Client, command: Command) -> Reply:
        log.warning(
            "possible security attack: %s sends %s, which is HTTP and not this protocol; closed",
            client.address,
            command.name,
        )
        client.connection.end(Ending.AT_ONCE)
        return NO_REPLY

    def _run_untouched(self, context: Context, command: Command, argv: Sequence[bytes]) -> Reply:
        """Run for a client under CLIENT NO-TOUCH: what it reads keeps its age."""
        db = context.db
        stamp = db.stamp

        def keep(seen: int, now_ms: int) -> int:
            if seen >= 0:
                return seen
            return now_ms if stamp is None else stamp(seen, now_ms)

        db.stamp = keep
        try:
            return command.run(context, argv)
        finally:
            db.stamp = stamp
