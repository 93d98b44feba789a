"""What the values of each table's entries take beyond their length, kept right by whoever changes a value.

Blocks are rounded up, values leave room behind, and those that stand beside their entry have a header. Somebody changes a value
without the table at hand, and an entry has two bytes to spare: not enough to point at its table, but
for the number of a ledger. The first number is nobody's: an entry in no table has it.
"""

from libc.stdint cimport UINT16_MAX, int64_t, uint8_t, uint16_t
from libc.stdlib cimport realloc
from libc.string cimport memset

cdef enum:
    FEW_LEDGERS = 64

slacks = NULL
cdef size_t _ledgers = 0
cdef uint8_t* _is_open = NULL


cdef uint16_t open_ledger() except 0:
    """Begin a ledger at zero."""
    global slacks, _ledgers, _is_open
    cdef size_t number, wanted
    cdef void* block
    for number in range(1, _ledgers):
        if not _is_open[number]:
            break
    else:
        number = _ledgers if _ledgers else 1
        wanted = 2 * number + FEW_LEDGERS
        if number > UINT16_MAX:
            raise MemoryError("too many tables of entries")
        block = realloc(slacks, wanted * sizeof(int64_t))
        if block is NULL:
            raise MemoryError
        slacks = <int64_t*>block
        block = realloc(_is_open, wanted * sizeof(uint8_t))
        if block is NULL:
            raise MemoryError
        _is_open = <uint8_t*>block
        memset(_is_open + _ledgers, 0, (wanted - _ledgers) * sizeof(uint8_t))
        _ledgers = wanted
    slacks[number] = 0
    _is_open[number] = True
    return <uint16_t>number


cdef void close_ledger(uint16_t ledger) noexcept:
    """Let somebody else have it; no entry may stand in it any more."""
    _is_open[ledger] = False
