"""The changes of ``keyspace/database.py`` for compiled commands, while nobody has to be told of them but an eviction policy, and
listeners whom notes suffice (``notes.pyx``); ``put_text`` tells a recorder, too (``recording.pyx``).

Each function leaves the database as the method of that name does when nobody watches, records or
stamps, and no default life is set: ``Call.may_write`` says so, and whoever calls these has asked it. Sizes, numbers of
deadlines, uses and changes are counted here, and changes noted, and nowhere else in compiled code (but for the second word of a SET
with a deadline).
"""

from cpython.bytearray cimport PyByteArray_CheckExact, PyByteArray_GET_SIZE
from libc.stdint cimport int64_t

from .buckets cimport Bucket
from .calls cimport Call
from .entry cimport Entry, copy_of_parts, kill, set_value
from .entry cimport set_deadline as note_deadline
from .hash_state cimport HashState
from .recording cimport stored
from .notes cimport CREATED, DEL, DELETED, TOUCHED, UPDATED, note
from .scheduling cimport schedule


cdef enum:
    LONG_TEXT_BYTES = 32 * 1024  # from here on the parser receives a value into an object of its own, and that is stored


cdef Py_ssize_t size_of_value(Entry entry) except -1:
    cdef const char* text
    cdef Py_ssize_t size
    if entry.has_text(&text, &size):
        return size
    assert entry.value != NULL, "a dead entry is in no table"
    value = <object>entry.value
    return PyByteArray_GET_SIZE(value) if PyByteArray_CheckExact(value) else (<HashState?>value).size_bytes


cdef Entry put_text(
    Call call, Entry entry, const char* key, Py_ssize_t key_size, const char* text, Py_ssize_t text_size,
    bint keep_deadline, tuple notice
):
    """Store a string at a key, where ``entry`` stands now, or nothing; for whoever has asked ``Call.may_put``."""
    entry = place_text(call, entry, key, key_size, text, text_size, keep_deadline, notice)
    if call.recorder is not None:
        stored(call, entry)
    return entry


cdef Entry place_text(
    Call call, Entry entry, const char* key, Py_ssize_t key_size, const char* text, Py_ssize_t text_size,
    bint keep_deadline, tuple notice
):
    """Do the same, for who has more to do with the entry and records it then; ``set_deadline`` may follow."""
    cdef Py_ssize_t old_size
    cdef bytes name, value = None
    cdef int change = CREATED if entry is None else UPDATED
    if text_size >= LONG_TEXT_BYTES:
        value = call.owner_of(text)
    if entry is None:
        if value is None:
            entry = call.entries.insert_text(key, key_size, text, text_size, call.now_ms)
        else:
            name = key[:key_size]
            entry = copy_of_parts(name, value, call.now_ms)
            call.entries[name] = entry
        call.db.payload_bytes += key_size + text_size
        if call.db.follower is not None:
            call.db.follower.entry_added(entry)
    else:
        old_size = size_of_value(entry)
        if value is None:
            entry.set_text(text, text_size)
        else:
            set_value(entry, value)
        call.db.payload_bytes += text_size - old_size
        entry.seen_ms = call.now_ms
        if not keep_deadline:
            clear_deadline(call, entry)
    call.journal.changes += 1
    note(call, change, notice, key, key_size)
    return entry


cdef int put_hash(Call call, const char* key, Py_ssize_t key_size, HashState value, tuple notice) except -1:
    """Store a hash at a key where there is none yet."""
    cdef bytes name = key[:key_size]
    cdef Entry entry = copy_of_parts(name, value, call.now_ms)
    call.entries[name] = entry
    call.db.payload_bytes += key_size + value.size_bytes
    if call.db.follower is not None:
        call.db.follower.entry_added(entry)
    call.journal.changes += 1
    note(call, CREATED, notice, key, key_size)
    return 0


cdef int modified(Call call, Entry entry, Py_ssize_t grown_bytes, tuple notice) except -1:
    """Count a change that was made in place."""
    call.db.payload_bytes += grown_bytes
    entry.seen_ms = call.now_ms
    call.journal.changes += 1
    note(call, UPDATED, notice, entry.key_data(), entry.key_size())
    return 0


cdef int set_deadline(Call call, Entry entry, int64_t deadline_ms) except -1:
    """Give an entry a deadline, which lies ahead; a change of its own or part of another, for the caller to count."""
    if entry.deadline_ms() == 0:
        call.db.deadlines += 1
        if call.db.follower is not None:
            call.db.follower.deadline_set(entry)
    note_deadline(entry, deadline_ms, False)
    if entry.extra.bucket == NULL or (<Bucket>entry.extra.bucket).due_ms > deadline_ms:
        schedule(call.db.wheel, entry, deadline_ms, call.now_ms)
    return 0


cdef int clear_deadline(Call call, Entry entry) except -1:
    """Take the deadline away; the bucket finds out when it comes due. Says whether there was one."""
    if entry.deadline_ms() == 0:
        return 0
    note_deadline(entry, 0, False)
    call.db.deadlines -= 1
    return 1


cdef int remove(Call call, Entry entry) except -1:
    """Delete a living entry."""
    cdef Py_ssize_t size = entry.key_size() + size_of_value(entry)
    call.entries.remove(entry)
    call.db.payload_bytes -= size
    if entry.deadline_ms() != 0:
        call.db.deadlines -= 1
    if entry.extra != NULL and entry.extra.bucket != NULL:
        (<Bucket>entry.extra.bucket).drop(entry)
    if call.db.follower is not None:
        call.db.follower.entry_removed(entry)
    kill(entry)
    call.journal.changes += 1
    note(call, DELETED, DEL, entry.key_data(), entry.key_size())
    return 0


cdef int touched(Call call, Entry entry, tuple notice) except -1:
    """Count a change of a deadline that is a change of its own."""
    call.journal.changes += 1
    note(call, TOUCHED, notice, entry.key_data(), entry.key_size())
    return 0
