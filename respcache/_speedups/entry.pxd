# One stored key in one block of memory, as compiled code sees it; see entry.pyx.
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memmove

from .ledgers cimport slacks

cdef enum:
    # Flags of an entry.
    ALIVE = 1
    INLINE = 2            # the value stands behind the key
    DEFAULT_DEADLINE = 4  # the deadline is one that a default life has set


cdef struct KeyFacts:
    uint32_t hash         # key_hash of the key
    uint32_t size_bytes


cdef struct Extra:
    # What few entries have, in a block of its own: a deadline and a place in the wheel, or a version.
    int64_t deadline_ms   # 0: none
    PyObject* bucket      # NULL: in none. Not owned: a bucket owns its entries, and lets go of all of them when it ends
    uint64_t version_high # the upper 64 of a version's 96 bits
    uint32_t version_low
    uint32_t place        # in the bucket


@cython.final
@cython.no_gc
cdef class Entry:
    cdef Extra* extra          # NULL while there is neither deadline nor bucket nor version
    cdef PyObject* value       # owned; NULL: the value is inline, or the entry is dead
    cdef int64_t seen_ms
    cdef uint16_t inline_bytes # of the inline value
    cdef uint16_t room_bytes   # how long an inline value may become
    cdef uint16_t ledger       # of the table that it stands in; 0: in none
    cdef uint8_t flags
    cdef char data[1]          # the key, then the inline value: the block is longer than C is told here

    cdef inline KeyFacts* key_facts(self) noexcept nogil:
        # Cython begins every class that has methods with a pointer to them. This class is final, so its methods are
        # called by name, and nobody looks there: the eight bytes hold what every entry needs. entry.pyx makes the blocks.
        return <KeyFacts*>(<char*><PyObject*>self + sizeof(PyObject))

    cdef inline char* key_data(self) noexcept nogil:
        return <char*>self.data

    cdef inline Py_ssize_t key_size(self) noexcept nogil:
        return self.key_facts().size_bytes

    cdef inline char* inline_data(self) noexcept nogil:
        return <char*>self.data + self.key_facts().size_bytes

    cdef inline bint is_alive(self) noexcept nogil:
        return self.flags & ALIVE

    cdef inline int64_t deadline_ms(self) noexcept nogil:
        """Return the deadline in Unix ms, 0 for none."""
        return 0 if self.extra is NULL else self.extra.deadline_ms

    cdef inline bint has_text(self, const char** data, Py_ssize_t* size) noexcept:
        """Say whether the value is a string that nothing changes in place, and where it is until the next change."""
        if self.flags & INLINE:
            data[0] = self.inline_data()
            size[0] = self.inline_bytes
            return True
        if self.value is not NULL and PyBytes_CheckExact(<object>self.value):
            data[0] = PyBytes_AS_STRING(<object>self.value)
            size[0] = PyBytes_GET_SIZE(<object>self.value)
            return True
        return False

    cdef inline int set_text(self, const char* data, Py_ssize_t size) except -1:
        """Make a string the value, in place of any other; ``data`` may be part of the value that there was."""
        if size <= self.room_bytes and self.flags & INLINE:
            memmove(self.inline_data(), data, size)
            if self.ledger:
                slacks[self.ledger] += self.inline_bytes - size
            self.inline_bytes = <uint16_t>size
            return 0
        return replace_text(self, data, size)


cdef void enter_ledger(Entry entry, uint16_t ledger) noexcept
cdef void leave_ledger(Entry entry) noexcept
cdef uint32_t key_hash(const char* key, Py_ssize_t size) noexcept nogil
cdef Entry new_entry(const char* key, Py_ssize_t key_size, uint32_t hash, Py_ssize_t value_size, int64_t now_ms)
cdef Entry copy_of_parts(bytes key, object value, int64_t now_ms)
cdef int replace_text(Entry entry, const char* data, Py_ssize_t size) except -1
cdef int set_value(Entry entry, object value) except -1
cdef void kill(Entry entry) noexcept
cdef int set_deadline(Entry entry, int64_t deadline_ms, bint is_default) except -1
cdef int need_extra(Entry entry) except -1
cdef void spare_extra(Entry entry) noexcept
cdef size_t block_bytes(Entry entry) noexcept nogil
cdef int64_t slack_of(Entry entry) noexcept
