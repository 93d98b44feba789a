# Versions and records of compiled writes; see recording.pyx.
from libc.stdint cimport uint32_t, uint64_t

from .calls cimport Call
from .entry cimport Entry
from .state cimport PartState, TableState, VersionsState


cdef uint64_t next_clock(VersionsState versions, long long now_ms, uint64_t old_clock, uint32_t old_tag) noexcept
cdef int set_version(PartState part, TableState table, Entry entry, uint64_t clock, uint32_t tag) except -1
cdef int stored(Call call, Entry entry) except -1
