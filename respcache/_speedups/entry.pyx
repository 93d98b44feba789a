"""One stored key in one block of memory, key and small value inline: ``Entry``.

For Python it is what ``keyspace/entry.py`` describes, attribute by attribute. Beneath, a key costs one block of
Python's allocator instead of three: a header, what every key has, the key, and a small value. There is no header for the
collector, since no value leads back to an entry. A deadline, a bucket and a version live in a block of their own that is there while one of them is.

A block never moves or grows, so that whoever holds an entry keeps it. A value that outgrows its room becomes an object
beside the block, and comes back when it is short again.

Left to others: which entries there are (``entries.pyx``), and when they die (``buckets.pyx``).
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyObject_Free, PyObject_Malloc
from cpython.object cimport PyObject, PyTypeObject, destructor, newfunc
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stddef cimport size_t
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from .ledgers cimport slacks

cdef extern from "Python.h":
    ctypedef struct PyHash_FuncDef:
        Py_hash_t (*hash)(const void*, Py_ssize_t) noexcept nogil
    PyHash_FuncDef* PyHash_GetFuncDef() noexcept
    PyObject* PyObject_Init(PyObject*, PyTypeObject*) noexcept
    ctypedef struct PyGetSetDef:
        const char* name
        PyObject* (*get)(PyObject*, void*) except NULL
        int (*set)(PyObject*, PyObject*, void*) except -1
        const char* doc
        void* closure
    object PyDescr_NewGetSet(PyTypeObject*, PyGetSetDef*)
    int PyDict_SetItemString(PyObject*, const char*, object) except -1
    void PyType_Modified(PyTypeObject*) noexcept
    ctypedef struct TypeSlots "PyTypeObject":
        PyObject* tp_dict
        newfunc tp_new
        destructor tp_dealloc
        void* tp_vectorcall

cdef enum:
    # The longest block that Python's small-object allocator takes (SMALL_REQUEST_THRESHOLD in obmalloc.c), and its
    # steps. Beyond, a block of its own costs as little as a block for key and value together.
    LONGEST_BLOCK = 512
    BLOCK_STEP = 16
    # sizeof(PyBytesObject), whose last byte is the first of the content, and what the system's allocator notes of a block.
    BYTES_HEADER = 33
    MALLOC_HEADER = 8
    # A counter begins with one digit, and should not leave its place when it gets more.
    LEAST_ROOM = 8

cdef Py_hash_t (*_hash)(const void*, Py_ssize_t) noexcept nogil
_hash = PyHash_GetFuncDef().hash

cdef object _default_deadline = None


def register_default_deadline(subclass: type) -> None:
    """Name the class, derived from int, whose instances as deadlines say that a default life has set them."""
    global _default_deadline
    if not issubclass(subclass, int):
        raise TypeError("a deadline is an int")
    _default_deadline = subclass


cdef uint32_t key_hash(const char* key, Py_ssize_t size) noexcept nogil:
    """Hash with Python's own function for bytes and its secret: who does not know that cannot make keys collide."""
    cdef uint64_t full = <uint64_t>_hash(key, size)
    return <uint32_t>(full ^ (full >> 32))


# -- the block -------------------------------------------------------------------


cdef inline size_t fixed_bytes() noexcept nogil:
    """Return how many bytes stand before the key; the compiler knows."""
    cdef PyObject* anywhere = <PyObject*><void*>_hash
    return <size_t>(<char*>(<Entry>anywhere).data - <char*>anywhere)


cdef Entry new_entry(const char* key, Py_ssize_t key_size, uint32_t hash, Py_ssize_t value_size, int64_t now_ms):
    """Make an entry with room for a value of that size, if it is small; it is dead until it is given one."""
    cdef size_t size, room
    cdef PyObject* block
    cdef Entry entry
    if key_size < 0 or <size_t>key_size >= UINT32_MAX:
        raise OverflowError("a key is too long")
    size = fixed_bytes() + <size_t>key_size + LEAST_ROOM
    if value_size > LEAST_ROOM and size - LEAST_ROOM + <size_t>value_size <= LONGEST_BLOCK:
        size += <size_t>value_size - LEAST_ROOM
    size = (size + BLOCK_STEP - 1) & ~<size_t>(BLOCK_STEP - 1)
    block = <PyObject*>PyObject_Malloc(size)
    if block is NULL:
        raise MemoryError
    PyObject_Init(block, <PyTypeObject*>Entry)
    entry = <Entry>block
    Py_DECREF(entry)  # the reference that it was made with; ``entry`` has one of its own
    entry.extra = NULL
    entry.value = NULL
    entry.seen_ms = now_ms
    entry.key_facts().hash = hash
    entry.key_facts().size_bytes = <uint32_t>key_size
    entry.inline_bytes = 0
    entry.ledger = 0
    entry.room_bytes = <uint16_t>(size - fixed_bytes() - <size_t>key_size)
    entry.flags = 0
    memcpy(entry.key_data(), key, key_size)
    return entry


cdef size_t block_bytes(Entry entry) noexcept nogil:
    """Return what was asked of the allocator for an entry, without its extra block and its value's object."""
    return fixed_bytes() + <size_t>entry.key_size() + entry.room_bytes


cdef int64_t slack_of(Entry entry) noexcept:
    """Return what the value's room, and the object beside it, take beyond the length of the value."""
    cdef size_t size, taken
    if entry.flags & INLINE or entry.value is NULL:
        return entry.room_bytes - entry.inline_bytes
    if not PyBytes_CheckExact(<object>entry.value):
        return entry.room_bytes  # its header stands in its own books, or is lost in its size
    size = PyBytes_GET_SIZE(<object>entry.value)
    taken = size + BYTES_HEADER
    if taken > LONGEST_BLOCK:
        taken += MALLOC_HEADER
    return entry.room_bytes + <int64_t>(((taken + BLOCK_STEP - 1) & ~<size_t>(BLOCK_STEP - 1)) - size)


cdef void _free(PyObject* block) noexcept:
    # Fields only: anything that counts a reference to the entry would free it again.
    cdef PyObject* value = (<Entry>block).value
    cdef Extra* extra = (<Entry>block).extra
    (<Entry>block).value = NULL
    if extra is not NULL:
        PyObject_Free(extra)  # no bucket is in it: that would own a reference
    if value is not NULL:
        Py_DECREF(<object>value)
    PyObject_Free(block)


# -- value -----------------------------------------------------------------------


cdef Entry copy_of_parts(bytes key, object value, int64_t now_ms):
    """Make an entry of Python's objects."""
    cdef const char* data = PyBytes_AS_STRING(key)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(key)
    cdef Py_ssize_t value_size = PyBytes_GET_SIZE(value) if PyBytes_CheckExact(value) else 0
    cdef Entry entry = new_entry(data, size, key_hash(data, size), value_size, now_ms)
    set_value(entry, value)
    return entry


cdef void _turn(Entry entry, PyObject* value, uint8_t flags, Py_ssize_t inline_bytes) noexcept:
    """Go over to another value, inline or an object of which a reference is handed in; let the old one go."""
    cdef PyObject* old = entry.value
    if entry.ledger:
        slacks[entry.ledger] -= slack_of(entry)
    entry.value = value
    entry.flags = (entry.flags & DEFAULT_DEADLINE) | flags
    entry.inline_bytes = <uint16_t>inline_bytes
    if entry.ledger:
        slacks[entry.ledger] += slack_of(entry)
    if old is not NULL:
        Py_DECREF(<object>old)


cdef int set_value(Entry entry, object value) except -1:
    """Keep a value; None ends the entry."""
    if value is None:
        kill(entry)
    elif PyBytes_CheckExact(value) and PyBytes_GET_SIZE(value) <= entry.room_bytes:
        entry.set_text(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    else:
        Py_INCREF(value)
        _turn(entry, <PyObject*>value, ALIVE, 0)
    return 0


cdef int replace_text(Entry entry, const char* data, Py_ssize_t size) except -1:
    """Keep a string where there is an object now, or which has no room inside."""
    if size > entry.room_bytes:
        return set_value(entry, PyBytes_FromStringAndSize(data, size))
    memmove(entry.inline_data(), data, size)
    _turn(entry, NULL, ALIVE | INLINE, size)
    return 0


cdef void kill(Entry entry) noexcept:
    """Let the value go, so that whoever holds the entry can tell that it is dead."""
    _turn(entry, NULL, 0, 0)


cdef object value_of(Entry entry):
    if entry.flags & INLINE:
        return PyBytes_FromStringAndSize(entry.inline_data(), entry.inline_bytes)
    return None if entry.value is NULL else <object>entry.value


# -- ledgers ---------------------------------------------------------------------

cdef void enter_ledger(Entry entry, uint16_t ledger) noexcept:
    entry.ledger = ledger
    slacks[ledger] += slack_of(entry)


cdef void leave_ledger(Entry entry) noexcept:
    slacks[entry.ledger] -= slack_of(entry)
    entry.ledger = 0


# -- what few entries have -------------------------------------------------------


cdef int need_extra(Entry entry) except -1:
    """See that there is an extra block."""
    cdef Extra* extra
    if entry.extra is NULL:
        extra = <Extra*>PyObject_Malloc(sizeof(Extra))
        if extra is NULL:
            raise MemoryError
        extra.deadline_ms = 0
        extra.bucket = NULL
        extra.version_high = 0
        extra.version_low = 0
        extra.place = 0
        entry.extra = extra
    return 0


cdef void spare_extra(Entry entry) noexcept:
    """Give the extra block back when there is nothing in it any more."""
    cdef Extra* extra = entry.extra
    if extra is not NULL and not (extra.deadline_ms or extra.bucket or extra.version_high or extra.version_low):
        entry.extra = NULL
        PyObject_Free(extra)


cdef int set_deadline(Entry entry, int64_t deadline_ms, bint is_default) except -1:
    """Note a deadline in Unix ms, 0 for none."""
    if deadline_ms == 0:
        if entry.extra is not NULL:
            entry.extra.deadline_ms = 0
            spare_extra(entry)
        entry.flags &= ~DEFAULT_DEADLINE
        return 0
    need_extra(entry)
    entry.extra.deadline_ms = deadline_ms
    entry.flags = entry.flags | DEFAULT_DEADLINE if is_default else entry.flags & ~DEFAULT_DEADLINE
    return 0


# -- for Python ------------------------------------------------------------------


@cython.final
@cython.no_gc
@cython.auto_pickle(False)
cdef class Entry:
    """A live key. ``value`` is None once the key is gone: whoever still holds the entry can tell."""

    # ``value`` is added below: here, the name is that of the C field.

    # As in keyspace/entry.py. What stands before the key; blocks are rounded up, but that is counted for each.
    OWN_BYTES = <int>fixed_bytes()
    # In the array, and in the index (see places.pyx).
    PLACE_BYTES = 8 + 8
    # The extra block, and a place in a bucket whose array has grown.
    DEADLINE_BYTES = <int>sizeof(Extra) + 11
    # The extra block for the version; a copy of the key, and a place in the table of its partition, which is a dictionary.
    KEPT_BYTES = <int>sizeof(Extra) + 48 + 42

    @property
    def key(self):
        return PyBytes_FromStringAndSize(self.key_data(), self.key_size())

    @property
    def seen(self):
        return self.seen_ms

    @seen.setter
    def seen(self, int64_t seen):
        self.seen_ms = seen

    @property
    def expires_at_ms(self):
        cdef int64_t deadline_ms = self.deadline_ms()
        if deadline_ms == 0:
            return None
        return _default_deadline(deadline_ms) if self.flags & DEFAULT_DEADLINE else deadline_ms

    @expires_at_ms.setter
    def expires_at_ms(self, deadline_ms):
        cdef int64_t number
        if deadline_ms is None:
            set_deadline(self, 0, False)
            return
        number = deadline_ms
        # Nothing is due at 0, which means none, that is not due at 1.
        set_deadline(self, number if number else 1, deadline_ms.__class__ is _default_deadline)

    @property
    def bucket(self):
        if self.extra is NULL or self.extra.bucket is NULL:
            return None
        return <object>self.extra.bucket

    @bucket.setter
    def bucket(self, bucket):
        """Put the entry into a bucket, or take it out of the one that it is in: the two always know each other."""
        if bucket is None:
            if self.extra is not NULL and self.extra.bucket is not NULL:
                (<object>self.extra.bucket).discard(self)
            return
        bucket.add(self)
        if self.extra is NULL or self.extra.bucket is not <PyObject*>bucket:
            raise TypeError("no bucket of compiled entries")

    @property
    def version(self):
        if self.extra is NULL:
            return 0
        return (<object>self.extra.version_high << 32) | self.extra.version_low

    @version.setter
    def version(self, version):
        cdef uint64_t high = version >> 32
        cdef uint32_t low = version & UINT32_MAX
        if high or low:
            need_extra(self)
        if self.extra is not NULL:
            self.extra.version_high = high
            self.extra.version_low = low
            spare_extra(self)

    @property
    def slack_bytes(self):
        return slack_of(self)

    def __sizeof__(self):
        return block_bytes(self) + (0 if self.extra is NULL else sizeof(Extra))


def _arguments(key: bytes, value: object, now_ms: int) -> tuple:
    """Sort arguments given by name, and complain of those that are not there in Python's words."""
    return key, value, now_ms


cdef object _make(PyTypeObject* subclass, PyObject* positional, PyObject* named):
    cdef tuple arguments = <tuple>positional
    if named is not NULL or len(arguments) != 3:
        arguments = _arguments(*arguments, **({} if named is NULL else <dict>named))
    return copy_of_parts(<bytes?>arguments[0], arguments[1], arguments[2])


cdef PyObject* _get_value(PyObject* entry, void* closure) except NULL:
    value = value_of(<Entry>entry)
    Py_INCREF(value)
    return <PyObject*>value


cdef int _set_value(PyObject* entry, PyObject* value, void* closure) except -1:
    if value is NULL:
        raise AttributeError("a value cannot be deleted: None says that the key is gone")
    return set_value(<Entry>entry, <object>value)


cdef PyGetSetDef _value_slot
_value_slot.name = b"value"
_value_slot.get = _get_value
_value_slot.set = _set_value
_value_slot.doc = NULL
_value_slot.closure = NULL


cdef int _finish_type(PyTypeObject* entry_type) except -1:
    """Do by hand what Cython has no words for: blocks of differing length, and a property named as a field is."""
    cdef TypeSlots* slots = <TypeSlots*>entry_type
    slots.tp_new = <newfunc><void*>_make
    slots.tp_vectorcall = NULL  # the short way past tp_new
    slots.tp_dealloc = <destructor><void*>_free
    PyDict_SetItemString(slots.tp_dict, b"value", PyDescr_NewGetSet(entry_type, &_value_slot))
    PyType_Modified(entry_type)
    return 0


if sizeof(void*) < sizeof(KeyFacts):
    raise ImportError("entries are laid out for pointers of 64 bits")
_finish_type(<PyTypeObject*>Entry)
