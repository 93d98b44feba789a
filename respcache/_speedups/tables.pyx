"""What ``EntryTable`` and ``FieldTable`` have in common: both keep blocks by position and by name (``places.pyx``).

For Python a table is like a dictionary: it has a length, it can be iterated over, in order of position, by its names, its
values or both, and it equals a dictionary with the same items. When its length changes meanwhile, iterating
ends in RuntimeError, as a dictionary's does.

And it is like a roster (``keyspace/roster.py``): places are walked from the last to the first, or drawn by chance.

What stands in a place is for the derived class to say, and all that changes a table is there.
"""

cimport cython
from cpython.object cimport Py_EQ, Py_NE
from libc.stdint cimport uint32_t


@cython.no_gc
@cython.auto_pickle(False)
cdef class Table:
    """Blocks by position."""

    cdef object part(self, uint32_t place, Part part):
        raise AssertionError("what stands in a place is for the derived table to say")

    cdef Py_ssize_t drawn(self, object chance) except -2:
        cdef double share = chance.random()
        return min(<Py_ssize_t>(share * self.places.count), <Py_ssize_t>self.places.count - 1)

    cdef list walked(self, object cursor, object count, Part part, Py_ssize_t* start):
        cdef Py_ssize_t length = self.places.count
        cdef Py_ssize_t stop = length if cursor == 0 else min(cursor, length)
        start[0] = max(stop - min(count, length), 0)
        return [self.part(place, part) for place in range(start[0], stop)]

    def __len__(self):
        return self.places.count

    def __bool__(self):
        return self.places.count != 0

    def __iter__(self):
        return TableIterator(self, NAMES)

    def keys(self):
        return TableView(self, NAMES)

    def values(self):
        return TableView(self, VALUES)

    def items(self):
        return TableView(self, ITEMS)

    def __richcmp__(self, other, int comparison):
        if comparison not in (Py_EQ, Py_NE) or not isinstance(other, (dict, Table)):
            return NotImplemented
        return dict(self.items()) == dict(other.items()) if comparison == Py_EQ else not self == other

    __hash__ = None


@cython.final
@cython.no_gc
@cython.auto_pickle(False)
cdef class TableView:
    """The names, the values, or both, of a table as it is whenever one looks."""

    cdef Table table
    cdef Part part

    def __cinit__(self, Table table not None, Part part):
        self.table = table
        self.part = part

    def __len__(self):
        return self.table.places.count

    def __iter__(self):
        return TableIterator(self.table, self.part)

    def __contains__(self, thing):
        return thing in self.table if self.part == NAMES else any([thing == one for one in self])


@cython.final
@cython.no_gc
@cython.auto_pickle(False)
cdef class TableIterator:
    """Goes over a table by position."""

    cdef Table table
    cdef Part part
    cdef uint32_t place
    cdef uint32_t count

    def __cinit__(self, Table table not None, Part part):
        self.table = table
        self.part = part
        self.place = 0
        self.count = table.places.count

    def __iter__(self):
        return self

    def __length_hint__(self):
        return self.count - self.place

    def __next__(self):
        if self.table.places.count != self.count:
            raise RuntimeError("the table changed its length during iteration")
        if self.place >= self.count:
            raise StopIteration
        self.place += 1
        return self.table.part(self.place - 1, self.part)
