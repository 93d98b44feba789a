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

    cdef bint deliver(self, ClientState client, bytes wire) except -1
