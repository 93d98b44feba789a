# Entries that are looked at together; see buckets.pyx.
cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint32_t

from .entry cimport Entry


@cython.final
@cython.no_gc
cdef class Bucket:
    cdef readonly int64_t due_ms
    cdef PyObject** members  # each owned
    cdef uint32_t count
    cdef uint32_t room
    cdef uint32_t hand       # where ``pop`` took the last from

    cdef int put(self, Entry entry) except -1
    cdef void drop(self, Entry entry) noexcept
    cdef bint has(self, object entry) noexcept
    cdef int _grow(self) except -1
    cdef void _shrink(self) noexcept
    cdef void _empty(self) noexcept
