# Putting entries into the expiry wheel; see scheduling.pyx.
from libc.stdint cimport int64_t

from .entry cimport Entry

cdef int64_t due_of(int64_t deadline_ms, int64_t now_ms) noexcept nogil
cdef int schedule(object wheel, Entry entry, int64_t deadline_ms, int64_t now_ms) except -1
