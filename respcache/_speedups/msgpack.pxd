# Numbers and bytes as msgpack writes them: what both ends of a stream of records need.
from libc.stdint cimport UINT32_MAX, uint8_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    LONGEST_NUMBER = 9         # bytes of one


cdef inline void put_length(char* to, uint64_t number) noexcept nogil:
    # Write a number in four bytes.
    to[0], to[1], to[2], to[3] = <char>(number >> 24), <char>(number >> 16), <char>(number >> 8), <char>number


cdef inline char* put_number(char* to, uint64_t number) noexcept nogil:
    """Write a number in as few bytes as msgpack needs; return what follows."""
    cdef int size, at
    if number < 0x80:
        to[0] = <char>number
        return to + 1
    if number < 0x100:
        to[0], size = <char>0xCC, 1
    elif number < 0x10000:
        to[0], size = <char>0xCD, 2
    elif number <= UINT32_MAX:
        to[0], size = <char>0xCE, 4
    else:
        to[0], size = <char>0xCF, 8
    for at in range(size, 0, -1):
        to[at] = <char>(number & 0xFF)
        number >>= 8
    return to + 1 + size


cdef inline char* put_bytes(char* to, const char* data, Py_ssize_t size) noexcept nogil:
    cdef int width = 1 if size < 0x100 else 2 if size < 0x10000 else 4
    cdef int at
    cdef Py_ssize_t rest = size
    to[0] = <char>(0xC4 if width == 1 else 0xC5 if width == 2 else 0xC6)
    for at in range(width, 0, -1):
        to[at] = <char>(rest & 0xFF)
        rest >>= 8
    memcpy(to + 1 + width, data, size)
    return to + 1 + width + size


cdef inline uint64_t big_endian(const uint8_t* at, int size) noexcept nogil:
    cdef uint64_t number = 0
    cdef int byte
    for byte in range(size):
        number = number << 8 | at[byte]
    return number


cdef inline const uint8_t* read_number(const uint8_t* at, const uint8_t* end, uint64_t* number) noexcept nogil:
    """Read a number that is not below 0; return what follows, NULL where there is none."""
    cdef int size
    if at == NULL or at >= end:
        return NULL
    if at[0] < 0x80:
        number[0] = at[0]
        return at + 1
    if not 0xCC <= at[0] <= 0xCF:
        return NULL
    size = 1 << (at[0] - 0xCC)
    if end - at <= size:
        return NULL
    number[0] = big_endian(at + 1, size)
    return at + 1 + size


cdef inline const uint8_t* read_bytes(
    const uint8_t* at, const uint8_t* end, const char** data, Py_ssize_t* size
) noexcept nogil:
    """Find bytes; return what follows, NULL where there are none."""
    cdef int width
    cdef Py_ssize_t length
    if at == NULL or at >= end or not 0xC4 <= at[0] <= 0xC6:
        return NULL
    width = 1 << (at[0] - 0xC4)
    if end - at <= width:
        return NULL
    length = <Py_ssize_t>big_endian(at + 1, width)
    at += 1 + width
    if end - at < length:
        return NULL
    data[0], size[0] = <const char*>at, length
    return at + length
