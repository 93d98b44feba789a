"""The usual frames between nodes, taken as they come from the socket: effects that copies need, and their confirmations.

What ``cluster/replication/replication.py`` does in ``asked`` and ``answered``, where nothing is unusual: effects that come next in their
stream and have no answers of operations with them, and confirmations that tell nothing else. Everything else is left as it
is, for Python. Where only some records of a frame are unusual, those before them are done, and what is left is
a frame of the others: to Python it looks as if it had come so.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from .copied cimport StateWriter, begin_array, passed
from .msgpack cimport LONGEST_NUMBER, big_endian, put_length, put_number, read_number
from .outbox cimport Outbox
from .state cimport ReceivedState, StreamState
from .streaming cimport confirm_one

cdef enum:
    # As in ``cluster/replication/records.py``.
    EFFECTS = 0x45             # E
    ACKNOWLEDGED = 0x65        # e
    FOUR_WORDS = 0x94
    THREE_WORDS = 0x93
    NOTHING = 0x90             # an empty array
    MANY = 0xDD                # an array, its length in four bytes
    MOST_HEAD = PREFIX_BYTES + 2 + 2 * LONGEST_NUMBER + 1 + 4


cdef int put_frame(Outbox out, bytes frame) except -1:
    """Write a frame, behind its length."""
    cdef char prefix[PREFIX_BYTES]
    put_length(prefix, PyBytes_GET_SIZE(frame))
    out.raw(prefix, PREFIX_BYTES)
    out.raw(PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame))
    return 0


cdef class FrameTaker:
    """See ``plain_copies.py``."""

    def __init__(self, bytes peer not None):
        self.peer, self.answers = peer, []

    def take(self, bytes data not None):
        """Take the frames at the beginning; return what is left: it begins with a frame, and means what is still to be done."""
        cdef Py_ssize_t taken = self.take_frames(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        cdef bytes rest = data[taken:]
        if self.rest is not None:
            rest, self.rest = self.rest + rest, None
        return rest

    cdef Py_ssize_t take_frames(self, const char* data, Py_ssize_t size) except -1:
        """Take the frames at the beginning; return their bytes. Of the last of them something may be left to do: ``rest``."""
        cdef Py_ssize_t at = 0
        cdef uint64_t length
        self.has_called = False
        while size - at > PREFIX_BYTES and self.rest is None:
            length = big_endian(<const uint8_t*>data + at, PREFIX_BYTES)
            if length == 0 or length > <uint64_t>(size - at - PREFIX_BYTES):
                break
            if not self.take_frame(<const uint8_t*>data + at + PREFIX_BYTES, length):
                break
            at += PREFIX_BYTES + length
        return at

    cdef bint take_frame(self, const uint8_t* frame, Py_ssize_t size) except -1:
        """Do what a frame says; False: nothing was done."""
        return False


cdef class EffectsTaker(FrameTaker):
    """Puts what a node tells onto the copies here."""

    cdef dict received, heard_s
    cdef StateWriter writer
    cdef object now_s, clock

    cdef bint take_frame(self, const uint8_t* frame, Py_ssize_t size) except -1:
        cdef const uint8_t* end = frame + size - 1
        cdef const uint8_t* at
        cdef uint64_t generation, sequence, count, left
        cdef ReceivedState received
        cdef object found = self.received.get(self.peer)
        if found is None or size < 4 or frame[0] != EFFECTS or frame[1] != FOUR_WORDS or end[0] != NOTHING:
            return False
        received = <ReceivedState?>found
        at = read_number(read_number(frame + 2, end, &generation), end, &sequence)
        if (
            at == NULL
            or generation != <uint64_t>received.generation
            or sequence != <uint64_t>received.sequence + 1
            or passed(at, end, 0) != end
        ):
            return False
        at = begin_array(at, end, &count)
        if at == NULL:
            return False
        left = count
        at = self.writer.write_usual(self.peer, self.clock.now_ms, at, end, &left)
        if left == count and count:
            return False
        if left:
            self.rest = rest_of(generation, sequence, at, end, left)
            return True
        received.sequence = sequence
        self.heard_s[self.peer] = self.now_s()
        self.answers.append(acknowledgement(generation, sequence))
        return True


cdef bytes acknowledgement(uint64_t generation, uint64_t sequence):
    cdef char frame[3 + 2 * LONGEST_NUMBER]
    cdef char* end
    frame[0], frame[1] = ACKNOWLEDGED, <char>THREE_WORDS
    end = put_number(put_number(frame + 2, generation), sequence)
    end[0] = <char>NOTHING
    return PyBytes_FromStringAndSize(frame, end + 1 - frame)


cdef bytes rest_of(uint64_t generation, uint64_t sequence, const uint8_t* at, const uint8_t* end, uint64_t count):
    """Return a frame, behind its length, of the records that are left; ``end`` is where the word behind them stands."""
    cdef char head[MOST_HEAD]
    cdef char* to
    head[PREFIX_BYTES], head[PREFIX_BYTES + 1] = EFFECTS, <char>FOUR_WORDS
    to = put_number(put_number(head + PREFIX_BYTES + 2, generation), sequence)
    to[0] = <char>MANY
    put_length(to + 1, count)
    to += 5
    put_length(head, (to - head) - PREFIX_BYTES + (end - at) + 1)
    return PyBytes_FromStringAndSize(head, to - head) + PyBytes_FromStringAndSize(<const char*>at, end - at + 1)


cdef class ConfirmationsTaker(FrameTaker):
    """Lets the stream to a node know what has arrived there."""

    cdef object stream_of, flush

    cdef bint take_frame(self, const uint8_t* frame, Py_ssize_t size) except -1:
        cdef const uint8_t* end = frame + size - 1
        cdef uint64_t generation, sequence
        cdef StreamState stream
        if size < 4 or frame[0] != ACKNOWLEDGED or frame[1] != THREE_WORDS or end[0] != NOTHING:
            return False
        if read_number(read_number(frame + 2, end, &generation), end, &sequence) != end:
            return False
        stream = <StreamState?>self.stream_of(self.peer)
        if (
            generation != <uint64_t>stream.generation
            or not <uint64_t>stream.confirmed < sequence <= <uint64_t>stream.sequence
        ):
            return False
        self.has_called = True
        if not confirm_one(stream, sequence):
            stream.acknowledged(generation, sequence)
        self.flush()
        return True


def effects_taker(
    bytes peer not None, dict received not None, StateWriter writer not None, dict heard_s not None, *, now_s, clock
):
    """Return what takes a node's effects."""
    cdef EffectsTaker taker = EffectsTaker(peer)
    taker.received, taker.writer, taker.heard_s = received, writer, heard_s
    taker.now_s, taker.clock = now_s, clock
    return taker


def confirmations_taker(bytes peer not None, stream_of, flush):
    """Return what takes a node's confirmations of its stream."""
    cdef ConfirmationsTaker taker = ConfirmationsTaker(peer)
    taker.stream_of, taker.flush = stream_of, flush
    return taker
