"""Records of a partition's server, put onto the copy here: ``cluster/replication/receiving.py`` and ``applying.py``, compiled.

Only what nearly every record is: the whole state of a string, from the server that we know of in the epoch that we know of, newer
than what is here. Every other record is handed to Python as it is, in its place in the order. So what is wrong, late or
rare is known there alone, and a record that is taken here leaves everything as it would leave it there.

Words are checked here as ``reading.py`` does; whatever does not look just as it is expected is not for here.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint32_t, uint64_t

from .changes cimport size_of_value
from .entry cimport Entry, key_hash, new_entry
from .entry cimport set_deadline as note_deadline
from .msgpack cimport big_endian, read_bytes, read_number
from .recording cimport set_version
from .slots cimport slot_of
from .state cimport AccountState, PartState, RecorderState, TableState, VersionsState

cdef enum:
    SLOT_BITS = 4              # as in ``keyspace/slots.py``
    PARTITIONS = 1024
    PLACE_BITS = 11            # as in ``cluster/bus/frames.py``
    COUNTER_BITS = 16          # as in ``cluster/replication/versions.py``
    FOLLOWED_MS = 3_600_000
    STRING_OF_NINE = 0x99      # a record of a string: an array of nine words, of which the first is 0
    DEEPEST = 32               # arrays in arrays; a record has two


# -- msgpack ---------------------------------------------------------------------


cdef const uint8_t* begin_array(const uint8_t* at, const uint8_t* end, uint64_t* count) noexcept nogil:
    """Read how long an array is; return where its first item begins, NULL where there is no array."""
    cdef int size
    if at == NULL or at >= end or not (0x90 <= at[0] <= 0x9F or at[0] == 0xDC or at[0] == 0xDD):
        return NULL
    size = 0 if at[0] <= 0x9F else 2 if at[0] == 0xDC else 4
    if end - at <= size:
        return NULL
    count[0] = at[0] & 0xF if size == 0 else big_endian(at + 1, size)
    return at + 1 + size


cdef const uint8_t* passed(const uint8_t* at, const uint8_t* end, int depth) noexcept nogil:
    """Return what follows a word of any kind that nodes send; NULL where it is none of these."""
    cdef Py_ssize_t size = 0
    cdef uint64_t items = 0
    cdef uint8_t kind
    if at == NULL or at >= end or depth > DEEPEST:
        return NULL
    kind = at[0]
    if kind < 0x80 or kind >= 0xE0 or kind == 0xC0 or kind == 0xC2 or kind == 0xC3:
        return at + 1
    if 0xC4 <= kind <= 0xC6 or 0xD9 <= kind <= 0xDB:  # bytes, text
        size = 1 << (kind - (0xC4 if kind <= 0xC6 else 0xD9))
        if end - at <= size:
            return NULL
        size += <Py_ssize_t>big_endian(at + 1, <int>size)
    elif 0xCC <= kind <= 0xD3:  # numbers
        size = 1 << ((kind - 0xCC) & 3)
    elif 0xA0 <= kind <= 0xBF:
        size = kind & 0x1F
    elif 0x90 <= kind <= 0x9F or kind == 0xDC or kind == 0xDD:
        size = 0 if kind <= 0x9F else 2 if kind == 0xDC else 4
        if end - at <= size:
            return NULL
        items = kind & 0xF if size == 0 else big_endian(at + 1, <int>size)
        at += 1 + size
        while items and at != NULL:
            at = passed(at, end, depth + 1)
            items -= 1
        return at
    else:
        return NULL
    return NULL if end - at <= size else at + 1 + size


cdef const uint8_t* read_state(const uint8_t* at, const uint8_t* end, State* state) noexcept nogil:
    """Read the record of a string's whole state; return what follows, NULL where it is no such record."""
    if end - at < 2 or at[0] != STRING_OF_NINE or at[1] != 0:
        return NULL
    at = read_number(at + 2, end, &state.place)
    at = read_number(at, end, &state.db)
    at = read_bytes(at, end, &state.key, &state.key_size)
    at = read_number(at, end, &state.clock)
    at = read_number(at, end, &state.tag)
    at = read_number(at, end, &state.deadline_ms)
    at = read_bytes(at, end, &state.text, &state.size)
    if at == NULL or at >= end or at[0] != 0xC2:  # what is raw is Python's
        return NULL
    return at + 1


# -- records ---------------------------------------------------------------------


cdef class StateWriter:
    """Writes onto the copies of one node; what it needs of epochs are lists by partition."""

    def __init__(self, RecorderState recorder not None, AccountState account not None, epochs, int databases):
        self.recorder, self.account, self.databases = recorder, account, databases
        self.epochs, self.servers = epochs.epochs, epochs.servers
        self.promised, self.told = epochs.promised, epochs.told

    def write(self, bytes peer not None, long long now_ms, const uint8_t[:] records not None, do):
        """Do what an array of records says, in order; ``do`` is called with the bytes of each that is not for here.

        Says True: all of it is done. Raises ValueError where it is no such array.
        """
        cdef const uint8_t* at = &records[0] if records.shape[0] else NULL
        cdef const uint8_t* end = at + records.shape[0]
        cdef const uint8_t* after
        cdef uint64_t count
        at = begin_array(at, end, &count)
        if at == NULL:
            raise ValueError("no array of records")
        while count:
            at = self.write_usual(peer, now_ms, at, end, &count)
            if count:
                after = passed(at, end, 0)
                if after == NULL:
                    raise ValueError("a record that is none")
                do(PyBytes_FromStringAndSize(<const char*>at, after - at))
                at = after
                count -= 1
        return True

    cdef const uint8_t* write_usual(
        self, bytes peer, long long now_ms, const uint8_t* at, const uint8_t* end, uint64_t* count
    ) except NULL:
        """Do what the next records say, up to one that is not for here; return where that begins, and how many are left."""
        cdef const uint8_t* after
        cdef State state
        while count[0]:
            after = read_state(at, end, &state)
            if after == NULL or not self.put(peer, now_ms, &state):
                return at
            at = after
            count[0] -= 1
        return at

    cdef bint is_obeyed(self, bytes peer, int partition, uint64_t epoch) except -1:
        """Say whether a node is the server that we know of; everything else takes a closer look."""
        cdef object number = epoch
        return (
            self.epochs[partition] == number
            and self.told[partition] == number
            and self.promised[partition] <= number
            and self.servers[partition] == peer
        )

    cdef bint put(self, bytes peer, long long now_ms, const State* state) except -1:
        """Put a state onto its copy; False: nothing was done, and Python is to look at it."""
        cdef int partition = <int>(state.place & ((1 << PLACE_BITS) - 1))
        cdef PartState part
        cdef TableState table
        cdef Entry entry
        cdef bytes key
        if (
            partition >= PARTITIONS
            or state.db >= self.databases
            or state.clock == 0
            or state.clock > <uint64_t>INT64_MAX
            or state.tag > 0xFFFFFFFF
            or state.deadline_ms > <uint64_t>INT64_MAX
            or slot_of(state.key, state.key_size) >> SLOT_BITS != partition
            or not self.is_obeyed(peer, partition, state.place >> PLACE_BITS)
        ):
            return False
        part = <PartState?>self.recorder.parts[partition]
        table = part.tables.get(state.db)
        if part.is_served or table is None:
            return False
        key = state.key[:state.key_size]
        entry = table.entries.get(key)
        if entry is None:
            if table.tombstones or table.flushed:
                return False
            entry = new_entry(state.key, state.key_size, key_hash(state.key, state.key_size), state.size, now_ms)
            entry.set_text(state.text, state.size)
            table.entries[key] = entry
            self.account.entries += 1
            self.account.payload_bytes += state.key_size + state.size
        else:
            if not is_newer(state, entry):
                return False
            self.account.payload_bytes += state.size - size_of_value(entry)
            entry.set_text(state.text, state.size)
        note_deadline(entry, <int64_t>state.deadline_ms, False)
        self.see(part, state, now_ms)
        set_version(part, table, entry, state.clock, <uint32_t>state.tag)
        return True

    cdef int see(self, PartState part, const State* state, long long now_ms) except -1:
        """Let our own versions be later than one that is the latest of its partition, as ``HybridClock.see`` does."""
        cdef VersionsState versions = self.recorder.clock
        if state.clock < part.latest_clock or (state.clock == part.latest_clock and state.tag <= part.latest_tag):
            return 0
        if state.clock < versions.last or (state.clock == versions.last and state.tag <= versions.tag):
            return 0
        if <int64_t>(state.clock >> COUNTER_BITS) <= now_ms + FOLLOWED_MS:
            versions.last = state.clock
        return 0


cdef inline bint is_newer(const State* state, Entry entry) noexcept:
    cdef uint64_t clock = 0 if entry.extra is NULL else entry.extra.version_high
    cdef uint32_t tag = 0 if entry.extra is NULL else entry.extra.version_low
    return state.clock > clock or (state.clock == clock and state.tag > tag)
