# What a compiled command sees of the world, and the one rule it lives by; see calls.pyx.
from .entries cimport Entry, EntryTable
from .replies cimport Output
from .request_input cimport RequestInput
from .state cimport ContextState, DatabaseState, JournalState, RecorderState, StatisticsState


cdef class Call:
    cdef ContextState context  # None between the turns of sessions
    cdef DatabaseState db
    cdef EntryTable entries    # None while Python code runs: it may put another one in its place, and free this
    cdef JournalState journal
    cdef StatisticsState statistics
    cdef Output out
    cdef int protocol
    cdef long long now_ms
    cdef bint may_write        # nobody records or watches changes of this database, notes do for who listens, and it has no default lives
    cdef list notes            # of changes, for whoever listens; None: nobody does
    cdef bint may_read         # nobody listens to reads; no policy stamps uses; no life is renewed by reading
    # The words of the command; they stay where they are until it has been answered.
    cdef int argc
    cdef const char** words
    cdef Py_ssize_t* sizes
    cdef RequestInput input    # where they stand; None: somewhere else
    cdef Entry found           # what stands at the first word's key, if it was looked up before the command; else None
    cdef bint may_put          # the same of strings that are stored, also where ``recorder`` is to hear of it
    cdef RecorderState recorder # of changes of this database, if that is one for compiled code; else None
    cdef bint has_recorded     # a command has told it of a change
    cdef bint has_called       # a command has run Python code although it answered itself

    cdef bytes owner_of(self, const char* word)
    cdef int look_at(self, ContextState context, int protocol) except -1


# Answers a call in full and returns 1; or leaves everything as it was, writes nothing, and returns 0:
# then the command's Python handler runs, which alone knows errors and rare cases.
ctypedef int (*Compiled)(Call call) except -1
