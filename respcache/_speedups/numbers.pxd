# Integers as clients write them and as Redis shows them; see numbers.pyx.
from libc.stdint cimport int64_t

cdef enum:
    LONGEST_NUMBER_BYTES = 20  # "-9223372036854775808"

cdef bint parse_int64(const char* text, Py_ssize_t size, int64_t* number) noexcept nogil
cdef Py_ssize_t format_int64(int64_t number, char* room) noexcept nogil
cdef bint add_int64(int64_t one, int64_t other, int64_t* total) noexcept nogil
