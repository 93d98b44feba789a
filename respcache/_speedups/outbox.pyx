"""Bytes and values that wait to be sent, in order, and how they are sent.

Bytes are gathered in one growing buffer. Long values are not copied: a reference waits between the buffered bytes, and
the kernel reads the value where it lies. A reference is let go as soon as its value has been sent.

One Outbox serves all connections of a loop, one after another: whoever has written for one takes or sends everything
before the next. It belongs to the thread of that loop. What the bytes mean is not known here: see ``replies.pyx``.
"""

from os import strerror

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memcpy, memset


cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from "sys/socket.h" nogil:
    cdef struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen
    int MSG_NOSIGNAL
    int MSG_DONTWAIT
    ssize_t c_send "send"(int fd, const void* data, size_t size, int flags)
    ssize_t sendmsg(int fd, const msghdr* message, int flags)


cdef enum:
    FIRST_CAPACITY = 16384        # the buffer at first: the replies to a batch of small commands
    RETAINED_CAPACITY = 1 << 20   # what is kept of it for good: a session's turn ends at this much output
    PIECES_PER_SEND = 128         # 64 values of 16 KiB are more than a socket takes at once; Linux allows 1024


cdef class Outbox:
    """``total`` is how many bytes wait."""

    def __cinit__(self):
        self.data = <char*>PyMem_Malloc(FIRST_CAPACITY)
        if self.data == NULL:
            raise MemoryError
        self.capacity = FIRST_CAPACITY

    def __dealloc__(self):
        self.reset()
        PyMem_Free(self.data)
        PyMem_Free(self.kept)

    # -- writing -------------------------------------------------------------

    cdef int grow(self, Py_ssize_t more) except -1:
        """See that ``more`` bytes can be written; ``reserve`` calls it where they cannot."""
        cdef Py_ssize_t capacity = self.capacity
        cdef char* data
        if more > PY_SSIZE_T_MAX // 2 - self.size:
            raise MemoryError
        while capacity - self.size < more:
            capacity *= 2
        data = <char*>PyMem_Realloc(self.data, capacity)
        if data == NULL:
            raise MemoryError
        self.data, self.capacity = data, capacity
        return 0

    cdef int keep(self, bytes value) except -1:
        """Note that a value comes next, without copying it."""
        cdef Kept* kept
        cdef Py_ssize_t capacity
        if self.kept_count == self.kept_capacity:
            capacity = 2 * self.kept_capacity if self.kept_capacity else 8
            kept = <Kept*>PyMem_Realloc(self.kept, capacity * sizeof(Kept))
            if kept == NULL:
                raise MemoryError
            self.kept, self.kept_capacity = kept, capacity
        Py_INCREF(value)
        kept = &self.kept[self.kept_count]
        kept.value, kept.at = <PyObject*>value, self.size
        self.kept_count += 1
        self.total += PyBytes_GET_SIZE(value)
        return 0

    cdef int raw(self, const char* data, Py_ssize_t size) except -1:
        reserve(self, size)
        memcpy(self.data + self.size, data, size)
        self.size += size
        self.total += size
        return 0

    cpdef int raw_object(self, bytes wire) except -1:
        if wire is None:
            raise TypeError("a wire is bytes, not None")
        if PyBytes_GET_SIZE(wire) >= KEPT_FROM_BYTES:
            return self.keep(wire)
        return self.raw(PyBytes_AS_STRING(wire), PyBytes_GET_SIZE(wire))

    # -- what becomes of it --------------------------------------------------

    cpdef list take(self):
        """Return everything that waits as a list of bytes, and forget it; long values are not copied."""
        cdef list parts = []
        cdef Py_ssize_t at = self.sent
        cdef Py_ssize_t index
        cdef Kept* kept
        for index in range(self.kept_first, self.kept_count):
            kept = &self.kept[index]
            if kept.at > at:
                parts.append(PyBytes_FromStringAndSize(self.data + at, kept.at - at))
                at = kept.at
            value = <bytes>kept.value
            parts.append(value[self.kept_sent:] if index == self.kept_first and self.kept_sent else value)
        if self.size > at:
            parts.append(PyBytes_FromStringAndSize(self.data + at, self.size - at))
        self.reset()
        return parts

    cdef bytes join(self):
        """Take everything as one bytes object, each byte copied once."""
        cdef bytes wire = PyBytes_FromStringAndSize(NULL, self.total)
        cdef char* to = PyBytes_AS_STRING(wire)
        cdef Py_ssize_t at = 0
        cdef Py_ssize_t index
        for index in range(self.kept_count):
            value = <bytes>self.kept[index].value
            memcpy(to, self.data + at, self.kept[index].at - at)
            to += self.kept[index].at - at
            at = self.kept[index].at
            memcpy(to, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
            to += PyBytes_GET_SIZE(value)
        memcpy(to, self.data + at, self.size - at)
        self.reset()
        return wire

    cpdef int clear(self) except -1:
        """Forget everything that waits."""
        self.reset()
        return 0

    cdef void rewind(self, Py_ssize_t size, Py_ssize_t kept_count) noexcept:
        """Unwrite what was written since ``size`` and ``kept_count`` were these."""
        self.total -= self.size - size
        self.size = size
        while self.kept_count > kept_count:
            self.kept_count -= 1
            self.total -= PyBytes_GET_SIZE(<bytes>self.kept[self.kept_count].value)
            Py_DECREF(<bytes>self.kept[self.kept_count].value)

    cdef void reset(self) noexcept:
        """Let go of every value, and of room that only a big reply has needed."""
        cdef char* data
        while self.kept_count > self.kept_first:
            self.kept_count -= 1
            Py_DECREF(<bytes>self.kept[self.kept_count].value)
        self.size = self.total = self.sent = 0
        self.kept_first = self.kept_count = self.kept_sent = 0
        if self.capacity > RETAINED_CAPACITY:
            data = <char*>PyMem_Realloc(self.data, RETAINED_CAPACITY)
            if data != NULL:
                self.data, self.capacity = data, RETAINED_CAPACITY

    # -- sending -------------------------------------------------------------

    cpdef Py_ssize_t send(self, int fd) except -2:
        """Send what a socket takes at once; return how much that was, or -1 if nothing. Raises OSError.

        More than PIECES_PER_SEND pieces are never sent at once: ``total`` says what is left.
        """
        cdef iovec pieces[PIECES_PER_SEND]
        cdef msghdr message
        cdef Py_ssize_t taken
        cdef int error = 0
        cdef const char* data = self.data + self.sent
        cdef size_t size = self.size - self.sent
        memset(&message, 0, sizeof(message))
        if self.kept_count > self.kept_first:
            message.msg_iov = pieces
            message.msg_iovlen = self.fill(pieces)
        elif size == 0:
            return 0
        with nogil:
            while True:
                if message.msg_iovlen:
                    taken = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
                else:
                    taken = c_send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT)
                if taken >= 0:
                    break
                error = errno  # before the GIL is taken again, which may change it
                if error != EINTR:
                    break
        if taken < 0:
            if error == EAGAIN:
                return -1
            raise OSError(error, strerror(error))
        self.drop_sent(taken)
        return taken

    cdef size_t fill(self, iovec* pieces) noexcept:
        """Name the first pieces in order, PIECES_PER_SEND at most; return how many."""
        cdef Py_ssize_t at = self.sent
        cdef Py_ssize_t index = self.kept_first
        cdef Py_ssize_t begun = self.kept_sent  # of the first value
        cdef Py_ssize_t end
        cdef size_t count = 0
        while count < PIECES_PER_SEND:
            end = self.kept[index].at if index < self.kept_count else self.size
            if end > at:
                pieces[count].iov_base, pieces[count].iov_len = self.data + at, end - at
                at = end
            elif index < self.kept_count:
                value = <bytes>self.kept[index].value
                pieces[count].iov_base = PyBytes_AS_STRING(value) + begun
                pieces[count].iov_len = PyBytes_GET_SIZE(value) - begun
                begun = 0
                index += 1
            else:
                break
            count += 1
        return count

    cdef void drop_sent(self, Py_ssize_t taken) noexcept:
        """Forget what the kernel has taken; values at once, for they may be long."""
        cdef Py_ssize_t piece
        cdef Py_ssize_t end
        if taken == self.total:
            self.reset()
            return
        self.total -= taken
        while taken > 0:
            end = self.kept[self.kept_first].at if self.kept_first < self.kept_count else self.size
            if end > self.sent:
                piece = min(taken, end - self.sent)
                self.sent += piece
            else:
                value = <bytes>self.kept[self.kept_first].value
                piece = min(taken, PyBytes_GET_SIZE(value) - self.kept_sent)
                self.kept_sent += piece
                if self.kept_sent == PyBytes_GET_SIZE(value):
                    self.kept_first += 1
                    self.kept_sent = 0
                    Py_DECREF(value)
            taken -= piece
