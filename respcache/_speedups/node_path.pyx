"""The compiled loop's part between nodes: the usual frames from the socket to the copies, and from the copies to the socket.

A connection comes this way while its bytes are frames as they are (no TLS, no secret), and begin where a frame begins. What its ``taker``
leaves is Python's, in its place in the order. An answer leaves at once, unless something stands before it. What a
stream has to tell is sent here if it is all that there is to send.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EAGAIN, EINTR, errno

from .frame_taking cimport FrameTaker, put_frame
from .replies cimport Output
from .state cimport BusState, ClientState, ConnectionState, StatisticsState, StreamState
from .streaming cimport next_wire


cdef extern from "sys/socket.h" nogil:
    ssize_t recv(int, void*, size_t, int)
    enum: MSG_DONTWAIT

cdef enum:
    READABLE = 1               # as ``pollers.READABLE``
    RECEIVE_BYTES = 1 << 18    # as in ``cluster/bus/connection.py``


cdef class NodePath:
    """Serves connections between nodes, with the ``handlers`` of ``HotPath``."""

    def __init__(self, Output out not None, StatisticsState statistics not None, handlers):
        self.out, self.statistics = out, statistics
        self.finish, self.drop, self.give_up, self.send_rest = handlers

    def __cinit__(self):
        self.frames = <char*>PyMem_Malloc(RECEIVE_BYTES)
        if self.frames == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.frames)

    cdef bint serve(self, ConnectionState connection, list served) except -1:
        """Receive what has come, and take the usual of it; say whether it may come this way at all."""
        cdef BusState bus
        if not is_quick(connection, served):
            return False
        bus = <BusState>connection.session
        if not isinstance(bus.taker, FrameTaker):
            return False
        try:
            self.receive(connection, bus, <FrameTaker>bus.taker)
        except Exception:
            self.out.clear()
            self.has_called = True
            self.give_up(connection)
        return True

    cdef bint tell(self, ConnectionState connection, list served) except -1:
        """Send what a stream has to tell, if that is all; say whether it was."""
        cdef BusState bus
        cdef bytes wire
        cdef list pending
        if not is_quick(connection, served):
            return False
        bus = <BusState>connection.session
        if not bus.is_telling or bus.unsent_bytes or not isinstance(bus.told, StreamState):
            return False
        pending = bus.out
        bus.out, bus.is_telling = [], False  # first: whoever has something to send from here on says so anew
        wire = next_wire(<StreamState>bus.told)
        if wire is None:
            bus.out = pending
            return False
        put_frame(self.out, wire)
        self.send(connection, bus)
        return True

    # -- within ------------------------------------------------------------

    cdef int receive(self, ConnectionState connection, BusState bus, FrameTaker taker) except -1:
        cdef ssize_t size
        cdef Py_ssize_t taken
        cdef int fd = connection.fd, problem
        cdef bytes rest
        with nogil:
            size = recv(fd, self.frames, RECEIVE_BYTES, MSG_DONTWAIT)
            problem = errno
        if size <= 0:
            if size == 0 or (problem != EAGAIN and problem != EINTR):
                self.has_called = True
                self.drop(connection)
            return 0
        self.statistics.total_net_input_bytes += size
        taken = taker.take_frames(self.frames, size)
        bus.received_bytes += taken
        self.has_called |= taker.has_called
        rest = self.frames[taken:size]
        if taker.rest is not None:
            rest, taker.rest = taker.rest + rest, None
        if taker.answers:
            self.answer(connection, bus, taker)
        if rest:
            self.has_called = True
            bus.receive(rest)
            self.finish(connection)
        return 0

    cdef int answer(self, ConnectionState connection, BusState bus, FrameTaker taker) except -1:
        """Send answers at once, unless something stands before them."""
        cdef list answers = taker.answers
        cdef bytes answer
        taker.answers = []
        if bus.out or bus.unsent_bytes:
            self.has_called = True
            for answer in answers:
                bus.send(answer)
            return 0
        for answer in answers:
            put_frame(self.out, answer)
        return self.send(connection, bus)

    cdef int send(self, ConnectionState connection, BusState bus) except -1:
        """Send what has been written; what the socket does not take, and errors, are the reactor's."""
        cdef Py_ssize_t sent
        try:
            sent = self.out.send(connection.fd)
        except OSError:
            sent = 0  # the reactor meets it again
        if sent > 0:
            bus.sent_bytes += sent
            self.statistics.total_net_output_bytes += sent
        if self.out.total:
            self.has_called = True
            self.send_rest(connection, b"".join(self.out.take()))
            self.finish(connection)
        return 0


cdef bint is_quick(ConnectionState connection, list served) except -1:
    """Say whether a connection is one between nodes whose bytes may be received and sent here."""
    cdef BusState bus
    if (
        connection.mask != READABLE
        or not isinstance(connection.session, BusState)
        or connection.fd >= len(served)
        or served[connection.fd] is not connection
    ):
        return False
    bus = <BusState>connection.session
    return bus.is_quick and (<ClientState?>bus.client).ending is None
