"""Entries that the expiry wheel looks at together, in an array; each knows its place there: ``Bucket``.

A bucket owns its entries; an entry does not own its bucket, since neither is known to Python's collector and they
would keep each other for ever. So an entry never says that it is in a bucket where it is not: adding, taking out and the
end of a bucket set both sides, and ``entry.bucket = ...`` does the same as adding.

Costs 8 bytes per entry, and up to an eighth more while the array grows.
"""

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport UINT32_MAX, int64_t, uint32_t
from libc.stdlib cimport free, realloc

from .entry cimport Entry, need_extra, spare_extra

cdef enum:
    FEWEST = 2


@cython.final
@cython.no_gc
@cython.auto_pickle(False)
cdef class Bucket:
    """Entries that the expiry wheel looks at when ``due_ms`` has come. A bucket is itself, whatever it holds."""

    def __cinit__(self, int64_t due_ms):
        self.due_ms = due_ms

    def __dealloc__(self):
        self._empty()

    # -- for compiled callers ----------------------------------------------------

    cdef int put(self, Entry entry) except -1:
        """Take an entry in, out of any other bucket."""
        if self.has(entry):
            return 0
        if self.count == self.room:
            self._grow()
        if entry.extra is not NULL and entry.extra.bucket is not NULL:
            (<Bucket>entry.extra.bucket).drop(entry)
        need_extra(entry)
        Py_INCREF(entry)
        self.members[self.count] = <PyObject*>entry
        entry.extra.bucket = <PyObject*>self
        entry.extra.place = self.count
        self.count += 1
        return 0

    cdef void drop(self, Entry entry) noexcept:
        """Let an entry go that is here; the last one takes its place."""
        cdef uint32_t place = entry.extra.place
        cdef PyObject* last
        self.count -= 1
        last = self.members[self.count]
        self.members[place] = last
        (<Entry>last).extra.place = place
        entry.extra.bucket = NULL
        spare_extra(entry)
        self._shrink()
        Py_DECREF(entry)

    cdef bint has(self, object entry) noexcept:
        return (
            isinstance(entry, Entry)
            and (<Entry>entry).extra is not NULL
            and (<Entry>entry).extra.bucket is <PyObject*>self
        )

    cdef int _grow(self) except -1:
        cdef size_t room = <size_t>self.room + self.room // 8 + FEWEST
        cdef void* block
        if room > UINT32_MAX:
            raise MemoryError
        block = realloc(self.members, room * sizeof(PyObject*))
        if block is NULL:
            raise MemoryError
        self.members = <PyObject**>block
        self.room = <uint32_t>room
        return 0

    cdef void _shrink(self) noexcept:
        cdef void* block
        cdef uint32_t room = self.room // 2
        if room > FEWEST and self.count < room // 2:
            block = realloc(self.members, room * sizeof(PyObject*))
            if block is not NULL:
                self.members = <PyObject**>block
                self.room = room

    cdef void _empty(self) noexcept:
        cdef PyObject** members = self.members
        cdef uint32_t at, count = self.count
        self.members = NULL
        self.count = self.room = 0
        for at in range(count):
            (<Entry>members[at]).extra.bucket = NULL
            spare_extra(<Entry>members[at])
        for at in range(count):
            Py_DECREF(<object>members[at])
        free(members)

    # -- as a set ----------------------------------------------------------------

    def add(self, Entry entry not None):
        self.put(entry)

    def discard(self, Entry entry not None):
        if self.has(entry):
            self.drop(entry)

    def pop(self):
        """Take any entry out; who pops and adds in turns meets them all."""
        if self.count == 0:
            raise KeyError("an empty bucket")
        self.hand = self.hand + 1 if self.hand + 1 < self.count else 0
        entry = <Entry>self.members[self.hand]
        self.drop(entry)
        return entry

    def clear(self):
        self._empty()

    def __contains__(self, entry):
        return self.has(entry)

    def __len__(self):
        return self.count

    def __iter__(self):
        return iter([<object>self.members[at] for at in range(self.count)])

    def __sizeof__(self):
        return <size_t>(<object>Bucket).__basicsize__ + self.room * sizeof(PyObject*)
