# The fields of a large hash as compiled code sees them; see fields.pyx.
cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from .entry cimport Entry
from .places cimport entry_at
from .tables cimport Table


cdef struct FieldText:
    # A value, where it is until the hash changes.
    const char* data
    Py_ssize_t size
    PyObject* owner      # borrowed: the bytes object that it is; NULL: it has none


@cython.final
@cython.no_gc
cdef class FieldTable(Table):
    cdef readonly Py_ssize_t held_bytes

    cdef bint look_up(self, const char* field, Py_ssize_t size, FieldText* found) noexcept
    # They say whether the field is new, or was there.
    cdef bint store_text(self, const char* field, Py_ssize_t size, const char* value, Py_ssize_t value_size) except -1
    cdef bint store(self, bytes field, bytes value) except -1
    cdef bint discard(self, const char* field, Py_ssize_t size) noexcept

    cdef int enter(self, Entry entry) except -1
    cdef void count_change(self, Entry entry, Py_ssize_t old_bytes) noexcept
    cdef int64_t place_of(self, bytes field) noexcept


cdef inline Entry field_at(FieldTable table, size_t place):
    return <Entry>entry_at(&table.places, place)


cdef inline FieldText text_of(Entry field) noexcept:
    """Return the value of a field."""
    cdef FieldText text
    text.data, text.size, text.owner = NULL, 0, field.value
    field.has_text(&text.data, &text.size)
    return text


cdef FieldTable table_of(dict fields, order)
