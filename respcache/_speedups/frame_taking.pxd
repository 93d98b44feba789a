# The usual frames between nodes; see frame_taking.pyx.
from libc.stdint cimport uint8_t

from .outbox cimport Outbox

cdef enum:
    PREFIX_BYTES = 4           # the length of a frame, before it


cdef class FrameTaker:
    cdef bytes peer
    cdef public list answers
    cdef bint has_called       # Python code has run, beyond asking the time
    cdef bytes rest            # what is left to be done of a frame that was taken in part, with its length

    cdef Py_ssize_t take_frames(self, const char* data, Py_ssize_t size) except -1
    cdef bint take_frame(self, const uint8_t* frame, Py_ssize_t size) except -1


cdef int put_frame(Outbox out, bytes frame) except -1
