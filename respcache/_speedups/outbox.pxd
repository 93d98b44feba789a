# Bytes and values that wait to be sent, in order; see outbox.pyx.
from cpython.object cimport PyObject


cdef extern from "sys/uio.h" nogil:
    cdef struct iovec:
        void* iov_base
        size_t iov_len

cdef enum:
    KEPT_FROM_BYTES = 16384  # from here on a value is kept, not copied: a piece of its own costs sendmsg as much


cdef struct Kept:
    PyObject* value            # owned, bytes
    Py_ssize_t at              # it comes before the byte of ``data`` that stands here


cdef class Outbox:
    cdef char* data
    cdef Py_ssize_t size       # of what stands in data
    cdef Py_ssize_t capacity
    cdef readonly Py_ssize_t total  # of all that waits, values that were not copied included
    cdef Py_ssize_t sent       # so much of the beginning of data has been sent already
    cdef Kept* kept
    cdef Py_ssize_t kept_first # those before it have been sent, and let go
    cdef Py_ssize_t kept_sent  # so much of the first value has been sent already
    cdef Py_ssize_t kept_count
    cdef Py_ssize_t kept_capacity

    cdef int raw(self, const char* data, Py_ssize_t size) except -1
    cpdef int raw_object(self, bytes wire) except -1     # keeps long bytes instead of copying them
    cpdef list take(self)                                # everything as a list of bytes, and forget it
    cdef bytes join(self)                                # everything as one bytes object, and forget it
    cpdef Py_ssize_t send(self, int fd) except -2        # sendmsg once, without the GIL; -1: EAGAIN; keeps what was not taken
    cpdef int clear(self) except -1                      # forget everything
    cdef void rewind(self, Py_ssize_t size, Py_ssize_t kept_count) noexcept  # unwrite what came after they were these

    cdef int grow(self, Py_ssize_t more) except -1
    cdef int keep(self, bytes value) except -1
    cdef void reset(self) noexcept
    cdef size_t fill(self, iovec* pieces) noexcept
    cdef void drop_sent(self, Py_ssize_t taken) noexcept


cdef inline int reserve(Outbox box, Py_ssize_t more) except -1:
    """See that ``more`` bytes can be written."""
    return 0 if more <= box.capacity - box.size else box.grow(more)
