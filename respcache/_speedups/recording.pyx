"""Versions and records of what compiled commands store: ``Recorder.stored``, for strings where nothing is unusual.

A record is encoded once, as msgpack, and every follower gets the same bytes. It says what stands there now, so it is made
when all of a change is made, its deadline included. What is unusual (the first key of a partition, deletions that are remembered, a
clock that is behind, a follower that is no stream) is done by the recorder itself.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.list cimport PyList_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from .calls cimport Call
from .entry cimport DEFAULT_DEADLINE, Entry, need_extra
from .msgpack cimport LONGEST_NUMBER, put_bytes, put_number
from .slots cimport slot_of
from .state cimport (
    PartState,
    RecorderState,
    StreamState,
    TableState,
    VersionsState,
    difference_of,
    square_of,
    sum_of,
)

cdef enum:
    SLOT_BITS = 4             # as in ``keyspace/slots.py``
    COUNTER_BITS = 16         # as in ``cluster/replication/versions.py``
    MOST_RECORDS = 4095       # less than ``cluster/replication/stream.py`` makes a frame of before the turn ends
    STRING = 0                # as in ``cluster/replication/records.py``
    WORDS = 9
    LONGEST_HEADER = 5        # bytes before those of a string


# -- versions --------------------------------------------------------------------


cdef uint64_t next_clock(VersionsState versions, long long now_ms, uint64_t old_clock, uint32_t old_tag) noexcept:
    """Return the clock of a version above all that were given and above an old one; 0 where ``HybridClock`` itself must."""
    cdef uint64_t clock
    if now_ms > versions.read_ms:
        versions.read_ms = now_ms
        if <uint64_t>now_ms << COUNTER_BITS > versions.last:
            versions.last = <uint64_t>now_ms << COUNTER_BITS
    clock = versions.last + 1
    if clock < old_clock or (clock == old_clock and versions.tag <= old_tag):
        return 0
    versions.last = clock
    return clock


cdef int set_version(PartState part, TableState table, Entry entry, uint64_t clock, uint32_t tag) except -1:
    """Give an entry of a table a version, and note that in the sums of both."""
    need_extra(entry)
    if entry.extra.version_high or entry.extra.version_low:
        table.squares = difference_of(table.squares, square_of(entry.extra.version_high, entry.extra.version_low))
    table.squares = sum_of(table.squares, square_of(clock, tag))
    entry.extra.version_high = clock
    entry.extra.version_low = tag
    if clock > part.latest_clock or (clock == part.latest_clock and tag > part.latest_tag):
        part.latest_clock, part.latest_tag = clock, tag
    return 0


# -- records ---------------------------------------------------------------------


cdef bytes string_record(uint64_t place, int db, Entry entry, const char* text, Py_ssize_t size):
    """Return the record of a string's whole state."""
    cdef char head[2 * LONGEST_NUMBER + 2]
    cdef char middle[3 * LONGEST_NUMBER]
    cdef char* head_end = head + 2
    cdef char* middle_end
    cdef char* to
    cdef int64_t deadline_ms = entry.deadline_ms()
    cdef Py_ssize_t total, key_size = entry.key_size()
    cdef bytes wire
    head[0], head[1] = <char>(0x90 | WORDS), STRING
    head_end = put_number(put_number(head_end, place), db)
    middle_end = put_number(put_number(middle, entry.extra.version_high), entry.extra.version_low)
    middle_end = put_number(middle_end, <uint64_t>deadline_ms)
    total = (head_end - head) + header_size(key_size) + key_size + (middle_end - middle) + header_size(size) + size + 1
    wire = PyBytes_FromStringAndSize(NULL, total)
    to = PyBytes_AS_STRING(wire)
    memcpy(to, head, head_end - head)
    to = put_bytes(to + (head_end - head), entry.key_data(), key_size)
    memcpy(to, middle, middle_end - middle)
    to = put_bytes(to + (middle_end - middle), text, size)
    to[0] = <char>0xC2  # it is not raw
    return wire


cdef inline Py_ssize_t header_size(Py_ssize_t size) noexcept nogil:
    return 2 if size < 0x100 else 3 if size < 0x10000 else LONGEST_HEADER


# -- what was stored ---------------------------------------------------------------


cdef int stored(Call call, Entry entry) except -1:
    """Give a version to an entry whose value has just been stored, and tell its followers; ``Call.recorder`` is there."""
    cdef RecorderState recorder = call.recorder
    cdef int p = slot_of(entry.key_data(), entry.key_size()) >> SLOT_BITS
    cdef PartState part = <PartState?>recorder.parts[p]
    cdef TableState table
    cdef tuple route = <tuple?>recorder.routes[p]
    cdef const char* text
    cdef Py_ssize_t size
    cdef uint64_t clock
    cdef bint is_new = entry.extra is NULL or not (entry.extra.version_high or entry.extra.version_low)
    table = part.tables.get(call.db.index)
    if (
        not part.is_served
        or table is None
        or (is_new and (table.tombstones or table.flushed))
        or not entry.has_text(&text, &size)
        or entry.flags & DEFAULT_DEADLINE
        or not are_streams(route)
    ):
        return store_in_full(call, entry)
    clock = next_clock(
        recorder.clock, call.now_ms, 0 if is_new else entry.extra.version_high, 0 if is_new else entry.extra.version_low
    )
    if clock == 0:
        return store_in_full(call, entry)
    if is_new:
        table.entries[entry.key] = entry
    set_version(part, table, entry, clock, recorder.clock.tag)
    call.has_recorded = True
    if route:
        tell(route, string_record(recorder.places[p], call.db.index, entry, text, size))
        call.has_called = True  # what was told is to leave when the turn ends
    return 0


cdef bint are_streams(tuple route) except -1:
    for follower in route:
        if not isinstance(follower, StreamState):
            return False
    return True


cdef int tell(tuple route, bytes wire) except -1:
    """Add a record to each stream."""
    cdef list records
    for follower in route:
        records = (<StreamState>follower).records
        if 0 < PyList_GET_SIZE(records) < MOST_RECORDS:
            records.append(wire)
        else:
            follower.add_wire(wire)  # asks for a turn's end, or makes a frame
    return 0


cdef int store_in_full(Call call, Entry entry) except -1:
    """Let the recorder do it."""
    cdef list written = call.recorder.written
    cdef Py_ssize_t before = len(written)
    call.recorder.stored(call.db.index, entry)
    if len(written) > before:
        del written[before:]  # the loop knows the partition
        call.has_recorded = True
    call.has_called = True
    return 0
