"""One client's conversation: bytes in, bytes out, state between. Does no I/O.

The reactor, a trio stream and a test all drive this class alike: ``receive``
what has come, send what ``take_output`` gives, call ``resume`` while
``is_hungry``, and ``close`` at the end. ``wake`` is the transport's ear: it is
called when there is output, or an end, outside its own call.

Replies leave in the order of the commands. A command that cannot be answered
yet leaves a slot; replies behind it wait in the slot's ``after``, while the
commands they answer have already run.

``_run`` is the hot loop of the whole server: it breaks the rule of short
functions because a call costs 30 to 50 ns of the 400 that a pipelined GET takes.
Equal commands in a row are looked up and counted together; each one's end is
noted, so that the slow log still knows which of them it was.
"""

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final

from .._speedups import SessionState
from ..commands.client import Client, Ending, ReplyMode
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.pending import Pending, Slot
from ..protocol.encoder import BULK_HEADERS, ENCODERS, SHORT_BULK_BYTES, encode
from ..protocol.limits import UNAUTHENTICATED, Limits
from ..protocol.parser import QUERY_LIMIT, RequestParser
from ..protocol.replies import OK, NoReply, Reply
from .binding import NOT_FAST, NOTHING_FAST
from .dispatcher import Dispatcher, Held
from .series import COMMANDS_PER_CHECK, COMMANDS_PER_TURN, OUTPUT_PER_TURN_BYTES, take_series

SLOTS: Final = 1024
"""Replies one client may be owed before the session stops taking commands: each holds a mailbox place."""


class Session(SessionState):
    """Parses, runs and answers; see the file's docstring for how to drive it."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        wake: Callable[[], None],
        address: str,
        local_address: str,
        *,
        is_local: bool = True,
        descriptor: int = -1,
    ) -> None:
        node = dispatcher.node
        self._dispatcher = dispatcher
        self.wake = wake
        self.client = Client(node.clients.next_id(), self, address, local_address, node.clock.now_ms)
        self.client.is_local = is_local
        self.client.descriptor = descriptor
        self.client.is_authenticated = not dispatcher.needs_password
        self.context = Context(node, self.client)
        self.limits = dispatcher.request_limits
        self.parser = RequestParser(self.limits if self.client.is_authenticated else UNAUTHENTICATED)
        self.unsent_bytes = 0
        """What the transport could not send yet; the transport keeps it up to date."""
        self.received_bytes = 0
        self.sent_bytes = 0
        self.over_soft_limit_since_ms: int | None = None
        self.out: list[bytes] = []
        self.tail = self.out  # where the next reply goes: ``out``, or behind the last slot
        self.slots: deque[Slot] = deque()
        self.backlog: deque[list[bytes]] = deque()
        self.pushed_bytes = 0
        self.is_held = False
        self._is_dismissed = False
        self.jams = 0
        """How many ways to other nodes are full and have asked it to wait."""
        self.is_awaited = False
        """Answered over the bus, a client that is alone asks again at once; if here, going to sleep is the cheapest."""
        self.is_running = False
        self.has_unread = False  # a turn ended amid input that is read one command at a time
        self.client.refresh()
        node.clients.add(self.client)

    # -- the transport's side ----------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take what has arrived, and run what is complete of it, up to one turn's worth."""
        self.received_bytes += len(data)
        self.is_awaited = False
        if self.client.is_authenticated:
            commands = take_series(self, self._dispatcher, data)
            if commands is not None:
                self._take(commands)
        else:
            self.backlog.extend(self.parser.feed(data, 1))
            self.resume()
        if self.parser.error is not None and not self.backlog:
            self._refuse()

    def _take(self, commands: list[list[bytes]]) -> None:
        if not self.backlog and len(commands) <= COMMANDS_PER_CHECK and not self.is_held:
            self._run(commands)
        else:
            self.backlog.extend(commands)
            self.resume()

    def take_over(self, commands: list[list[bytes]]) -> None:
        """Run commands that the compiled loop has read and leaves to us, at most ``COMMANDS_PER_CHECK``."""
        if self.backlog or self.is_held:
            self.backlog.extend(commands)
        else:
            self._run(commands)

    def take_over_all(self, commands: list[list[bytes]]) -> None:
        """Run such commands, and everything behind them that has been received, unless the client is to go."""
        if self.client.ending is not None:
            return
        self._take(commands + self.parser.feed(b""))
        if self.parser.error is not None and not self.backlog:
            self._refuse()

    def resume(self) -> None:
        """Run commands that wait, up to one turn's worth."""
        budget = COMMANDS_PER_TURN
        self.has_unread = False
        while budget > 0 and not self.is_held and self.client.ending is None:
            if not self.backlog:
                if self.client.is_authenticated and self.parser.limits is self.limits:
                    break
                self._read_one_more()
                if not self.backlog:
                    self.has_unread = False
                    break
            commands = [self.backlog.popleft() for _ in range(min(COMMANDS_PER_CHECK, len(self.backlog)))]
            budget -= len(commands)
            self._run(commands)
            if sum(map(len, self.out)) > OUTPUT_PER_TURN_BYTES:
                break
            self.has_unread = self.parser.limits is not self.limits
        if self._is_dismissed:
            self.dismiss()
        if self.parser.error is not None and not self.backlog:
            self._refuse()

    def take_output(self) -> list[bytes]:
        """Hand over what is to be sent now, and forget it."""
        out = self.out
        if self.tail is out:
            self.tail = self.out = []
        else:
            self.out = []
        self.pushed_bytes = 0
        return out

    @property
    def has_output(self) -> bool:
        """Whether anything is still to be sent, be it there already or not."""
        return bool(self.out or self.slots)

    @property
    def is_hungry(self) -> bool:
        """Whether commands wait that could run now."""
        return bool(self.backlog or self.has_unread) and not self.is_held and self.client.ending is None

    @property
    def wants_input(self) -> bool:
        """Whether the transport should read on: not while commands wait, or the session is held or ending."""
        return not (self.backlog or self.has_unread or self.is_held) and self.client.ending is None

    @property
    def is_drained(self) -> bool:
        """Whether every command received has been answered in full."""
        return not self.backlog and not self.slots and not self.out

    def close(self) -> None:
        """Forget the client; what it still has in mailboxes runs, and is not answered."""
        self.client.ending = Ending.AT_ONCE
        self.backlog.clear()
        self.slots.clear()
        self.out.clear()
        self._dispatcher.forget(self.client)

    # -- the commands' side: see commands.client.Connection ------------------

    def push(self, wire: bytes) -> None:
        if self.client.ending is not None:
            return
        self.tail.append(wire)
        self.pushed_bytes += len(wire)
        hard = self._dispatcher.output_limits[self.client.output_class].hard_bytes
        if hard and self.unsent_bytes + self.pushed_bytes > hard:
            self._dispatcher.report_output_limit(self.client, self.unsent_bytes + self.pushed_bytes)
            self.end(Ending.AT_ONCE)
        elif not self.is_running:
            self.wake()

    def end(self, ending: Ending) -> None:
        if self.client.ending is not Ending.AT_ONCE:
            self.client.ending = ending
        self.client.refresh()
        self.wake()

    def dismiss(self) -> None:
        self._is_dismissed = bool(self.backlog or self.has_unread)
        if not self._is_dismissed:
            self.end(Ending.AFTER_REPLIES)

    def hold(self) -> None:
        self.is_held = True

    def jam(self) -> None:
        self.jams += 1
        self.is_held = True

    def clear_jam(self) -> None:
        self.jams -= 1
        if not self.jams:
            self.release()

    def release(self) -> None:
        if self.is_held and not self.jams:
            self.is_held = False
            self.wake()

    def select(self, index: int) -> None:
        self.context.select(index)

    def set_request_limits(self, limits: Limits) -> None:
        if self.parser.limits is self.limits:
            self.parser.limits = limits
        self.limits = limits

    @property
    def query_bytes(self) -> int:
        return self.parser.buffered_bytes

    @property
    def output_bytes(self) -> int:
        return self.unsent_bytes + sum(map(len, self.out))

    # -- within ------------------------------------------------------------

    def _read_one_more(self) -> None:
        """Go on in input that was read while the client was not authenticated, one command at a time."""
        if self.client.is_authenticated:
            self.parser.limits = self.limits
            self.backlog.extend(self.parser.feed(b""))
        else:
            self.backlog.extend(self.parser.feed(b"", 1))

    def _refuse(self) -> None:
        """Answer broken input as Redis does, once everything before it has been answered."""
        if self.client.ending is None:
            if self.parser.error == QUERY_LIMIT:
                self.end(Ending.AT_ONCE)
            else:
                self.tail.append(b"-ERR %b\r\n" % (self.parser.error or "").encode("latin-1", "replace"))
                self.end(Ending.AFTER_REPLIES)

    def _run(self, commands: list[list[bytes]]) -> None:  # noqa: C901, PLR0912, PLR0915  # the hot loop, see above
        """Run commands in order; what must not run yet goes back to the front of the backlog."""
        dispatcher = self._dispatcher
        client = self.client
        context = self.context
        self.is_running = True
        fast = dispatcher.fast if client.is_ordinary else NOTHING_FAST
        encoders = ENCODERS[client.protocol]
        append = self.tail.append
        current = not_fast = NOT_FAST
        run, arity = current.run, current.arity
        gate, done = dispatcher.gate, 0
        ended_ns = [perf_counter_ns()]  # when the run of equal commands began, and when each of them ended
        for argv in commands:
            bound = fast.get(argv[0], not_fast)
            if gate is not None and gate.stops(context, bound.command, argv):
                bound = not_fast
            if bound is not current:
                if len(ended_ns) > 1:
                    dispatcher.count(client, current, ended_ns, commands, done)
                    ended_ns = ended_ns[-1:]
                current, run, arity = bound, bound.run, bound.arity
            if len(argv) != arity and (arity > 0 or len(argv) < -arity):
                if len(ended_ns) > 1:
                    dispatcher.count(client, current, ended_ns, commands, done)
                if not self._run_carefully(argv):
                    self.backlog.extendleft(reversed(commands[done:]))
                    ended_ns.clear()
                    break
                done += 1
                ended_ns = [perf_counter_ns()]
                client.refresh()
                if client.ending is not None:
                    break
                fast = dispatcher.fast if client.is_ordinary else NOTHING_FAST
                encoders = ENCODERS[client.protocol]
                append = self.tail.append
                current = not_fast
                arity = current.arity
                continue
            try:
                reply = run(context, argv)
            except CommandError as error:
                reply = dispatcher.fail(bound, error)
            except Exception as error:
                reply = dispatcher.crash(client, bound, argv, error)
            ended_ns.append(perf_counter_ns())
            done += 1
            if reply.__class__ is bytes:
                # One by one: half the cost of formatting, and no copy of a big value.
                size = len(reply)
                append(BULK_HEADERS[size] if size < SHORT_BULK_BYTES else b"$%d\r\n" % size)
                append(reply)
                append(b"\r\n")
            elif reply is OK:
                append(b"+OK\r\n")
            elif reply.__class__ is Slot:
                self.keep(reply)
                append = self.tail.append
            else:
                append(encoders[reply.__class__](reply))
        if len(ended_ns) > 1:
            dispatcher.count(client, current, ended_ns, commands, done)
        client.last_used_ms = context.clock.now_ms
        if dispatcher.node.tracking.has_pending:
            dispatcher.node.tracking.flush()
        self.is_running = False

    def _run_carefully(self, argv: list[bytes]) -> bool:
        """Run a command with every guard asked; say whether it was taken (else: later, again)."""
        client = self.client
        reply = self._dispatcher.execute(self.context, argv)
        if reply is Held:
            self.is_held = True
            return False
        if reply.__class__ is Pending:
            self._owe(reply)
            return True
        mode = client.reply_mode
        if reply.__class__ is Slot and mode is ReplyMode.ON:
            self.keep(reply)
            return True
        if mode is ReplyMode.ON:
            if reply.__class__ is not NoReply:
                self.tail.append(encode(reply, client.protocol))  # type: ignore[arg-type]
        elif mode is ReplyMode.SKIP:
            client.reply_mode = ReplyMode.ON
        elif mode is ReplyMode.SKIP_NEXT:
            client.reply_mode = ReplyMode.SKIP
        return True

    def _owe(self, pending: Pending) -> None:
        """Keep a place for a reply that is to come, in the protocol that is spoken now."""
        slot = Slot(self)
        mode = self.client.reply_mode
        protocol = None if self.client.is_blocked else self.client.protocol  # EXEC may itself change it
        self.keep(slot)

        def settle(reply: Reply) -> None:
            slot.fill(b"" if mode is not ReplyMode.ON else encode(reply, protocol or self.client.protocol))

        if mode is ReplyMode.SKIP:
            self.client.reply_mode = ReplyMode.ON
        pending.when_done(settle)

    def keep(self, slot: Slot) -> None:
        """Keep a place for a reply that is to come; what is answered next stands behind it."""
        self.slots.append(slot)
        self.tail = slot.after
        if len(self.slots) >= SLOTS:
            self.is_held = True
        if slot.wire is not None:  # answered before it could be kept
            self.settle()

    def settle(self) -> None:
        """Move what is no longer behind an open slot to the output."""
        slots = self.slots
        if self.client.ending is Ending.AT_ONCE:
            return
        out = self.out
        while slots:
            slot = slots[0]
            if slot.wire is None:
                break
            slots.popleft()
            out.append(slot.wire)
            if slot.after:
                out += slot.after
        else:
            self.tail = out
            self.is_awaited = True
        if self.is_held and len(slots) < SLOTS // 2 and not self.jams and not self._dispatcher.is_paused:
            self.is_held = False
        if not self.is_running:
            self.wake()
