"""Small commands of many clients, one of each, answered in one loop; in plain Python only.

Fifty clients that wait for each reply are ready together, each with one short command. By way of reactor, session and parser
such a command takes some twenty calls, and the system calls between them have pushed most of that out of the processor's caches:
4 to 5 us, where the command itself needs one. Here whatever is the same for all of them is looked up once, and a command is received,
split, run, counted and sent without a call that its own work does not need.

This is for connections that are *quiet*: whose session has nothing to look after but its next command. No transaction, tracking or
monitor; nothing unread, unsent, held back or owed. A connection is looked at when a small read has been served in the
ordinary way (``consider``), and must leave as soon as anything from outside happens to its session, all of which wakes it (``leave``).
And it is done only while nothing asks about single commands: no loader, no other node. Where the short way is closed to everybody,
``fast`` is empty, and nothing is found here either. Whatever is not just one small command on the short way goes
the ordinary way, with the bytes that were read.

Nobody can tell the difference but by the clock: each command is timed, and counted before any other code looks at the counts.
"""

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter_ns
from typing import Final, TypeAlias

from .._speedups import IS_COMPILED
from ..commands.client import Client
from ..commands.context import Context
from ..commands.errors import CommandError
from ..protocol.encoder import BULK_HEADERS, ENCODERS, SHORT_BULK_BYTES
from ..protocol.parser import SMALL_READ_BYTES, split_small
from ..protocol.replies import OK
from .binding import NOT_FAST, BoundCommand
from .conversation import RECEIVE_BYTES, ReactorConnection
from .dispatcher import Dispatcher
from .pollers import READABLE
from .put_off import Event
from .session import Session

LONG_REPLY_BYTES: Final = 16 * 1024
"""A longer reply is left to the reactor: what a socket does not take of it should not be copied."""

Single: TypeAlias = tuple[
    ReactorConnection, Callable[[int], bytes], Callable[[bytes], int], Session, Client, Context
]
"""A quiet connection, and what its next command needs of it. A plain tuple is taken apart in a third of the time of a record."""

Handler: TypeAlias = Callable[[ReactorConnection], None]


class Singles:
    """Serves quiet connections, and knows which these are."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        hear: Callable[[ReactorConnection, bytes], None],
        finish: Handler,
        give_up: Handler,
    ) -> None:
        """Take functions of the reactor: what serves a read in the ordinary way, what sends, and what ends a connection after a bug."""
        self._dispatcher = dispatcher
        self._hear, self._finish, self._give_up = hear, finish, give_up
        self._limits = dispatcher.request_limits
        self._quiet: dict[int, Single] = {}

    def consider(self, connection: ReactorConnection, data: bytes) -> None:
        """Take a connection in if it is quiet, and what it has sent, and has been served, was small and no pipeline."""
        if len(data) < SMALL_READ_BYTES and data.find(b"\r\n*") < 0 and not IS_COMPILED:
            session = connection.session
            if connection.mask == READABLE and isinstance(session, Session) and self._is_quiet(session):
                client, context = session.client, session.context
                self._quiet[connection.fd] = (
                    connection, connection.recv, connection.send, session, client, context,
                )  # fmt: skip

    def leave(self, connection: ReactorConnection) -> None:
        """Leave a connection to the ordinary way: something has happened to its session."""
        self._quiet.pop(connection.fd, None)

    def serve(self, events: list[Event]) -> Iterable[Event]:
        """Serve what is ready as far as it can be done here; yield the other events, each in its turn."""
        return self._serve(iter(events)) if self._quiet else events

    # -- within ------------------------------------------------------------

    def _is_quiet(self, session: Session) -> bool:
        return (
            session.client.is_ordinary
            and session.client.ending is None
            and session.tail is session.out
            and not (session.out or session.backlog)
            and not (session.is_held or session.has_unread or session.is_awaited)
            and session.parser.limits is self._limits
            and session.parser.is_between_commands
        )

    def _serve(self, events: Iterator[Event]) -> Iterator[Event]:
        while self._may_serve():
            other = self._serve_quiet(events)
            if other is None:
                return
            event, data = other
            if data is None:
                yield event
            else:
                self._pass_on(event[0], data)
        yield from events

    def _may_serve(self) -> bool:
        dispatcher = self._dispatcher
        if dispatcher.request_limits is not self._limits:
            self._limits = dispatcher.request_limits
            self._quiet.clear()
        return dispatcher.gate is None and dispatcher.node.router is None

    def _pass_on(self, fd: int, data: bytes) -> None:
        """Let the ordinary way have what has been read."""
        connection = self._quiet.pop(fd)[0]
        try:
            self._hear(connection, data)
        except Exception:
            self._give_up(connection)

    def _serve_quiet(  # noqa: C901, PLR0912, PLR0915  # a hot loop like ``Session._run``
        self, events: Iterator[Event]
    ) -> tuple[Event, bytes | None] | None:
        """Serve until something is for others; return that, and what has been read of it; None at the end of the events."""
        dispatcher, find, tracking = self._dispatcher, self._quiet.get, self._dispatcher.node.tracking
        fast, slow_ns, now_ms = dispatcher.fast, dispatcher.ledger.slow_ns, dispatcher.node.clock.now_ms
        bound, name = NOT_FAST, b""
        run, arity, counts, full_name = bound.run, bound.arity, bound.statistics.counts, ""
        calls = total_ns = received_bytes = sent_bytes = 0
        try:
            for event in events:
                single = find(event[0])
                if single is None or event[1] != READABLE:
                    return event, None
                connection, recv, send, session, client, context = single
                try:
                    data = recv(RECEIVE_BYTES)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                argv = split_small(data) if len(data) < SMALL_READ_BYTES else None
                if argv is None or (argv[0] != name and argv[0] not in fast):
                    return event, data
                if argv[0] != name:
                    self._count(bound, calls, total_ns)
                    calls = total_ns = 0
                    name = argv[0]
                    bound = fast[name]
                    run, arity, counts = bound.run, bound.arity, bound.statistics.counts
                    full_name = bound.command.full_name
                if len(argv) != arity and (arity > 0 or len(argv) < -arity):
                    return event, data
                begun_ns = perf_counter_ns()
                try:
                    reply = run(context, argv)
                except CommandError as error:
                    reply = dispatcher.fail(bound, error)
                except Exception as error:
                    reply = dispatcher.crash(client, bound, argv, error)
                elapsed_ns = perf_counter_ns() - begun_ns
                calls += 1
                total_ns += elapsed_ns
                counts[elapsed_ns.bit_length()] += 1
                received_bytes += len(data)
                session.received_bytes += len(data)
                client.last_command = full_name
                client.last_used_ms = now_ms
                try:
                    if elapsed_ns >= slow_ns:
                        dispatcher.ledger.note_slow(client, bound, argv, elapsed_ns)
                    if reply.__class__ is bytes and len(reply) < SHORT_BULK_BYTES:
                        wire = b"".join((BULK_HEADERS[len(reply)], reply, b"\r\n"))
                    elif reply is OK:
                        wire = b"+OK\r\n"
                    else:
                        wire = ENCODERS[client.protocol][reply.__class__](reply)
                    if tracking.has_pending:
                        tracking.flush()
                    if session.out or len(wire) > LONG_REPLY_BYTES:  # out: it has sent itself a message
                        session.out.append(wire)
                        self._finish(connection)
                        continue
                    try:
                        sent = send(wire)
                    except OSError:  # no room now; or the client has gone, which the next attempt finds out
                        sent = 0
                    sent_bytes += sent
                    session.sent_bytes += sent
                    if sent != len(wire):
                        session.out.append(wire[sent:])
                        self._finish(connection)
                except Exception:
                    self._give_up(connection)
            return None
        finally:
            self._count(bound, calls, total_ns)
            dispatcher.statistics.total_net_input_bytes += received_bytes
            dispatcher.statistics.total_net_output_bytes += sent_bytes

    def _count(self, bound: BoundCommand, calls: int, total_ns: int) -> None:
        """Count a run of equal commands; each of them stands in the histogram already."""
        bound.statistics.calls += calls
        bound.statistics.nanoseconds += total_ns
        self._dispatcher.statistics.total_commands_processed += calls
