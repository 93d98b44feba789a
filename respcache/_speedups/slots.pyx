"""Which of the 16384 slots a key is in: CRC-16 (XMODEM) of the key, or of what stands between its first braces.

As ``keyspace/slots.py``, which is what the tests compare it with.
"""

from libc.string cimport memchr

cdef unsigned short TABLE[256]

for _byte in range(256):
    _crc = _byte << 8
    for _ in range(8):
        _crc = (_crc << 1) ^ 0x1021 if _crc & 0x8000 else _crc << 1
    TABLE[_byte] = _crc & 0xFFFF


cdef int slot_of(const char* key, Py_ssize_t size) noexcept nogil:
    cdef const char* opens = <const char*>memchr(key, c"{", size)
    cdef const char* closes
    cdef unsigned short crc = 0
    cdef Py_ssize_t at
    if opens != NULL:
        closes = <const char*>memchr(opens + 1, c"}", size - (opens + 1 - key))
        if closes != NULL and closes != opens + 1:
            key, size = opens + 1, closes - opens - 1
    for at in range(size):
        crc = <unsigned short>(crc << 8) ^ TABLE[((crc >> 8) ^ <unsigned char>key[at]) & 0xFF]
    return crc & 0x3FFF


def key_slot(const unsigned char[:] key not None):
    """Return the slot of a key."""
    if not key.shape[0]:
        return 0
    return slot_of(<const char*>&key[0], key.shape[0])
