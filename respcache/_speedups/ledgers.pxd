# Figures that tables and their entries share; see ledgers.pyx.
from libc.stdint cimport int64_t, uint16_t

cdef int64_t* slacks  # by ledger; it moves when one is opened
cdef uint16_t open_ledger() except 0
cdef void close_ledger(uint16_t ledger) noexcept
