# The question of ``server/memory_guard.py`` before a compiled command, while it needs no counting.
from .state cimport GuardState


cdef enum:
    # As there.
    BYTES_PER_COMMAND = 256
    BYTES_PER_WORD = 64


cdef inline long long cost_bytes(int argc, const Py_ssize_t* sizes) noexcept:
    # What a guard reckons that a command's words may take.
    cdef long long cost = BYTES_PER_COMMAND + BYTES_PER_WORD * <long long>argc
    cdef int at
    for at in range(argc):
        cost += sizes[at]
    return cost


cdef inline bint may_pass(GuardState guard, long long cost) noexcept:
    # Whether a guard lets such a command pass without a look.
    return guard.uncounted > 0 and cost <= guard.credit_bytes


cdef inline int note_passed(GuardState guard, long long cost) except -1:
    guard.uncounted -= 1
    guard.credit_bytes -= cost
    return 0
