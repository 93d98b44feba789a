# Which hold a compiled write's reply waits with, and keeping it there; see holding.pyx.
from .calls cimport Call
from .state cimport HeldRunState, HoldsState, HoldState, SessionState


cdef class Keeper:
    cdef HoldsState holds      # None: no reply waits for copies
    cdef HoldState hold        # what the run waits for
    cdef HeldRunState run      # of the session that is served now; None: nothing is kept back

    cdef bint answered(self, Call call, SessionState session, int slot, Py_ssize_t before) except -1
    cdef int keep(self, Call call, SessionState session, HoldState hold, int partition, Py_ssize_t before) except -1
    cdef int close(self, Call call) except -1
    cdef int forget(self) except -1
