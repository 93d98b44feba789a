"""What sessions have to say out of turn, sent to many connections in one go.

A message to a hundred subscribers is a hundred sends. Nearly all of their cost is the kernel's; of the rest, giving Python's
lock back and taking it again was the greatest part. So all that can be sent is noted first, then sent in one loop without the
lock, then counted. Of a session that has one message waiting, as nearly all have, the bytes are sent from where they lie.

No Python code runs between noting and sending: it could close a connection, whose number then is somebody else's.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport EINTR, errno

from .replies cimport Output
from .state cimport ClientState, ConnectionState, SessionState, StatisticsState


cdef extern from "Python.h":
    int PyList_SetSlice(list, Py_ssize_t, Py_ssize_t, PyObject*) except -1

cdef extern from "sys/socket.h" nogil:
    int MSG_NOSIGNAL
    int MSG_DONTWAIT
    ssize_t c_send "send"(int fd, const void* data, size_t size, int flags)

cdef int _READABLE = 1
"""As ``pollers.READABLE``."""


cdef class Deliveries:
    """Sends to connections of ordinary sessions with one message each; see the file's docstring."""

    def __init__(self, StatisticsState statistics not None, give_up):
        """``give_up`` is called with a connection whose bytes cannot be kept, while the exception is handled."""
        self.statistics, self.give_up = statistics, give_up

    cdef list make(self, list connections, list served):
        """Send what may be sent to those that are ``served``, a list by descriptor; return all to whom more is to be done.

        What a socket has not taken stands in the session's ``out`` again, in front. An error is the next sender's to meet.
        """
        cdef ConnectionState connection
        cdef list left = []
        note_company(connections)
        try:
            for connection in connections:
                if not is_served(connection, served) or not self.take(connection):
                    left.append(connection)
                elif self.count == MOST_TOGETHER:
                    self.send(left)
        finally:
            if self.count:  # whatever goes wrong, what was taken is in no session's output any more
                self.send(left)
        return left

    cdef bint take(self, ConnectionState connection) except -1:
        """Take the message that waits for an ordinary session; say whether there was one, and no more than that."""
        cdef SessionState session
        cdef Delivery* one = &self.each[self.count]
        if not may_be_sent(connection):
            return False
        session = <SessionState>connection.session
        if PyList_GET_SIZE(session.out) != 1:
            return False
        wire = <object>PyList_GET_ITEM(session.out, 0)
        if not PyBytes_CheckExact(wire):
            return False
        PyList_SetSlice(session.out, 0, 1, NULL)
        session.pushed_bytes = 0
        Py_INCREF(connection)
        Py_INCREF(wire)
        one.connection, one.wire = <PyObject*>connection, <PyObject*>wire
        one.data, one.size, one.fd = PyBytes_AS_STRING(wire), PyBytes_GET_SIZE(wire), connection.fd
        self.count += 1
        return True

    cdef int send(self, list left) except -1:
        """Send everything that was taken, and count it; add those to ``left`` that got less than all of it."""
        cdef Py_ssize_t at, count = self.count
        cdef Delivery* one
        cdef SessionState session
        cdef long long sent = 0
        with nogil:
            self.send_all()
        try:
            for at in range(count):
                one = &self.each[at]
                if one.sent > 0:
                    session = <SessionState>(<ConnectionState>one.connection).session
                    session.sent_bytes += one.sent
                    sent += one.sent
                if one.sent < one.size:
                    self.keep_rest(one, left)
        finally:
            self.statistics.total_net_output_bytes += sent
            self.count = 0
            for at in range(count):
                Py_DECREF(<object>self.each[at].connection)
                Py_DECREF(<object>self.each[at].wire)
        return 0

    cdef void send_all(self) noexcept nogil:
        cdef Py_ssize_t at
        cdef Delivery* one
        for at in range(self.count):
            one = &self.each[at]
            while True:
                one.sent = c_send(one.fd, one.data, one.size, MSG_NOSIGNAL | MSG_DONTWAIT)
                if one.sent >= 0 or errno != EINTR:
                    break

    cdef int keep_rest(self, Delivery* one, list left) except -1:
        """Put back what the socket did not take, in front: a message may have come behind it."""
        cdef ConnectionState connection = <ConnectionState>one.connection
        cdef bytes wire = <bytes>one.wire
        try:
            (<SessionState>connection.session).out.insert(0, wire[one.sent:] if one.sent > 0 else wire)
            left.append(connection)
        except Exception:
            self.give_up(connection)
        return 0


cdef int note_company(list connections) except -1:
    """Where several clients are answered at once, none of them is alone: nobody is to wait for one (``Session.is_awaited``)."""
    cdef ConnectionState connection
    cdef bint has_one = False, has_several = False
    for connection in connections:
        if isinstance(connection.session, SessionState):
            has_several, has_one = has_one, True
            if has_several:
                break
    if has_several:
        for connection in connections:
            if isinstance(connection.session, SessionState):
                (<SessionState>connection.session).is_awaited = False
    return 0


cdef bint is_served(ConnectionState connection, list served) noexcept:
    return connection.fd < PyList_GET_SIZE(served) and <object>PyList_GET_ITEM(served, connection.fd) is connection


cdef bint may_be_sent(ConnectionState connection) except -1:
    """Say whether the connection's session is an ordinary one that has output which may be sent now."""
    cdef SessionState session
    if connection.mask != _READABLE or not isinstance(connection.session, SessionState):
        return False
    session = <SessionState>connection.session
    return not (
        not session.out
        or session.unsent_bytes
        or session.is_awaited
        or session.is_held
        or session.has_unread
        or session.backlog
        or (<ClientState>session.client).ending is not None
    )


cdef bint load(ConnectionState connection, list served, Output out) except -1:
    """Move all output of an ordinary session to ``out``; say whether it was one, and had any that may be sent now."""
    cdef SessionState session
    if not is_served(connection, served) or not may_be_sent(connection):
        return False
    session = <SessionState>connection.session
    for wire in session.out:
        out.raw_object(<bytes?>wire)
    session.out.clear()
    session.pushed_bytes = 0
    return True
