# One message for many; see fanout.pyx.
from .state cimport ClientState, ConnectionState


cdef class Waker:
    cdef object look, ring
    cdef ConnectionState connection
    cdef dict stirred

    cdef int wake(self) except -1  # as calling it, for a session that goes on


cdef class FanOut:
    cdef public long long surely_allowed_bytes
    cdef object encode

    cdef Py_ssize_t send_to(self, dict clients, list words) except -1
    cdef bint is_quick(self, dict clients, ClientState publisher, Py_ssize_t words_bytes) except -1
    cdef bint may_append(self, ClientState client, Py_ssize_t size) except -1
    cdef bint deliver(self, ClientState client, bytes wire) except -1
