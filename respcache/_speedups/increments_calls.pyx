"""INCR and its kin, compiled; see ``commands/increments.py``. Declined: whatever is no integer, or would overflow."""

from libc.stdint cimport INT64_MIN, int64_t

from .calls cimport Call, Compiled
from .changes cimport modified, put_text
from .entry cimport Entry
from .notes cimport INCRBY
from .numbers cimport LONGEST_NUMBER_BYTES, add_int64, format_int64, parse_int64
from .reads cimport entry_at, is_past
from .recording cimport stored


cdef Compiled compiled_command(bytes name):
    """Return the compiled command of this name, in capitals, or NULL."""
    if name == b"INCR":
        return incr
    if name == b"DECR":
        return decr
    if name == b"INCRBY":
        return incrby
    if name == b"DECRBY":
        return decrby
    return NULL


cdef int add(Call call, int64_t amount) except -1:
    cdef Entry entry
    cdef const char* text
    cdef Py_ssize_t size, grown_bytes
    cdef int64_t number
    cdef char shown[LONGEST_NUMBER_BYTES]
    if not call.may_put:
        return 0
    entry = entry_at(call, 1)
    if entry is None:
        size = format_int64(amount, shown)
        put_text(call, None, call.words[1], call.sizes[1], shown, size, False, INCRBY)
        call.out.integer(amount)
        return 1
    if is_past(call, entry) or not entry.has_text(&text, &size):
        return 0
    if not parse_int64(text, size, &number) or not add_int64(number, amount, &number):
        return 0
    grown_bytes = -size
    size = format_int64(number, shown)
    entry.set_text(shown, size)
    modified(call, entry, grown_bytes + size, INCRBY)
    if call.recorder is not None:
        stored(call, entry)
    call.out.integer(number)
    return 1


cdef int incr(Call call) except -1:
    return add(call, 1)


cdef int decr(Call call) except -1:
    return add(call, -1)


cdef int incrby(Call call) except -1:
    cdef int64_t amount
    if not parse_int64(call.words[2], call.sizes[2], &amount):
        return 0
    return add(call, amount)


cdef int decrby(Call call) except -1:
    cdef int64_t amount
    if not parse_int64(call.words[2], call.sizes[2], &amount) or amount == INT64_MIN:
        return 0
    return add(call, -amount)
