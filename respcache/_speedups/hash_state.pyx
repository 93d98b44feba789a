"""A hash as compiled commands see it: its attributes as C fields, and how they change.

``keyspace/hashes.py`` derives its ``Hash`` from ``HashState``, says what the attributes mean, and hands itself in, so
that new hashes are of that class. What is changed here leaves a hash as its own ``set``, ``delete`` and ``outgrow`` do.

A compact hash keeps its fields in a dictionary, because their order shows. So does one of few fields: a table
(``fields.pyx``) allots places by the thousand. A hash that is neither has a table, where a field takes less memory and a
look-up reaches for fewer places in it; it keeps the table when it shrinks.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_DelItem, PyDict_GetItemWithError, PyDict_SetItem, PyDict_Size
from cpython.object cimport PyObject
from libc.stdint cimport UINT32_MAX

from .fields cimport FieldTable, FieldText, table_of

cdef enum:
    # Half of the places that a table begins with.
    MOST_DICT_FIELDS = 512

hash_class = None
cdef object roster_class = None
cdef Py_ssize_t field_bytes = 0
cdef object known_limits = None
cdef Py_ssize_t most_entries = 0
cdef Py_ssize_t most_value_bytes = 0


def offer_hash_class(cls not None, Py_ssize_t bytes_per_field, roster not None):
    """Say what hashes are made of, how many bytes a field in a dictionary takes beside its own, and what its roster is."""
    global hash_class, field_bytes, roster_class
    if not issubclass(cls, HashState):
        raise TypeError("a hash derives from HashState")
    hash_class, field_bytes, roster_class = cls, bytes_per_field, roster


cdef HashState new_hash():
    """Return an empty hash; None while nobody has said what that is."""
    return None if hash_class is None else hash_class()


cdef class HashState:
    @property
    def is_compact(self):
        return self.compact

    @is_compact.setter
    def is_compact(self, bint is_compact):
        self.compact = is_compact
        if not is_compact and type(self.fields) is dict and PyDict_Size(self.fields) > MOST_DICT_FIELDS:
            self.part_with_dict()

    cdef int part_with_dict(self) except -1:
        """Keep the fields in a table from now on."""
        cdef dict fields = <dict?>self.fields
        cdef Py_ssize_t size_bytes = self.size_bytes
        cdef FieldTable table
        try:
            # A walk that goes on may have met what comes last in its order, and nothing else.
            table = table_of(fields, fields if self._roster is None else self._roster.walk(0, UINT32_MAX)[1])
        except MemoryError:
            return 0  # nobody has to know: a dictionary does as well
        for field, value in fields.items():
            size_bytes -= field_bytes + PyBytes_GET_SIZE(field) + PyBytes_GET_SIZE(value)
        self.fields, self._roster, self.size_bytes = table, None, size_bytes + table.held_bytes
        return 0

    cdef Py_ssize_t count(self) except -1:
        """Return how many fields there are."""
        if type(self.fields) is FieldTable:
            return (<FieldTable>self.fields).places.count
        return PyDict_Size(self.fields)

    cdef bint look_up(self, const char* field, Py_ssize_t size, FieldText* found) except -1:
        """Find the value of a field, where it is until the hash changes; false where there is none."""
        cdef PyObject* value
        if type(self.fields) is FieldTable:
            return (<FieldTable>self.fields).look_up(field, size, found)
        value = PyDict_GetItemWithError(<dict?>self.fields, PyBytes_FromStringAndSize(field, size))
        if value == NULL:
            return False
        found.data, found.size = PyBytes_AS_STRING(<object>value), PyBytes_GET_SIZE(<object>value)
        found.owner = value
        return True

    cdef bint store_text(
        self, const char* field, Py_ssize_t size, const char* value, Py_ssize_t value_size
    ) except -1:
        """Store one field; say whether it is new."""
        cdef FieldTable table
        cdef Py_ssize_t held_bytes
        cdef bint is_new
        if type(self.fields) is not FieldTable:
            return self.store(PyBytes_FromStringAndSize(field, size), PyBytes_FromStringAndSize(value, value_size))
        table = <FieldTable>self.fields
        held_bytes = table.held_bytes
        is_new = table.store_text(field, size, value, value_size)
        self.size_bytes += table.held_bytes - held_bytes
        return is_new

    cdef bint store(self, bytes field, bytes value) except -1:
        """Do the same with objects, which a dictionary keeps."""
        cdef PyObject* old
        cdef Py_ssize_t grown_bytes
        cdef bint is_new
        if type(self.fields) is FieldTable:
            grown_bytes = -(<FieldTable>self.fields).held_bytes
            is_new = (<FieldTable>self.fields).store(field, value)
            self.size_bytes += grown_bytes + (<FieldTable>self.fields).held_bytes
            return is_new
        old = PyDict_GetItemWithError(<dict?>self.fields, field)
        if old != NULL:
            grown_bytes = PyBytes_GET_SIZE(value) - PyBytes_GET_SIZE(<object>old)
            PyDict_SetItem(self.fields, field, value)
            self.size_bytes += grown_bytes
            return False
        PyDict_SetItem(self.fields, field, value)
        self.size_bytes += field_bytes + PyBytes_GET_SIZE(field) + PyBytes_GET_SIZE(value)
        if self._roster is not None:
            self._roster.add(field)
        if not self.compact and PyDict_Size(self.fields) > MOST_DICT_FIELDS:
            self.part_with_dict()
        return True

    cdef bint discard_text(self, const char* field, Py_ssize_t size) except -1:
        """Remove one field; say whether it was there."""
        cdef FieldTable table
        cdef Py_ssize_t held_bytes
        if type(self.fields) is not FieldTable:
            return self.discard(PyBytes_FromStringAndSize(field, size))
        table = <FieldTable>self.fields
        held_bytes = table.held_bytes
        if not table.discard(field, size):
            return False
        self.size_bytes += table.held_bytes - held_bytes
        return True

    cdef bint discard(self, bytes field) except -1:
        """Do the same."""
        cdef PyObject* old
        cdef Py_ssize_t shrunk_bytes
        if type(self.fields) is FieldTable:
            return self.discard_text(PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field))
        old = PyDict_GetItemWithError(<dict?>self.fields, field)
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
        if self.count() > most_entries:
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


# -- what keyspace/hashes.py has in plain Python ---------------------------------


def store_field(HashState hash_ not None, bytes field not None, bytes value not None):
    """Store one field; say whether it is new."""
    return hash_.store(field, value)


def delete_field(HashState hash_ not None, bytes field not None):
    """Remove one field; say whether it was there."""
    return hash_.discard(field)


def field_roster(fields not None):
    """Return the fields by position: a table is its own roster."""
    return fields if type(fields) is FieldTable else roster_class(fields)
