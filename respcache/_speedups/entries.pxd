# What the compiled keyspace offers to compiled callers; see entries.pyx, entry.pyx and buckets.pyx.
cimport cython
from libc.stdint cimport int64_t, uint16_t, uint32_t

from .entry cimport ALIVE, DEFAULT_DEADLINE, INLINE, Entry, Extra
from .tables cimport Table


@cython.final
@cython.no_gc
cdef class EntryTable(Table):
    cdef uint16_t ledger

    cdef int enter(self, Entry entry) except -1
    cdef void leave(self, uint32_t place) noexcept
    cdef Entry look_up(self, const char* key, Py_ssize_t size)
    # The key must not be there.
    cdef Entry insert_text(self, const char* key, Py_ssize_t size, const char* value, Py_ssize_t value_size, int64_t now_ms)
    cdef int remove(self, Entry entry) except -1  # 1: it was there
