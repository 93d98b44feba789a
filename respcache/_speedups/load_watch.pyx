"""Which commands may run at once although some keys are loaded from a database: those whose keys are there, and not busy.

It knows of every loader the first bytes of its keys. A key that begins so and is missing, or past its deadline, or soon to be
loaded anew, or written where writes go to a database, is for Python to look at; so is a key whose owner is awake, or
shares its slot with such a key. To say no is never wrong: the same command then takes the way through the dispatcher.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcmp

from .calls cimport Call
from .entry cimport Entry
from .hot_commands cimport HotCommand
from .slots cimport slot_of
from .state cimport DatabaseState


cdef class LoadWatch:
    """``loaders`` are (database, first bytes of the keys, ``ahead_ms``, whether writes concern it); ``busy`` are the owners
    that are awake, and the keys that are marked; ``busy_slots`` how many of both each slot has."""

    def __cinit__(self, list loaders not None, tuple busy not None, busy_slots not None):
        cdef Py_ssize_t at
        self.awake, self.marked = busy
        self.busy_slots = busy_slots
        self.kept = []
        self.rules = <Rule*>PyMem_Malloc(max(len(loaders), 1) * sizeof(Rule))
        if self.rules == NULL:
            raise MemoryError
        for at, (database, prefix, ahead_ms, takes_writes) in enumerate(loaders):
            self.kept.append(<bytes?>prefix)
            self.rules[at].prefix = PyBytes_AS_STRING(<bytes>prefix)
            self.rules[at].size = PyBytes_GET_SIZE(<bytes>prefix)
            self.rules[at].database = database
            self.rules[at].ahead_ms = ahead_ms
            self.rules[at].takes_writes = takes_writes
            self.count = at + 1

    def __dealloc__(self):
        PyMem_Free(self.rules)

    cdef bint lets(self, HotCommand command, Call call) except -1:
        """Say whether a command may run now. The entry of its only key, if it is looked up here, stands in ``call.found``."""
        cdef int word, stop
        cdef bint is_busy = len(self.awake) != 0 or len(self.marked) != 0
        call.found = None
        if not command.key_step:
            return True
        if command.has_odd_keys:
            return False
        stop = call.argc + command.last_key if command.last_key < 0 else command.first_key + command.last_key
        word = command.first_key
        while word <= stop:  # a range whose step is not a constant would be one of Python's, for 100 ns
            if is_busy and self.busy_slots[slot_of(call.words[word], call.sizes[word])] != 0:
                return False
            if not self.lets_key(command, call, word):
                return False
            word += command.key_step
        if stop > command.first_key:
            call.found = None
        return True

    cdef bint lets_key(self, HotCommand command, Call call, int word) except -1:
        cdef Rule* rule
        cdef Entry entry
        cdef int at
        cdef int database = (<DatabaseState>call.db).index
        cdef const char* key = call.words[word]
        cdef Py_ssize_t size = call.sizes[word]
        for at in range(self.count):
            rule = &self.rules[at]
            if rule.database != database or size < rule.size or memcmp(key, rule.prefix, rule.size) != 0:
                continue
            if rule.takes_writes and command.is_write:
                return False
            entry = call.entries.look_up(key, size)
            if entry is None:
                return False
            if entry.extra != NULL and entry.extra.deadline_ms != 0 and entry.extra.deadline_ms - call.now_ms <= rule.ahead_ms:
                return False
            call.found = entry
        return True
