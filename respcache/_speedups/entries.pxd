# What the compiled keyspace offers to compiled callers; see entries.pyx.
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t


cdef struct Extra:
    # What few entries have, in a block of its own: a deadline and a place in the wheel, or a version.
    int64_t deadline_ms   # 0: none
    PyObject* bucket      # owned; NULL: in none
    uint64_t version_high # the upper 64 of a version's 96 bits
    uint32_t version_low
    uint32_t place        # in the bucket


cdef class Entry:
    cdef Extra* extra          # NULL while there is neither deadline nor bucket nor version
    cdef PyObject* value       # owned; NULL: the value is inline, or the entry is dead
    cdef int64_t seen_ms
    cdef uint32_t hash
    cdef uint32_t key_bytes
    cdef uint32_t inline_bytes # of the inline value
    cdef uint32_t room_bytes   # how long an inline value may become
    cdef uint8_t flags         # ALIVE, INLINE, DEFAULT_DEADLINE
    # Behind the fixed part: the key, then the inline value.

    cdef char* key_data(self) noexcept
    cdef char* inline_data(self) noexcept
    cdef bint has_text(self, const char** data, Py_ssize_t* size) noexcept
    cdef int set_text(self, const char* data, Py_ssize_t size) except -1


cdef class EntryTable:
    cdef Entry look_up(self, const char* key, Py_ssize_t size)
    cdef Entry insert_text(self, const char* key, Py_ssize_t size, const char* value, Py_ssize_t value_size, int64_t now_ms)
