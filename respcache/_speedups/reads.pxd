# Finding and answering what stands at a key; see reads.pyx. What every command calls is inline: a call into another module
# costs as much as most of these.
from libc.stdint cimport int64_t

from .calls cimport Call
from .entry cimport Entry


cdef inline Entry entry_at(Call call, int word):
    """Return what stands at the key that is this word, past its deadline or not."""
    if word == 1 and call.found is not None:
        return call.found
    return call.entries.look_up(call.words[word], call.sizes[word])


cdef inline bint is_past(Call call, Entry entry) noexcept:
    """Say whether an entry is only waiting to be found expired."""
    return entry.extra != NULL and entry.extra.deadline_ms != 0 and entry.extra.deadline_ms <= call.now_ms


cdef inline bint is_text(Entry entry) noexcept:
    """Say whether the value is a string, and none that is changed in place."""
    cdef const char* text
    cdef Py_ssize_t size
    return entry.has_text(&text, &size)


cdef inline void note_read(Call call, Entry entry) noexcept:
    """Count a hit, and note the use."""
    call.statistics.keyspace_hits += 1
    entry.seen_ms = call.now_ms


cdef inline void note_miss(Call call) noexcept:
    call.statistics.keyspace_misses += 1


cdef Entry live_entry(Call call, int word)
cdef int answer_miss(Call call) except -1
cdef int answer_value(Call call, Entry entry) except -1
