"""What a compiled command sees of the world: a database, the words of a request, and where its reply goes.

A compiled command either answers in full, or leaves everything as it was and says so; then the Python handler of the same
command runs. So errors, rare options and whatever else is not worth compiling are written once, in Python.

``may_write`` and ``may_read`` say whether anybody has to be told of a change or a read: copies, watchers, listeners,
policies that count uses, default lives. If so, compiled commands decline; but for a listener whom notes of changes
suffice they take ``notes`` (see ``notes.pyx``). ``may_put`` says it for those that store strings and record that themselves
where there are copies (see ``recording.pyx``).
"""

from cpython.bytes cimport PyBytes_AS_STRING

from .entries cimport EntryTable
from .replies cimport Output
from .state cimport ClockState, ContextState, DatabaseState, JournalState, RecorderState, StatisticsState


cdef class Call:
    def __cinit__(self):
        self.out = Output()

    cdef bytes owner_of(self, const char* word):
        """Return the bytes object that a word is all of, which long words may have been received into; or None."""
        if self.input is not None and self.input.owners is not None:
            for owner in self.input.owners:
                if PyBytes_AS_STRING(<bytes>owner) == word:
                    return owner
        return None

    cdef int look_at(self, ContextState context, int protocol) except -1:
        """Turn to a session's database as it is now. To be done again whenever Python code has run."""
        cdef DatabaseState db = <DatabaseState?>context.db
        cdef JournalState journal = <JournalState?>db.journal
        self.context = context
        self.db = db
        self.entries = <EntryTable?>db.entries
        self.journal = journal
        self.statistics = <StatisticsState?>db.statistics
        self.protocol = protocol
        self.now_ms = (<ClockState?>db.clock).now_ms
        self.may_read = not journal.wants_reads and db.stamp is None and db.lives is None
        self.notes = journal.notes
        self.may_put = self.may_read and (not journal.attentive or self.notes is not None)
        self.may_write = self.may_put and db.recorder is None
        self.recorder = <RecorderState>db.recorder if isinstance(db.recorder, RecorderState) else None
        self.may_put = self.may_write or (self.may_put and self.recorder is not None)
        self.has_recorded = False
        return 0
