"""A hash as compiled commands see it: its attributes as C fields, and how they change.

``keyspace/hashes.py`` derives its ``Hash`` from ``HashState``, says what the attributes mean, and hands itself in, so
that new hashes are of that class. What is changed here leaves a hash as its own ``set``, ``delete`` and ``outgrow`` do.
"""

from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.dict cimport PyDict_DelItem, PyDict_GetItemWithError, PyDict_Size
from cpython.object cimport PyObject

cdef object hash_class = None
cdef Py_ssize_t field_bytes = 0
cdef object known_limits = None
cdef Py_ssize_t most_entries = 0
cdef Py_ssize_t most_value_bytes = 0


def offer_hash_class(cls not None, Py_ssize_t bytes_per_field):
    """Say what hashes are made of, and how many bytes a field takes beside its own."""
    global hash_class, field_bytes
    if not issubclass(cls, HashState):
        raise TypeError("a hash derives from HashState")
    hash_class, field_bytes = cls, bytes_per_field


cdef HashState new_hash():
    """Return an empty hash; None while nobody has said what that is."""
    return None if hash_class is None else hash_class()


cdef class HashState:
    cdef PyObject* get(self, bytes field) except? NULL:
        """Return the value of a field, borrowed; NULL where there is none."""
        return PyDict_GetItemWithError(self.fields, field)

    cdef bint store(self, bytes field, bytes value) except -1:
        """Store one field; say whether it is new."""
        cdef PyObject* old = PyDict_GetItemWithError(self.fields, field)
        cdef Py_ssize_t grown_bytes
        if old != NULL:
            grown_bytes = PyBytes_GET_SIZE(value) - PyBytes_GET_SIZE(<object>old)
            self.fields[field] = value
            self.size_bytes += grown_bytes
            return False
        self.fields[field] = value
        self.size_bytes += field_bytes + PyBytes_GET_SIZE(field) + PyBytes_GET_SIZE(value)
        if self._roster is not None:
            self._roster.add(field)
        return True

    cdef bint discard(self, bytes field) except -1:
        """Remove one field; say whether it was there."""
        cdef PyObject* old = PyDict_GetItemWithError(self.fields, field)
        cdef Py_ssize_t shrunk_bytes
        if old == NULL:
            return False
        shrunk_bytes = field_bytes + PyBytes_GET_SIZE(field) + PyBytes_GET_SIZE(<object>old)
        PyDict_DelItem(self.fields, field)
        self.size_bytes -= shrunk_bytes
        if self._roster is not None:
            self._roster.note_removed(field)
        return True

    cdef int outgrow_words(self, object limits, const Py_ssize_t* sizes, int first, int count) except -1:
        """Give up the compact form where the number of fields, or the size of a word just stored, asks for it."""
        cdef int at
        note_limits(limits)
        if PyDict_Size(self.fields) > most_entries:
            self.is_compact = False
            return 0
        for at in range(first, count):
            if sizes[at] > most_value_bytes:
                self.is_compact = False
                return 0
        return 0


cdef int note_limits(object limits) except -1:
    """Read limits, which never change, once."""
    global known_limits, most_entries, most_value_bytes
    if limits is not known_limits:
        most_entries, most_value_bytes = limits.max_entries, limits.max_value_bytes
        known_limits = limits
    return 0
