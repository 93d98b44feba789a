# Which commands may run although keys are loaded; see load_watch.pyx.
from .calls cimport Call
from .hot_commands cimport HotCommand


cdef struct Rule:
    const char* prefix
    Py_ssize_t size
    int database
    long long ahead_ms
    bint takes_writes


cdef class LoadWatch:
    cdef list kept
    cdef dict awake, marked
    cdef const unsigned int[:] busy_slots
    cdef Rule* rules
    cdef int count

    cdef bint lets(self, HotCommand command, Call call) except -1
    cdef bint lets_key(self, HotCommand command, Call call, int word) except -1
