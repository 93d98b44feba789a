# Which hold a compiled write's reply waits with, and keeping it there; see holding.pyx.
from .calls cimport Call
from .state cimport HoldsState, HoldState, SessionState

cdef enum:
    FEW_REPLIES = 2            # of a run; more stand elsewhere


cdef struct HeldAt:
    Py_ssize_t end
    int partition


cdef class HeldRun:
    cdef readonly object connection
    cdef bytes replaced_wire
    cdef public bytes wire, kept
    cdef public list after
    cdef HeldAt* replies       # ``few``, or memory of its own
    cdef HeldAt few[FEW_REPLIES]
    cdef Py_ssize_t count, capacity

    cdef int add(self, Py_ssize_t end, int partition) except -1
    cdef int give(self) except -1


cdef class Keeper:
    cdef HoldsState holds      # None: no reply waits for copies
    cdef HoldState hold        # what the run waits for
    cdef HoldState fresh       # what was last written to waits with it, if it is open
    cdef HeldRun run           # of the session that is served now; None: nothing is kept back

    cdef HoldState hold_of_write(self, int partition)
    cdef bint answered(self, Call call, SessionState session, int slot, Py_ssize_t before) except -1
    cdef int keep(self, Call call, SessionState session, HoldState hold, int partition, Py_ssize_t before) except -1
    cdef int begin(self, HoldState hold, SessionState session) except -1
    cdef int close(self, Call call) except -1
    cdef int forget(self) except -1
