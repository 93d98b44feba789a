# What a stream sends, and what of it has arrived; see streaming.pyx.
from .state cimport Sealed, StreamState


cdef Sealed seal_one(StreamState stream)
cdef bytes next_wire(StreamState stream)
cdef bint confirm_one(StreamState stream, long long sequence) except -1
