"""Frames of a stream to another node, made and confirmed: ``cluster/replication/stream.py``, where nothing is unusual.

That is one frame for each turn, of records alone, which is acknowledged before it is missed. Full copies, answers of operations, frames that are
too large, and nodes that lag are for Python, which finds everything as it would have left it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_SIZE
from libc.string cimport memcpy

from .msgpack cimport LONGEST_NUMBER, put_length, put_number
from .state cimport PaceState, Sealed, StreamState

cdef enum:
    # As in ``cluster/replication/stream.py`` and ``records.py``.
    FRAME_BYTES = 1 << 18
    FLIGHT_BYTES = 8 << 20
    EFFECTS = 0x45             # E
    FOUR_WORDS = 0x94
    MANY = 0xDD                # an array, its length in four bytes
    NOTHING = 0x90             # an empty array
    HEAD = 2 + 2 * LONGEST_NUMBER + 5

cdef double KNOWN_S = 60.0  # as in ``cluster/replication/pace.py``


cdef bytes effects_frame(StreamState stream, list records):
    """Return the frame of the next number with these records; None where it would be too large for one."""
    cdef char head[HEAD]
    cdef char* to = put_number(put_number(head + 2, stream.generation), stream.sequence + 1)
    cdef Py_ssize_t size
    cdef bytes record, wire
    head[0], head[1], to[0] = EFFECTS, <char>FOUR_WORDS, <char>MANY
    put_length(to + 1, PyList_GET_SIZE(records))
    size = to + 5 - head + 1
    for record in records:
        size += PyBytes_GET_SIZE(record)
    if size > FRAME_BYTES:
        return None
    wire = PyBytes_FromStringAndSize(NULL, size)
    memcpy(PyBytes_AS_STRING(wire), head, to + 5 - head)
    to = PyBytes_AS_STRING(wire) + (to + 5 - head)
    for record in records:
        memcpy(to, PyBytes_AS_STRING(record), PyBytes_GET_SIZE(record))
        to += PyBytes_GET_SIZE(record)
    to[0] = <char>NOTHING
    return wire


cdef Sealed seal_one(StreamState stream):
    """Make a frame of the records that were added; None: nothing was done."""
    cdef list waiters
    cdef bytes wire
    cdef Sealed sealed
    if not stream.records or stream.operations or stream.new_bulk_bytes:
        return None
    wire = effects_frame(stream, stream.records)
    if wire is None:
        return None
    if stream.waiters and not stream.frames:
        stream.on_waited()
    stream.sent += PyList_GET_SIZE(stream.records)
    stream.records = []
    stream.sequence += 1
    sealed = Sealed(stream.sequence, wire, stream.running_s, (<PaceState?>stream.pace).now_s())
    stream.frames.append(sealed)
    stream.kept_bytes += PyBytes_GET_SIZE(wire)
    stream.largest_bytes = max(stream.largest_bytes, PyBytes_GET_SIZE(wire))
    sealed.waiters, stream.waiters = stream.waiters, []
    for waiter in sealed.waiters:
        waiter.closed()
    return sealed


cdef bytes next_wire(StreamState stream):
    """Return what the connection is to send now, as ``take_frames`` does where that is one new frame; None: nothing was done."""
    cdef Sealed sealed
    if stream.handed != len(stream.frames) or stream.handed_bytes >= FLIGHT_BYTES:
        return None
    sealed = seal_one(stream)
    if sealed is None:
        return None
    stream.handed += 1
    stream.handed_bytes += PyBytes_GET_SIZE(sealed.wire)
    return sealed.wire


cdef int note_time(PaceState pace, double sent_s) except -1:
    """Take note that a frame without parts of full copies has arrived, as ``Pace.acknowledged`` does."""
    cdef double now_s = pace.now_s()
    cdef double took_s = now_s - sent_s
    if now_s > pace.renewed_s + KNOWN_S:
        pace.renewed_s = now_s
        pace.fastest_s, pace.next_fastest_s = pace.next_fastest_s, took_s
    pace.next_fastest_s = min(pace.next_fastest_s, took_s)
    pace.fastest_s = min(pace.fastest_s, took_s)
    return 0


cdef bint confirm_one(StreamState stream, long long sequence) except -1:
    """Take note that the first frame has arrived; False: it is another one that has, or something is unusual, and nothing was done."""
    cdef Sealed gone
    if stream.is_lagging or not stream.frames:
        return False
    gone = <Sealed?>stream.frames[0]
    if gone.sequence != sequence or gone.bulk_bytes:
        return False
    stream.frames.popleft()
    stream.kept_bytes -= PyBytes_GET_SIZE(gone.wire)
    note_time(<PaceState?>stream.pace, gone.sent_s)
    if stream.handed:
        stream.handed -= 1
        stream.handed_bytes -= PyBytes_GET_SIZE(gone.wire)
    stream.confirmed = max(stream.confirmed, sequence)
    if not stream.frames:
        stream.largest_bytes = 0
    for waiter in gone.waiters:
        waiter.confirmed()
    if (
        stream.is_connected
        and stream.handed_bytes < FLIGHT_BYTES
        and (stream.records or stream.operations or stream.handed < len(stream.frames))
    ):
        stream.stir()
    return True


def seal(StreamState stream not None):
    """Make one frame of what a stream was told, if there is nothing but a few records; say whether it was done."""
    return seal_one(stream) is not None


def confirm(StreamState stream not None, long long sequence):
    """Take note that the first frame of a stream has arrived, if it is this one; say whether it was done."""
    return confirm_one(stream, sequence)
