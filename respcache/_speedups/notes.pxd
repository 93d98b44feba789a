# What compiled commands tell of their changes; see notes.pyx.
from .calls cimport Call

cdef enum:
    # As ``keyspace/journal.py`` numbers them.
    CREATED = 0
    UPDATED = 1
    TOUCHED = 2
    DELETED = 3
    MOST_NOTES = 1024  # then whoever listens is told, amid a read's commands

cdef tuple SET, INCRBY, DEL, EXPIRE, PERSIST, HSET, HDEL, HINCRBY


cdef inline int note(Call call, int change, tuple notice, const char* key, Py_ssize_t size) except -1:
    """Note a change, where anybody wants to know of it."""
    if call.notes is not None:
        call.notes.append((change, call.db.index, key[:size], notice))
    return 0


cdef inline bint is_full(Call call) noexcept:
    """Say whether so much has been noted that it is time to tell it."""
    return call.notes is not None and len(call.notes) >= MOST_NOTES


cdef bint tell(Call call) except -1
