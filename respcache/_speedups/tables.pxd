# What tables of entries have in common; see tables.pyx.
from libc.stdint cimport uint32_t

from .places cimport Places

cdef enum Part:
    NAMES
    VALUES
    ITEMS


cdef class Table:
    cdef Places places

    cdef object part(self, uint32_t place, Part part)       # what stands there
    cdef Py_ssize_t drawn(self, object chance) except -2    # a place, each as likely as any other; -1: there is none
    cdef list walked(self, object cursor, object count, Part part, Py_ssize_t* start)
