# A hash as compiled code sees it; see hash_state.pyx.
from cpython.object cimport PyObject


cdef class HashState:
    cdef public dict fields
    cdef public Py_ssize_t size_bytes
    cdef public bint is_compact
    cdef public object _roster

    cdef PyObject* get(self, bytes field) except? NULL
    cdef bint store(self, bytes field, bytes value) except -1
    cdef bint discard(self, bytes field) except -1
    cdef int outgrow_words(self, object limits, const Py_ssize_t* sizes, int first, int count) except -1


cdef HashState new_hash()
