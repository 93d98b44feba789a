# A hash as compiled code sees it; see hash_state.pyx.
from .fields cimport FieldText

cdef object hash_class


cdef class HashState:
    cdef public object fields  # a dict, or of a large hash a FieldTable
    cdef public Py_ssize_t size_bytes
    cdef public object _roster
    cdef bint compact

    cdef bint look_up(self, const char* field, Py_ssize_t size, FieldText* found) except -1
    # They say whether the field is new, or was there.
    cdef bint store(self, bytes field, bytes value) except -1
    cdef bint store_text(self, const char* field, Py_ssize_t size, const char* value, Py_ssize_t value_size) except -1
    cdef bint discard(self, bytes field) except -1
    cdef bint discard_text(self, const char* field, Py_ssize_t size) except -1
    cdef int outgrow_words(self, object limits, const Py_ssize_t* sizes, int first, int count) except -1
    cdef int part_with_dict(self) except -1
    cdef Py_ssize_t count(self) except -1


cdef inline bint is_hash(object value):
    return type(value) is hash_class or isinstance(value, HashState)


cdef HashState new_hash()
