"""Integers of 64 bits in clients' words, as strictly as Redis reads them, and as Redis writes them.

The same grammar as ``commands/numbers.py``: one spelling for each number, so no plus sign, spaces, leading
zeros, ``-0`` or underscores. Needs neither Python objects nor errors: the caller knows what a refusal means.
"""

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint64_t

cdef enum:
    MOST_DIGITS = 19  # of a number within 64 bits; so many never overflow the unsigned sum below


cdef bint parse_int64(const char* text, Py_ssize_t size, int64_t* number) noexcept nogil:
    """Read all of ``text`` as one integer; say whether it is one, and fits."""
    cdef bint is_negative
    cdef Py_ssize_t at
    cdef uint64_t total
    cdef unsigned char digit
    if size <= 0:
        return False
    is_negative = text[0] == c"-"
    at = 1 if is_negative else 0
    if at == size or size - at > MOST_DIGITS:
        return False
    if text[at] == c"0":
        number[0] = 0
        return size == 1
    total = 0
    while at < size:
        digit = <unsigned char>text[at] - 48  # below "0" it wraps round to more than 9
        if digit > 9:
            return False
        total = total * 10 + digit
        at += 1
    if is_negative:
        if total > <uint64_t>1 << 63:
            return False
        number[0] = <int64_t>(0 - total)
        return True
    if total > (<uint64_t>1 << 63) - 1:
        return False
    number[0] = <int64_t>total
    return True


cdef Py_ssize_t format_int64(int64_t number, char* room) noexcept nogil:
    """Write ``number`` to ``room``, which has LONGEST_NUMBER_BYTES; return how many bytes that took."""
    cdef char digits[LONGEST_NUMBER_BYTES]  # backwards
    cdef uint64_t rest = <uint64_t>number
    cdef Py_ssize_t count = 0
    cdef Py_ssize_t at = 0
    if number < 0:
        rest = 0 - rest
        room[0] = c"-"
        at = 1
    while True:
        digits[count] = <char>(48 + rest % 10)
        count += 1
        rest //= 10
        if rest == 0:
            break
    while count > 0:
        count -= 1
        room[at] = digits[count]
        at += 1
    return at


cdef bint add_int64(int64_t one, int64_t other, int64_t* total) noexcept nogil:
    """Add; say whether the sum fits, and else leave ``total`` alone."""
    if (one > INT64_MAX - other) if other > 0 else (one < INT64_MIN - other):
        return False
    total[0] = one + other
    return True


def parse_integer_text(bytes text not None):
    """Return the integer that ``text`` is, None if it is none."""
    cdef int64_t number
    return number if parse_int64(text, len(text), &number) else None


def format_integer(int64_t number):
    """Return the text of an integer."""
    cdef char room[LONGEST_NUMBER_BYTES]
    return room[:format_int64(number, room)]


def add_integers(int64_t one, int64_t other):
    """Return the sum, None if it does not fit."""
    cdef int64_t total
    return total if add_int64(one, other, &total) else None
