# Records put onto copies; see copied.pyx.
from libc.stdint cimport uint8_t, uint64_t

from .state cimport AccountState, PartState, RecorderState


cdef struct State:
    # One record, as far as it is told in bytes.
    uint64_t place, db, clock, tag, deadline_ms
    const char* key
    Py_ssize_t key_size
    const char* text
    Py_ssize_t size


cdef class StateWriter:
    cdef RecorderState recorder
    cdef AccountState account
    cdef list epochs, servers, promised, told
    cdef uint64_t databases

    cdef const uint8_t* write_usual(
        self, bytes peer, long long now_ms, const uint8_t* at, const uint8_t* end, uint64_t* count
    ) except NULL
    cdef bint is_obeyed(self, bytes peer, int partition, uint64_t epoch) except -1
    cdef bint put(self, bytes peer, long long now_ms, const State* state) except -1
    cdef int see(self, PartState part, const State* state, long long now_ms) except -1


cdef const uint8_t* begin_array(const uint8_t* at, const uint8_t* end, uint64_t* count) noexcept nogil
cdef const uint8_t* passed(const uint8_t* at, const uint8_t* end, int depth) noexcept nogil
