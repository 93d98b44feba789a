"""One message for many subscribers: encoded once for each protocol, and noted for each without asking Python.

A session that is in any way unusual, or whose output might be near a limit, is asked to ``push`` the message itself: it alone
knows what to do then. To the others the message is appended, and their connections are noted to be sent to after the batch.
Nothing is sent from here: see ``deliveries.pyx``.
"""

from .state cimport ClientState, ConnectionState, SessionState


cdef enum:
    FRAME_BYTES = 128  # more than what stands around the words of a message


cdef class Waker:
    """What a session calls when it has output, an end, or room for more outside its own turn.

    ``look`` is what the reactor does then. All that is left of it for a session that goes on is to note the connection in
    ``stirred``, and to ``ring`` for the first.
    """

    def __init__(self, look, ConnectionState connection not None, dict stirred not None, ring):
        self.look, self.connection, self.stirred, self.ring = look, connection, stirred, ring

    def __call__(self):
        self.look(self.connection)

    cdef int wake(self) except -1:
        if not self.stirred:
            self.ring()
        self.stirred[self.connection] = None
        return 0


cdef class FanOut:
    """Sends messages to many. No output of ``surely_allowed_bytes`` is over the limit of any class of clients."""

    def __init__(self, encode):
        """``encode(words, protocol)`` returns a message as bytes."""
        self.encode = encode

    def send(self, dict clients not None, list words not None):
        """Send a message to clients, by their ids; return how many there were."""
        return self.send_to(clients, words)

    cdef Py_ssize_t send_to(self, dict clients, list words) except -1:
        cdef bytes wire, resp2 = None, resp3 = None
        cdef list several = list(clients.values())  # a client over its output limit leaves while we send
        cdef ClientState client
        for one in several:
            client = <ClientState?>one
            if client.protocol == 3:
                if resp3 is None:
                    resp3 = self.encode(words, 3)
                wire = resp3
            else:
                if resp2 is None:
                    resp2 = self.encode(words, 2)
                wire = resp2
            if not self.deliver(client, wire):
                client.connection.push(wire)
        return len(several)

    cdef bint is_quick(self, dict clients, ClientState publisher, Py_ssize_t words_bytes) except -1:
        """Say whether ``send`` would ask nobody; ``publisher`` must not be among the clients, either."""
        cdef ClientState client
        for one in clients.values():
            client = <ClientState?>one
            if client is publisher or not self.may_append(client, words_bytes + FRAME_BYTES):
                return False
        return True

    cdef bint may_append(self, ClientState client, Py_ssize_t size) except -1:
        """Say whether the client's session is an ordinary one, and may have so much more output."""
        cdef SessionState session
        if client.ending is not None or not isinstance(client.connection, SessionState):
            return False
        session = <SessionState>client.connection
        if session.is_running or not isinstance(session.wake, Waker):
            return False
        return session.unsent_bytes + session.pushed_bytes + size <= self.surely_allowed_bytes

    cdef bint deliver(self, ClientState client, bytes wire) except -1:
        """Append a message to an ordinary session's output; say whether it was one."""
        cdef SessionState session
        if not self.may_append(client, len(wire)):
            return False
        session = <SessionState>client.connection
        session.tail.append(wire)
        session.pushed_bytes += len(wire)
        (<Waker>session.wake).wake()
        return True


def waker(look, connection, stirred, ring):
    """Return what a session calls when its connection is to be looked at."""
    return Waker(look, connection, stirred, ring)
