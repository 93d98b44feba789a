"""The fields of a large hash, each with its value in one block, and found in one place: ``FieldTable``.

For Python it is a ``dict[bytes, bytes]`` as far as hashes need one, and the roster of ``keyspace/roster.py`` that goes
with it: fields stand by position without holes, and only the last ever moves, to an earlier place, so that HSCAN's promise
holds as it does there. What is stored is copied, but for a value that has no room in its block: such a value stays the
object it is, or becomes one.

``held_bytes`` is what all fields take in memory, counted with each change.

Left to others: how places are kept (``places.pyx``), going over them (``tables.pyx``), what a block is (``entry.pyx``: a field is an entry that nobody
outside sees), and which hashes are large (``hash_state.pyx``).
"""

cimport cython
from collections.abc import Mapping

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from .entry cimport INLINE, Entry, block_bytes, copy_of_parts, key_hash, new_entry, set_value, slack_of
from .places cimport Places, append, bytes_of, dismantle, entry_at, find, take
from .tables cimport NAMES, VALUES, Part, Table

cdef Py_ssize_t _bytes_per_field = Entry.OWN_BYTES + Entry.PLACE_BYTES


cdef inline bytes value_of(Entry entry):
    cdef FieldText text = text_of(entry)
    if text.owner is not NULL:
        return <bytes>text.owner
    return PyBytes_FromStringAndSize(text.data, text.size)


cdef inline bytes name_of(Entry entry):
    return PyBytes_FromStringAndSize(entry.key_data(), entry.key_size())


cdef Py_ssize_t bytes_of_value(Entry entry) noexcept:
    """Return what a value takes, with the room that it leaves."""
    return text_of(entry).size + slack_of(entry)


cdef void release(Places* places) noexcept:
    """Let all fields go. Take the places away from their owner first."""
    cdef size_t at
    for at in range(places.count):
        Py_DECREF(<object>entry_at(places, at))
    dismantle(places)


cdef FieldTable table_of(dict fields, order):
    """Make a table of the same fields; ``order`` names all of them."""
    cdef FieldTable table = FieldTable()
    for field in order:
        table.store(<bytes?>field, <bytes?>fields[field])
    return table


@cython.final
@cython.no_gc
@cython.auto_pickle(False)
cdef class FieldTable(Table):
    """Values by field."""

    def __dealloc__(self):
        release(&self.places)

    cdef object part(self, uint32_t place, Part part):
        cdef Entry entry = <Entry>entry_at(&self.places, place)
        if part == VALUES:
            return value_of(entry)
        return name_of(entry) if part == NAMES else (name_of(entry), value_of(entry))

    cdef int enter(self, Entry entry) except -1:
        """Take in a field that is not here."""
        append(&self.places, <PyObject*>entry)
        Py_INCREF(entry)
        self.held_bytes += _bytes_per_field + entry.key_size() + bytes_of_value(entry)
        return 0

    cdef void count_change(self, Entry entry, Py_ssize_t old_bytes) noexcept:
        self.held_bytes += bytes_of_value(entry) - old_bytes

    # -- for compiled callers ----------------------------------------------------

    cdef bint look_up(self, const char* field, Py_ssize_t size, FieldText* found) noexcept:
        """Find the value of a field; false where there is none."""
        cdef int64_t place = find(&self.places, key_hash(field, size), field, size)
        if place < 0:
            return False
        found[0] = text_of(<Entry>entry_at(&self.places, place))
        return True

    cdef bint store_text(
        self, const char* field, Py_ssize_t size, const char* value, Py_ssize_t value_size
    ) except -1:
        cdef uint32_t hash = key_hash(field, size)
        cdef int64_t place = find(&self.places, hash, field, size)
        cdef Entry entry
        cdef Py_ssize_t old_bytes
        if place < 0:
            entry = new_entry(field, size, hash, value_size, 0)
            entry.set_text(value, value_size)
            self.enter(entry)
            return True
        entry = <Entry>entry_at(&self.places, place)
        if entry.flags & INLINE and value_size <= entry.room_bytes:
            entry.set_text(value, value_size)  # nothing is taken or given back
        else:
            old_bytes = bytes_of_value(entry)
            entry.set_text(value, value_size)
            self.count_change(entry, old_bytes)
        return False

    cdef bint store(self, bytes field, bytes value) except -1:
        """Store a field; a long value as the object that it is."""
        cdef uint32_t hash = key_hash(PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field))
        cdef int64_t place = find(&self.places, hash, PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field))
        cdef Entry entry
        cdef Py_ssize_t old_bytes
        if place < 0:
            self.enter(copy_of_parts(field, value, 0))
            return True
        entry = <Entry>entry_at(&self.places, place)
        old_bytes = bytes_of_value(entry)
        set_value(entry, value)
        self.count_change(entry, old_bytes)
        return False

    cdef bint discard(self, const char* field, Py_ssize_t size) noexcept:
        cdef int64_t place = find(&self.places, key_hash(field, size), field, size)
        cdef PyObject* entry
        if place < 0:
            return False
        entry = entry_at(&self.places, place)
        self.held_bytes -= _bytes_per_field + (<Entry>entry).key_size() + bytes_of_value(<Entry>entry)
        take(&self.places, <uint32_t>place)
        Py_DECREF(<object>entry)
        return True

    # -- as a dictionary ---------------------------------------------------------

    def get(self, bytes field not None, default=None):
        cdef int64_t place = self.place_of(field)
        return default if place < 0 else value_of(<Entry>entry_at(&self.places, place))

    def __getitem__(self, bytes field not None):
        cdef int64_t place = self.place_of(field)
        if place < 0:
            raise KeyError(field)
        return value_of(<Entry>entry_at(&self.places, place))

    def __setitem__(self, bytes field not None, bytes value not None):
        self.store(field, value)

    def __delitem__(self, bytes field not None):
        if not self.discard(PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field)):
            raise KeyError(field)

    def pop(self, bytes field not None, *default):
        cdef int64_t place = self.place_of(field)
        if place >= 0:
            value = value_of(<Entry>entry_at(&self.places, place))
            self.discard(PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field))
            return value
        if default:
            return default[0]
        raise KeyError(field)

    def clear(self):
        cdef Places places = self.places
        memset(&self.places, 0, sizeof(Places))
        self.held_bytes = 0
        release(&places)

    def copy(self):
        """Return a table like this one, to the byte: its blocks have the same room."""
        cdef FieldTable twin = FieldTable()
        cdef Entry entry, other
        cdef uint32_t place = 0
        while place < self.places.count:
            entry = <Entry>entry_at(&self.places, place)
            other = new_entry(entry.key_data(), entry.key_size(), entry.key_facts().hash, entry.room_bytes, 0)
            if entry.flags & INLINE:
                other.set_text(entry.inline_data(), entry.inline_bytes)
            else:
                set_value(other, <bytes>entry.value)
            twin.enter(other)
            place += 1
        return twin

    def __contains__(self, bytes field not None):
        return self.place_of(field) >= 0

    def __sizeof__(self):
        """Return all that there is: for this, it looks at every field."""
        cdef size_t size = <size_t>(<object>FieldTable).__basicsize__ + bytes_of(&self.places)
        cdef uint32_t place
        cdef Entry entry
        for place in range(self.places.count):
            entry = <Entry>entry_at(&self.places, place)
            size += block_bytes(entry)
            if not entry.flags & INLINE:
                size += bytes_of_value(entry) - entry.room_bytes
        return size

    # -- as a roster -------------------------------------------------------------

    def draw(self, chance):
        """Pick a field, each as likely as any other, of a table that has any."""
        if not self.places.count:
            raise IndexError("there is no field")
        return self.part(self.drawn(chance), NAMES)

    def walk(self, cursor, count):
        """As ``FieldRoster.walk``."""
        cdef Py_ssize_t start
        fields = self.walked(cursor, count, NAMES, &start)
        return start, fields

    cdef int64_t place_of(self, bytes field) noexcept:
        cdef const char* name = PyBytes_AS_STRING(field)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(field)
        return find(&self.places, key_hash(name, size), name, size)


Mapping.register(FieldTable)
