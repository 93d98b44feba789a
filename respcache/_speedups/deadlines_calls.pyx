"""How long keys live, compiled: EXPIRE, TTL and their kin; see ``commands/expiry.py``.

Declined are words that are errors and keys past their deadline. A deadline that has passed deletes the key, as there.
"""

from libc.stdint cimport INT64_MAX, int64_t

from .calls cimport Call, Compiled
from .changes cimport clear_deadline, remove, set_deadline, touched
from .entry cimport Entry
from .notes cimport EXPIRE, PERSIST
from .numbers cimport parse_int64
from .reads cimport entry_at, is_past, note_miss
from .words cimport is_word

cdef enum:
    NO_KEY = -2
    NO_DEADLINE = -1


cdef struct Conditions:
    bint only_first   # NX
    bint only_another # XX
    bint only_later   # GT
    bint only_earlier # LT


cdef Compiled compiled_command(bytes name):
    """Return the compiled command of this name, in capitals, or NULL."""
    if name == b"EXPIRE":
        return expire
    if name == b"PEXPIRE":
        return pexpire
    if name == b"EXPIREAT":
        return expireat
    if name == b"PEXPIREAT":
        return pexpireat
    if name == b"PERSIST":
        return persist
    if name == b"TTL":
        return ttl
    if name == b"PTTL":
        return pttl
    if name == b"EXPIRETIME":
        return expiretime
    if name == b"PEXPIRETIME":
        return pexpiretime
    return NULL


# -- setting -------------------------------------------------------------------


cdef bint parse_conditions(Call call, Conditions* conditions) noexcept:
    """Read EXPIRE's conditions; false where they are errors."""
    cdef int at
    cdef const char* word
    cdef Py_ssize_t size
    conditions.only_first = conditions.only_another = conditions.only_later = conditions.only_earlier = False
    for at in range(3, call.argc):
        word, size = call.words[at], call.sizes[at]
        if is_word(word, size, b"NX", 2):
            conditions.only_first = True
        elif is_word(word, size, b"XX", 2):
            conditions.only_another = True
        elif is_word(word, size, b"GT", 2):
            conditions.only_later = True
        elif is_word(word, size, b"LT", 2):
            conditions.only_earlier = True
        else:
            return False
    if conditions.only_first:
        return not (conditions.only_another or conditions.only_later or conditions.only_earlier)
    return not (conditions.only_later and conditions.only_earlier)


cdef bint are_met(Conditions* conditions, int64_t old_ms, int64_t new_ms) noexcept:
    """Say whether all conditions let a deadline replace the old one; none at all (0) is later than any."""
    if old_ms == 0:
        return not (conditions.only_another or conditions.only_later)
    return not (
        conditions.only_first
        or (conditions.only_later and new_ms <= old_ms)
        or (conditions.only_earlier and new_ms >= old_ms)
    )


cdef int change_deadline(Call call, int64_t unit_ms, int64_t base_ms) except -1:
    """Do what all four commands do."""
    cdef Entry entry
    cdef Conditions conditions
    cdef int64_t time
    if not call.may_write or not parse_conditions(call, &conditions):
        return 0
    if not parse_int64(call.words[2], call.sizes[2], &time):
        return 0
    if time > (INT64_MAX - base_ms) // unit_ms or time < -(INT64_MAX // unit_ms):
        return 0
    time = time * unit_ms + base_ms
    entry = entry_at(call, 1)
    if entry is None:
        call.out.integer(0)
        return 1
    if is_past(call, entry):
        return 0
    if not are_met(&conditions, entry.deadline_ms(), time):
        call.out.integer(0)
        return 1
    if time <= call.now_ms:
        remove(call, entry)
    else:
        set_deadline(call, entry, time)
        touched(call, entry, EXPIRE)
    call.out.integer(1)
    return 1


cdef int expire(Call call) except -1:
    return change_deadline(call, 1000, call.now_ms)


cdef int pexpire(Call call) except -1:
    return change_deadline(call, 1, call.now_ms)


cdef int expireat(Call call) except -1:
    return change_deadline(call, 1000, 0)


cdef int pexpireat(Call call) except -1:
    return change_deadline(call, 1, 0)


cdef int persist(Call call) except -1:
    cdef Entry entry
    if not call.may_write:
        return 0
    entry = entry_at(call, 1)
    if entry is None or entry.deadline_ms() == 0:
        call.out.integer(0)
        return 1
    if is_past(call, entry):
        return 0
    clear_deadline(call, entry)
    touched(call, entry, PERSIST)
    call.out.integer(1)
    return 1


# -- asking --------------------------------------------------------------------


cdef int answer_deadline(Call call, int64_t unit_ms, int64_t base_ms) except -1:
    """Answer how long after ``base_ms`` a key dies, rounded to the nearest unit."""
    cdef Entry entry
    cdef int64_t deadline_ms
    if not call.may_read:
        return 0
    entry = entry_at(call, 1)
    if entry is None:
        note_miss(call)
        call.out.integer(NO_KEY)
        return 1
    if is_past(call, entry):
        return 0
    call.statistics.keyspace_hits += 1
    deadline_ms = entry.deadline_ms()
    if deadline_ms == 0:
        call.out.integer(NO_DEADLINE)
    elif unit_ms == 1:
        call.out.integer(deadline_ms - base_ms)
    else:
        # Quotient and remainder: to add half a unit first may overflow.
        deadline_ms -= base_ms
        call.out.integer(deadline_ms // unit_ms + (deadline_ms % unit_ms >= unit_ms // 2))
    return 1


cdef int ttl(Call call) except -1:
    return answer_deadline(call, 1000, call.now_ms)


cdef int pttl(Call call) except -1:
    return answer_deadline(call, 1, call.now_ms)


cdef int expiretime(Call call) except -1:
    return answer_deadline(call, 1000, 0)


cdef int pexpiretime(Call call) except -1:
    return answer_deadline(call, 1, 0)
