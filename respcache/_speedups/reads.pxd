# Finding and answering what stands at a key; see reads.pyx.
from .calls cimport Call
from .entry cimport Entry


cdef Entry entry_at(Call call, int word)
cdef Entry live_entry(Call call, int word)
cdef bint is_past(Call call, Entry entry) noexcept
cdef bint is_text(Entry entry) noexcept
cdef int note_read(Call call, Entry entry) except -1
cdef int note_miss(Call call) except -1
cdef int answer_miss(Call call) except -1
cdef int answer_value(Call call, Entry entry) except -1
