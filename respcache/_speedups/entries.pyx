"""The entries of a database by key, by position and in SCAN's order: ``EntryTable``, a dictionary and a roster in one.

For Python it is a ``dict[bytes, Entry]`` as far as the keyspace needs one, and ``EntryRoster`` is the ``Roster`` of
``keyspace/roster.py`` that goes with it. There are no dead places here: whoever is removed is gone at once, and
only the last ever moves, to an earlier place, so that SCAN's promise holds as it does there.

Left to others: how places are kept (``places.pyx``), going over them (``tables.pyx``), and what an entry is (``entry.pyx``).
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcmp, memset

from .buckets import Bucket
from .entry import register_default_deadline
from .fifos import Fifo
from .hash_state import delete_field, field_roster, store_field
from .entry cimport Entry, enter_ledger, key_hash, leave_ledger, new_entry
from .ledgers cimport close_ledger, open_ledger, slacks
from .places cimport Places, append, bytes_of, dismantle, entry_at, find, replace, take
from .tables cimport NAMES, VALUES, Part, Table


cdef void release(Places* places) noexcept:
    """Let all entries go. Take the places away from their owner first: this may run other code."""
    cdef size_t at
    for at in range(places.count):
        leave_ledger(<Entry>entry_at(places, at))
        Py_DECREF(<object>entry_at(places, at))
    dismantle(places)


@cython.final
@cython.no_gc
@cython.auto_pickle(False)
cdef class EntryTable(Table):
    """Entries by key."""

    def __cinit__(self):
        self.ledger = open_ledger()

    def __dealloc__(self):
        release(&self.places)
        if self.ledger:
            close_ledger(self.ledger)

    cdef object part(self, uint32_t place, Part part):
        cdef Entry entry = <Entry>entry_at(&self.places, place)
        if part == VALUES:
            return entry
        return entry.key if part == NAMES else (entry.key, entry)

    cdef int enter(self, Entry entry) except -1:
        """Take in an entry whose key is not here."""
        if entry.ledger:
            raise ValueError("an entry stands in one table")
        append(&self.places, <PyObject*>entry)
        Py_INCREF(entry)
        enter_ledger(entry, self.ledger)
        return 0

    cdef void leave(self, uint32_t place) noexcept:
        """Let go of the entry in a place."""
        cdef PyObject* entry = entry_at(&self.places, place)
        leave_ledger(<Entry>entry)
        take(&self.places, place)
        Py_DECREF(<object>entry)

    # -- for compiled callers ----------------------------------------------------

    cdef Entry look_up(self, const char* key, Py_ssize_t size):
        cdef int64_t place = find(&self.places, key_hash(key, size), key, size)
        if place < 0:
            return None
        return <Entry>entry_at(&self.places, place)

    cdef Entry insert_text(
        self, const char* key, Py_ssize_t size, const char* value, Py_ssize_t value_size, int64_t now_ms
    ):
        cdef Entry entry = new_entry(key, size, key_hash(key, size), value_size, now_ms)
        assert find(&self.places, entry.key_facts().hash, key, size) < 0
        entry.set_text(value, value_size)
        self.enter(entry)
        return entry

    cdef int remove(self, Entry entry) except -1:
        cdef int64_t place = find(&self.places, entry.key_facts().hash, entry.key_data(), entry.key_size())
        if place < 0 or entry_at(&self.places, place) is not <PyObject*>entry:
            return 0
        self.leave(<uint32_t>place)
        return 1

    # -- as a dictionary ---------------------------------------------------------

    def get(self, bytes key not None, default=None):
        entry = self.look_up(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
        return default if entry is None else entry

    def __getitem__(self, bytes key not None):
        entry = self.look_up(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
        if entry is None:
            raise KeyError(key)
        return entry

    def __setitem__(self, bytes key not None, Entry entry not None):
        cdef PyObject* old
        cdef int64_t place
        cdef Py_ssize_t size = PyBytes_GET_SIZE(key)
        if entry.key_size() != size or memcmp(entry.key_data(), PyBytes_AS_STRING(key), size) != 0:
            raise ValueError("an entry stands under its own key")
        place = find(&self.places, entry.key_facts().hash, PyBytes_AS_STRING(key), size)
        if place < 0:
            self.enter(entry)
            return
        old = entry_at(&self.places, place)
        if old is <PyObject*>entry:
            return
        if entry.ledger:
            raise ValueError("an entry stands in one table")
        leave_ledger(<Entry>old)
        enter_ledger(entry, self.ledger)
        Py_INCREF(entry)
        replace(&self.places, place, <PyObject*>entry)
        Py_DECREF(<object>old)

    def __delitem__(self, bytes key not None):
        entry = self.look_up(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
        if entry is None:
            raise KeyError(key)
        self.remove(entry)

    def pop(self, bytes key not None, *default):
        entry = self.look_up(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
        if entry is not None:
            self.remove(entry)
            return entry
        if default:
            return default[0]
        raise KeyError(key)

    def clear(self):
        cdef Places places = self.places
        memset(&self.places, 0, sizeof(Places))
        release(&places)

    def __contains__(self, key):
        cdef bytes wanted = key
        return key is not None and (
            find(
                &self.places,
                key_hash(PyBytes_AS_STRING(wanted), PyBytes_GET_SIZE(wanted)),
                PyBytes_AS_STRING(wanted),
                PyBytes_GET_SIZE(wanted),
            )
            >= 0
        )

    def __sizeof__(self):
        return <size_t>(<object>EntryTable).__basicsize__ + bytes_of(&self.places)


@cython.final
@cython.no_gc
@cython.auto_pickle(False)
cdef class EntryRoster:
    """The same entries as a list to walk and to draw from; see ``keyspace/roster.py`` for the promise."""

    cdef EntryTable table

    def __cinit__(self, EntryTable table not None):
        self.table = table

    @property
    def items(self):
        return self.table.values()

    @property
    def slack_bytes(self):
        """What the entries take beyond what ``ENTRY_BYTES`` and their sizes say."""
        return slacks[self.table.ledger]

    def add(self, entry):
        """Do nothing: who is in the table is on the roster."""

    def note_removed(self):
        """Do nothing: who has left the table has left the roster."""

    def draw(self, chance):
        return self.table.part(self.table.drawn(chance), VALUES) if self.table.places.count else None

    def walk(self, cursor, count):
        cdef Py_ssize_t start
        entries = self.table.walked(cursor, count, VALUES, &start)
        return start, entries


def new_contents():
    """Make a table and its roster."""
    table = EntryTable()
    return table, EntryRoster(table)


_TWINS = {
    one.__name__: one
    for one in (
        Bucket, Entry, Fifo, delete_field, field_roster, new_contents, register_default_deadline, store_field,
    )
}

plain_twins = {}
"""What was replaced, by name: for tests that compare."""


def compiled_twin(plain):
    """Return what stands here for a class or function of plain Python, by its name."""
    plain_twins[plain.__name__] = plain
    return _TWINS[plain.__name__]
