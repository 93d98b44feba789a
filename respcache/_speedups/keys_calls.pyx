"""Commands for keys of any type, compiled: DEL, EXISTS and their kin; see ``commands/keys.py``.

Lives are in ``deadlines_calls.pyx``, what needs no key at all is in ``connection_calls.pyx``. Only TYPE declines a
key past its deadline: the others may name many, and let such a key die where the Python handler would.
"""

from .calls cimport Call, Compiled
from .changes cimport remove
from .connection_calls cimport compiled_command as compiled_connection_command
from .deadlines_calls cimport compiled_command as compiled_deadline_command
from .entry cimport Entry
from .reads cimport entry_at, is_past, is_text, live_entry, note_miss


cdef Compiled compiled_command(bytes name):
    """Return the compiled command of this name, in capitals, or NULL."""
    cdef Compiled found
    if name == b"DEL" or name == b"UNLINK":
        return del_
    if name == b"EXISTS":
        return exists
    if name == b"TOUCH":
        return touch
    if name == b"TYPE":
        return type_
    found = compiled_deadline_command(name)
    return found if found != NULL else compiled_connection_command(name)


cdef int del_(Call call) except -1:
    cdef Entry entry
    cdef int word
    cdef int removed = 0
    if not call.may_write:
        return 0
    for word in range(1, call.argc):
        entry = live_entry(call, word)
        if entry is not None:
            remove(call, entry)
            removed += 1
    call.out.integer(removed)
    return 1


cdef int count_living(Call call, bint are_used) except -1:
    """Do what EXISTS and TOUCH do; only the latter is a use of the keys."""
    cdef Entry entry
    cdef int word
    cdef int found = 0
    if not call.may_read:
        return 0
    for word in range(1, call.argc):
        entry = live_entry(call, word)
        if entry is not None:
            found += 1
            if are_used:
                entry.seen_ms = call.now_ms
    call.statistics.keyspace_hits += found
    call.statistics.keyspace_misses += call.argc - 1 - found
    call.out.integer(found)
    return 1


cdef int exists(Call call) except -1:
    return count_living(call, False)


cdef int touch(Call call) except -1:
    return count_living(call, True)


cdef int type_(Call call) except -1:
    cdef Entry entry
    if not call.may_read:
        return 0
    entry = entry_at(call, 1)
    if entry is None:
        note_miss(call)
        call.out.raw(b"+none\r\n", 7)
        return 1
    if is_past(call, entry) or not is_text(entry):
        return 0
    call.statistics.keyspace_hits += 1
    call.out.raw(b"+string\r\n", 9)
    return 1
