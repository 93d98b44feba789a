"""The compiled loop: from the sockets that are ready to the answers sent, without Python where nothing is unusual.

``HotPath.poll`` waits as the poller does. Of what is ready it serves the connections of ordinary sessions: receive, parse,
look the command up, run it, and one send for all answers. The rest it returns, for the reactor to serve.

A session is ordinary while nothing is going on that any of its commands would have to look at: no transaction, monitor,
tracking or pause, no answer owed, no input or output that waits. That is a few C fields to test, once per read and again
whenever Python code has run. A command that is not compiled, declines, or is not on the short way at all, runs in
the Python session, in order, with those of its kind that follow at once. From the moment that a
session is not ordinary any more, the rest of its input is the Python session's, too.

Numbers are counted per command, exactly, and each command is timed by one look at the clock.
"""

from libc.errno cimport EAGAIN, EINTR, errno

from .calls cimport Call
from .clocks cimport milliseconds, now_ns, wall_ms
from .deliveries cimport Deliveries, load
from .guarding cimport BYTES_PER_COMMAND, BYTES_PER_WORD, cost_bytes, may_pass, note_passed
from .holding cimport Keeper
from .hot_commands cimport HotCommand, HotCommands, commands_of
from .load_watch cimport LoadWatch
from .node_path cimport NodePath
from .notes cimport is_full, tell
from .parser cimport RequestParser
from .polling cimport epoll_event, wait_for
from .replies cimport Output
from .state cimport ClientState, ClockState, ConnectionState, ContextState, DispatcherState, SessionState, StatisticsState


cdef extern from "sys/socket.h" nogil:
    ssize_t recv(int, void*, size_t, int)
    enum: MSG_DONTWAIT

cdef int _READABLE = 1  # as ``pollers.READABLE``
COMMANDS_TOGETHER = 64  # so many does the Python session get at once, as many as it runs between two looks at its output
cdef int _COMMANDS_TOGETHER = COMMANDS_TOGETHER
cdef double MOST_SECONDS = 1e6  # a longer wait is as good as for ever, and fits every type

GUARD_BYTES = (BYTES_PER_COMMAND, BYTES_PER_WORD)  # what the memory guard's question reckons with

OUTPUT_PER_TURN_BYTES = 1 << 20
"""A turn ends when this much waits to be sent: big values cannot pile up."""
cdef Py_ssize_t _OUTPUT_PER_TURN_BYTES = OUTPUT_PER_TURN_BYTES

LEFT_PER_TURN = 1024
"""How many commands of one read may be left to Python before others get their turn; see ``session.py``."""
cdef int _LEFT_PER_TURN = LEFT_PER_TURN


cdef class HotPath:
    """Serves ordinary connections; see the file's docstring.

    ``add`` and ``remove`` tell it of connections; only those whose session is a ``SessionState`` are ever served here.
    """

    def __init__(self, poller, DispatcherState dispatcher not None, set_clock, handlers, int most, *, ClockState clock=None):
        """Serve what is registered with the epoll object ``poller``, at most ``most`` connections at a time.

        The ``handlers`` are the reactor's own, called with a connection: what finishes its turn after Python code has run for it, what
        drops it when the other end has closed it, what gives it up, after an exception that is being handled, and what sends bytes for it.
        """
        self.poller_fd = poller.fileno()
        self.most = min(most, <int>(sizeof(self.events) // sizeof(epoll_event)))
        self.dispatcher = dispatcher
        self.set_clock, self.clock = set_clock, clock
        self.finish, self.drop, self.give_up = handlers[:3]
        self.ledger = dispatcher.ledger
        self.statistics = dispatcher.statistics
        self.call = Call()
        self.nodes = NodePath(self.call.out, self.statistics, handlers)
        self.deliveries = Deliveries(self.statistics, self.give_up)
        self.keeper = Keeper()
        self.fast = None
        self.mine, self.written, self.highest = b"", [], 0
        self.commands = HotCommands()
        self.connections = []
        self.built, self.built_for = None, None
        self.ready = 0

    def add(self, ConnectionState connection not None):
        """Serve a connection from now on."""
        cdef int fd = connection.fd
        while len(self.connections) <= fd:
            self.connections.append(None)
        self.connections[fd] = connection

    def remove(self, ConnectionState connection not None):
        """Serve it no more."""
        if connection.fd < len(self.connections):
            self.connections[connection.fd] = None

    def poll(self, double timeout_s, bint is_once=False):
        """Wait up to so long; serve what is ordinary, and return the rest as (descriptor, mask); ``ready`` counts both.

        With a ``clock``, and unless ``is_once``, it goes on until that time is up or something is left to do for
        Python, be it only to look around after Python code has run.
        """
        cdef list others = []
        cdef int count
        cdef long long left_ns, until_ns = now_ns() + <long long>(min(max(timeout_s, 0.0), MOST_SECONDS) * 1e9)
        count = wait_for(self.poller_fd, self.events, self.most, -1 if timeout_s < 0 else milliseconds(until_ns - now_ns()))
        self.set_clock()
        while True:
            self.ready = count
            self.has_called = self.nodes.has_called = False
            self.serve_events(count, others)
            left_ns = until_ns - now_ns()
            if others or self.has_called or self.nodes.has_called or is_once or self.clock is None or count == 0 or count >= self.most or left_ns <= 0:
                return others
            count = wait_for(self.poller_fd, self.events, self.most, milliseconds(left_ns))
            if self.has_marks:
                self.set_clock()  # in a cluster, that is also to ask whether this node may go on after a wait
            else:
                self.clock.now_ms = wall_ms()

    cdef int serve_events(self, int count, list others) except -1:
        cdef int at, fd
        cdef object connection
        for at in range(count):
            fd = self.events[at].data.fd
            if self.events[at].events == <unsigned int>_READABLE and fd < len(self.connections):
                connection = self.connections[fd]
                if connection is not None and self.serve(connection):
                    continue
            others.append((fd, self.events[at].events))
        self.tell()
        return 0

    def take(self, list events not None):
        """Serve what is ordinary of what somebody else has waited for, and return the rest."""
        cdef list others = []
        cdef object connection
        cdef int fd, mask
        self.ready = len(events)
        self.set_clock()
        for fd, mask in events:
            connection = self.connections[fd] if mask == _READABLE and fd < len(self.connections) else None
            if connection is None or not self.serve(connection):
                others.append((fd, mask))
        self.tell()
        return others

    def flush(self, dict stirred not None):
        """Send what ordinary sessions have to say out of turn; return the connections left, and empty ``stirred``."""
        cdef ConnectionState connection
        cdef list connections = list(stirred), others = []
        stirred.clear()
        for connection in self.deliveries.make(connections, self.connections):
            try:
                if load(connection, self.connections, self.call.out):
                    self.send(connection, <SessionState>connection.session)
                elif not self.nodes.tell(connection, self.connections):
                    others.append(connection)
            except BaseException as problem:
                self.fail(connection, problem)
        return others

    cdef bint serve(self, ConnectionState connection) except -1:
        """Receive what has come and answer it, if the connection is in an ordinary state; say whether it was."""
        cdef SessionState session
        if not isinstance(connection.session, SessionState):
            return self.nodes.serve(connection, self.connections)
        session = <SessionState>connection.session
        if (
            connection.mask != _READABLE
            or session.out
            or not isinstance(session.parser, RequestParser)
            or not self.is_ordinary(session)
        ):
            return False
        try:
            self.receive(connection, session)
        except BaseException as problem:
            self.fail(connection, problem)
        return True

    cdef int fail(self, ConnectionState connection, object problem) except -1:
        """Give a connection up, and leave nothing behind that another one would be sent."""
        self.call.out.clear()
        self.keeper.forget()
        self.has_called = True
        if not isinstance(problem, Exception):
            raise problem
        self.give_up(connection)
        return 0

    # -- within ------------------------------------------------------------

    cdef bint is_ordinary(self, SessionState session) except -1:
        """Say whether the session's next command may run here. Its ``out`` is somebody else's question."""
        cdef ClientState client = <ClientState>session.client
        return (
            client.is_ordinary
            and client.ending is None
            and not session.is_held
            and not session.has_unread
            and session.tail is session.out
            and not session.backlog
            and (<DispatcherState>self.dispatcher).fast is not None
        )

    cdef int receive(self, ConnectionState connection, SessionState session) except -1:
        cdef RequestParser parser = <RequestParser>session.parser
        cdef Py_ssize_t room = 0
        cdef ssize_t size
        cdef int fd = connection.fd, problem
        cdef bint is_done
        cdef char* into
        if parser.error is not None:
            return 0
        into = parser.room(&room)
        with nogil:
            size = recv(fd, into, room, MSG_DONTWAIT)
            problem = errno
        if size <= 0:
            parser.received(0)
            if size == 0 or (problem != EAGAIN and problem != EINTR):
                self.has_called = True
                self.drop(connection)
            return 0
        parser.received(size)
        session.received_bytes += size
        self.statistics.total_net_input_bytes += size
        session.is_awaited = False
        is_done = self.run(session, parser)
        self.call.entries = self.call.context = None
        if self.call.has_called:
            self.has_called, self.call.has_called = True, False
        if is_done:
            self.send(connection, session)
        else:
            self.has_called = True
            self.finish(connection)
        return 0

    cdef int send(self, ConnectionState connection, SessionState session) except -1:
        """Send what the compiled commands have written; what the socket does not take is the reactor's."""
        cdef Output out = self.call.out
        cdef Py_ssize_t sent
        if not out.total:
            return 0
        try:
            sent = out.send(connection.fd)
        except OSError:
            out.clear()
            self.has_called = True
            self.drop(connection)
            return 0
        if sent > 0:
            session.sent_bytes += sent
            self.statistics.total_net_output_bytes += sent
        if out.total:
            session.out[:0] = out.take()  # in front: a message may have come while the answers were written
            self.has_called = True
            self.finish(connection)
        return 0

    cdef int run(self, SessionState session, RequestParser parser) except -1:
        """Run all commands that have come in full; say whether no Python code has run for the session."""
        cdef Call call = self.call
        cdef ClientState client = <ClientState>session.client
        cdef HotCommand command, last = None
        cdef list waiting = []
        cdef long long begun, ended, cost
        cdef int found, slot, left = 0
        cdef Py_ssize_t before
        self.look_again(session, client)
        begun = now_ns()
        while True:
            found = parser.next_command()
            if found <= 0:
                break
            command = self.commands.find(parser.words[0], parser.sizes[0])
            slot = -2 if command is None else command.slot_here(parser, self.mine, self.written, self.highest)
            if slot >= -1 and (parser.argc == command.arity or (command.arity < 0 and parser.argc >= -command.arity)):
                if waiting:
                    # What came before must have run before this one looks at anything.
                    words = parser.words_as_list()
                    self.leave(session, waiting)
                    waiting = []
                    last = None
                    if not self.is_ordinary(session):
                        return self.leave_rest(session, [words])
                    self.look_again(session, client)
                    command = self.commands.find(parser.words[0], parser.sizes[0])
                    slot = -2 if command is None else command.slot_here(parser, self.mine, self.written, self.highest)
                    if slot == -2:
                        waiting.append(words)
                        left += 1
                        continue
                    begun = now_ns()
                call.argc, call.words, call.sizes, call.input = parser.argc, parser.words, parser.sizes, parser
                before = call.out.total
                cost = 0 if command.guard is None else cost_bytes(parser.argc, parser.sizes)
                if (
                    (self.watch is None or self.watch.lets(command, call))
                    and (command.guard is None or may_pass(command.guard, cost))
                    and command.run(call)
                ):
                    ended = now_ns()
                    if command.guard is not None:
                        note_passed(command.guard, cost)
                    command.count(ended - begun)
                    self.statistics.total_commands_processed += 1
                    if ended - begun >= self.ledger.slow_ns:
                        self.dispatcher.ledger.note_slow(client, command.bound, parser.words_as_list(), ended - begun)
                    begun = ended
                    if command is not last:
                        client.last_command = command.full_name
                        last = command
                    if self.has_marks:
                        self.keeper.answered(call, session, slot, before)
                    if call.out.total > _OUTPUT_PER_TURN_BYTES:
                        return self.leave_rest(session, waiting)
                    if is_full(call):
                        self.tell()
                        if not self.is_ordinary(session):
                            return self.leave_rest(session, waiting)
                        self.look_again(session, client)
                        begun = now_ns()
                    continue
            waiting.append(parser.words_as_list())
            left += 1
            if len(waiting) >= _COMMANDS_TOGETHER:
                last = None
                self.leave(session, waiting)
                waiting = []
                if not self.is_ordinary(session) or left >= _LEFT_PER_TURN:
                    return self.leave_rest(session, waiting)
                self.look_again(session, client)
                begun = now_ns()
        if waiting or found < 0:
            return self.leave_rest(session, waiting)
        if left or self.keeper.run is not None:
            self.take_answers(session)
            return left == 0 and not session.out
        return True

    cdef int look_again(self, SessionState session, ClientState client) except -1:
        """Take note of what Python code may have changed: tables, database, protocol."""
        cdef dict fast = (<DispatcherState>self.dispatcher).fast
        if fast is not self.fast:
            self.follow(fast)
        self.watch = (<DispatcherState>self.dispatcher).load_watch
        self.call.look_at(<ContextState>session.context, client.protocol)
        client.last_used_ms = self.call.now_ms
        return 0

    cdef int leave(self, SessionState session, list commands) except -1:
        """Let the Python session run commands behind what has been answered here."""
        self.hand_over(session)
        session.take_over(commands)
        return 0

    cdef int leave_rest(self, SessionState session, list commands) except -1:
        """Let the Python session run commands, and everything else that has been received."""
        self.hand_over(session)
        session.take_over_all(commands)
        return 0

    cdef int hand_over(self, SessionState session) except -1:
        self.take_answers(session)
        return self.tell()

    cdef int take_answers(self, SessionState session) except -1:
        """Give the session what has been answered here, or whoever keeps it back for the session."""
        if self.keeper.run is not None:
            self.keeper.close(self.call)
            self.has_called = True
        elif self.call.out.total:
            session.out.extend(self.call.out.take())
        return 0

    cdef int tell(self) except -1:
        """Tell whoever listens what compiled commands have changed: before Python code runs, and when the turn ends."""
        self.call.entries = None
        if tell(self.call):
            self.has_called = True
        return 0

    # -- the table ---------------------------------------------------------

    cdef int follow(self, dict fast) except -1:
        """Use the commands that are on the short way now."""
        self.fast = fast
        if fast and fast is not self.built_for:
            node = self.dispatcher.node
            self.has_marks = node.router is not None
            if self.has_marks:
                self.mine, self.written = node.router.marks
                self.keeper.holds = node.holds
                self.highest = 1 if node.holds is None else 2
            self.built, self.built_for = commands_of(fast), fast
        self.commands = self.built if fast else NONE
        return 0


cdef HotCommands NONE = HotCommands()
