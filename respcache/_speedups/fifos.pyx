"""Entries in order of arrival, each with its last use at that time: ``Fifo``, as ``keyspace/eviction/s3fifo.py`` describes it.

A place takes 16 bytes here: two pointers and a number of its own take 48 in plain Python. Places stand in chunks that
follow each other, so that a queue of millions grows and shrinks without moving anything.
"""

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc

from .entry cimport Entry

cdef enum:
    # A chunk is 8 KiB.
    CHUNK_PLACES = 511


cdef struct Place:
    PyObject* entry  # owned
    int64_t mark     # ``seen`` when it was queued


cdef struct Chunk:
    Chunk* next
    uint32_t begin   # of what is left of it
    uint32_t end
    Place places[CHUNK_PLACES]


cdef struct Queue:
    Chunk* first     # NULL: empty
    Chunk* last
    size_t count


cdef int push(Queue* queue, PyObject* entry, int64_t mark) except -1:
    """Add a place at the end, with a reference that is handed in."""
    cdef Chunk* chunk = queue.last
    if chunk is NULL or chunk.end == CHUNK_PLACES:
        chunk = <Chunk*>malloc(sizeof(Chunk))
        if chunk is NULL:
            raise MemoryError
        chunk.next = NULL
        chunk.begin = chunk.end = 0
        if queue.last is NULL:
            queue.first = chunk
        else:
            queue.last.next = chunk
        queue.last = chunk
    chunk.places[chunk.end].entry = entry
    chunk.places[chunk.end].mark = mark
    chunk.end += 1
    queue.count += 1
    return 0


cdef Place pull(Queue* queue) noexcept:
    """Take the first place, of a queue that has any."""
    cdef Chunk* chunk = queue.first
    cdef Place place = chunk.places[chunk.begin]
    chunk.begin += 1
    queue.count -= 1
    if chunk.begin == chunk.end:
        queue.first = chunk.next
        if queue.first is NULL:
            queue.last = NULL
        free(chunk)
    return place


cdef void empty(Queue* queue) noexcept:
    while queue.count:
        Py_DECREF(<object>pull(queue).entry)


@cython.final
@cython.no_gc
@cython.auto_pickle(False)
cdef class Fifo:
    """The queue is ``older`` followed by ``newer``, for the sake of tidying."""

    cdef Queue older
    cdef Queue newer

    PLACE_BYTES = <int>sizeof(Place)

    def __cinit__(self, entries=(), int64_t mark=0):
        cdef Entry entry
        for entry in entries:
            self._push(entry, mark)

    def __dealloc__(self):
        empty(&self.older)
        empty(&self.newer)

    cdef int _push(self, Entry entry, int64_t mark) except -1:
        if entry is None:
            raise TypeError("None is no entry")
        push(&self.newer, <PyObject*>entry, mark)
        Py_INCREF(entry)
        return 0

    def __len__(self):
        return self.older.count + self.newer.count

    def add(self, Entry entry not None):
        self._push(entry, entry.seen_ms)

    def take(self):
        cdef Place place
        cdef Entry entry
        if not self.older.count and not self.newer.count:
            raise IndexError("an empty queue")
        place = pull(&self.older if self.older.count else &self.newer)
        entry = <Entry>place.entry
        Py_DECREF(entry)  # the queue's
        return entry, entry.seen_ms > place.mark

    def tidy(self, int places):
        cdef int dropped = 0
        cdef Place place
        cdef Queue queue
        while places > 0 and (self.newer.count or self.older.count):
            places -= 1
            if not self.newer.count:
                queue = self.newer
                self.newer = self.older
                self.older = queue
            place = pull(&self.newer)
            if (<Entry>place.entry).is_alive():
                try:
                    push(&self.older, place.entry, place.mark)
                except MemoryError:
                    Py_DECREF(<object>place.entry)
                    raise
            else:
                Py_DECREF(<object>place.entry)
                dropped += 1
        return dropped
