# Entries by position and by key, as entries.pyx keeps them; see places.pyx.
from cpython.object cimport PyObject
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint32_t

cdef enum:
    LINE_PLACES = 12
    CHUNK_BITS = 10
    CHUNK_ENTRIES = 1024


cdef struct Line:
    # One cache line of the index.
    uint8_t tags[LINE_PLACES]    # eight bits of the hash, never 0; 0: free
    uint32_t passed              # how many that would have stood here, or before, stand further on
    uint32_t places[LINE_PLACES]


cdef struct Segment:
    # As long as a line; its lines follow.
    uint32_t lines
    uint32_t count
    uint32_t depth               # how many low bits of the hash all of its entries share
    uint32_t unused[13]


cdef struct Places:
    Segment** directory          # by the low bits of the hash; NULL while there was never an entry
    PyObject*** chunks           # entries by position, CHUNK_ENTRIES in each
    size_t chunks_room           # how many chunks fit into ``chunks``
    size_t chunks_made
    uint32_t depth               # how many bits of the hash choose in the directory
    uint32_t count               # of entries


cdef inline PyObject* entry_at(const Places* places, size_t place) noexcept:
    return places.chunks[place >> CHUNK_BITS][place & (CHUNK_ENTRIES - 1)]


cdef int64_t find(const Places* places, uint32_t hash, const char* key, Py_ssize_t size) noexcept
cdef int append(Places* places, PyObject* entry) except -1
cdef void replace(Places* places, uint32_t place, PyObject* entry) noexcept
cdef void take(Places* places, uint32_t place) noexcept
cdef void dismantle(Places* places) noexcept
cdef size_t bytes_of(const Places* places) noexcept
