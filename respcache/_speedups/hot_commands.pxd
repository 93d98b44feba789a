# The commands that have compiled twins; see hot_commands.pyx.
from .calls cimport Compiled
from .parser cimport RequestParser
from .state cimport CommandRecord, GuardState


cdef class HotCommand:
    cdef Compiled run
    cdef int arity
    cdef int first_key, last_key, key_step  # as in its declaration; key_step 0: it has no keys
    cdef bint has_odd_keys, is_write
    cdef CommandRecord record
    cdef GuardState guard  # None: nothing stands in front of it
    cdef object bound, full_name

    cdef int slot_here(self, RequestParser parser, const unsigned char[:] mine, list written, int highest) except -3
    cdef int count(self, long long took_ns) except -1


cdef struct Place:
    # A name in capitals, padded with zeros, and its command.
    unsigned long long head, tail
    void* command  # borrowed of HotCommands.kept


cdef class HotCommands:
    cdef list kept
    cdef Place places[512]

    cdef int add(self, bytes name, HotCommand command) except -1
    cdef HotCommand find(self, const char* name, Py_ssize_t size)


cdef Compiled compiled(bytes name)
cdef HotCommands commands_of(dict fast)
