"""Replies of compiled commands that are kept back until copies have what they tell of: ``cluster/replication/holds.py``, compiled.

The replies of one read to one session that wait for the same leave together: their bytes are one ``HeldRun`` in one
slot of the session, and what is answered behind them stands in it, too. A run lasts until the read's commands are through, or Python
code is to run for the session; or until a reply must wait for something else, which begins another.

Everything that is rare is done by ``Holds`` itself: which followers are required, and that a hold waits for them.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcpy, memset

from .calls cimport Call
from .fanout cimport Waker
from .state cimport ClientState, HoldsState, HoldState, SessionState

cdef enum:
    # As in ``keyspace/slots.py`` and ``cluster/replication/holds.py``.
    SLOT_BITS = 4
    SLOTS_PER_PARTITION = 16
    MINE = 1
    MINE_AND_UNCONFIRMED = 2


cdef int set_marks(HoldsState holds, int partition, bint is_confirmed) except -1:
    """Mark a partition, and its slots while they are served here."""
    cdef unsigned char* mine = <unsigned char*>PyByteArray_AS_STRING(holds.mine) + partition * SLOTS_PER_PARTITION
    PyByteArray_AS_STRING(holds.unconfirmed)[partition] = not is_confirmed
    if mine[0]:
        memset(mine, MINE if is_confirmed else MINE_AND_UNCONFIRMED, SLOTS_PER_PARTITION)
    return 0


def clear_marks(HoldsState holds not None, HoldState hold not None):
    """Take the marks from all partitions that nothing was written to since a hold that ends now."""
    cdef list last = holds.last
    cdef object partition
    for partition in hold.partitions:
        if last[partition] is hold:
            last[partition] = None
            set_marks(holds, partition, True)


# -- replies that are kept back ----------------------------------------------------


@cython.final
@cython.freelist(64)
cdef class HeldRun:
    """See ``plain_copies.py``."""

    def __cinit__(self):
        self.replies, self.capacity = self.few, FEW_REPLIES

    def __init__(self, connection, bytes replaced_wire not None):
        self.connection, self.replaced_wire, self.after, self.kept = connection, replaced_wire, [], b""

    def __dealloc__(self):
        if self.replies != self.few:
            PyMem_Free(self.replies)

    cdef int add(self, Py_ssize_t end, int partition) except -1:
        cdef HeldAt* more
        if self.count == self.capacity:
            more = <HeldAt*>PyMem_Malloc(4 * self.capacity * sizeof(HeldAt))
            if more == NULL:
                raise MemoryError
            memcpy(more, self.replies, self.count * sizeof(HeldAt))
            if self.replies != self.few:
                PyMem_Free(self.replies)
            self.replies, self.capacity = more, 4 * self.capacity
        self.replies[self.count].end, self.replies[self.count].partition = end, partition
        self.count += 1
        return 0

    def note(self, Py_ssize_t end, int partition):
        self.add(end, partition)

    def lose(self, int partition):
        cdef list wires = []
        cdef Py_ssize_t at, begin = 0, end, total = 0
        cdef bint is_lost = False
        for at in range(self.count):
            end = self.replies[at].end
            if self.replies[at].partition == partition:
                is_lost = True
                wires.append(self.replaced_wire)
            else:
                wires.append(self.kept[begin:end])
            begin = end
        if is_lost:
            self.kept = b"".join(wires)
            for at in range(self.count):
                total += len(<bytes>wires[at])
                self.replies[at].end = total

    def leave(self):
        self.give()

    cdef int give(self) except -1:
        """Let the replies leave; where nothing else of the session waits, as nearly always, this is all of ``Session.settle``."""
        cdef SessionState session
        self.wire = self.kept
        if not isinstance(self.connection, SessionState):
            self.connection.settle()
            return 0
        session = <SessionState>self.connection
        if (
            session.is_held
            or (<ClientState?>session.client).ending is not None
            or len(session.slots) != 1
            or session.slots[0] is not self
        ):
            session.settle()
            return 0
        session.slots.clear()
        session.out.append(self.wire)
        if self.after:
            session.out.extend(self.after)
        session.tail = session.out
        session.is_awaited = True
        if not session.is_running:
            if isinstance(session.wake, Waker):
                (<Waker>session.wake).wake()
            else:
                session.wake()
        return 0


def let_leave(list lates not None):
    """Give all answers that were kept back together."""
    for late in lates:
        if type(late) is HeldRun:
            (<HeldRun>late).give()
        else:
            late.leave()


cdef class Keeper:
    """Keeps replies back for one session at a time."""

    cdef HoldState hold_of_write(self, int partition):
        """Return what the reply to a write must wait for, None for nothing, as ``Holds.after`` does."""
        cdef HoldsState holds = self.holds
        cdef HoldState last = <HoldState?>holds.last[partition] if holds.last[partition] is not None else None
        cdef HoldState fresh = self.fresh
        cdef object streams = holds.required[partition]
        if last is not None and last.is_open and last.streams is streams:
            return last
        if fresh is None or not fresh.is_open or fresh.streams is not streams:
            fresh = self.fresh = holds.opened.get(streams)
            if fresh is None:
                return holds.hold_of(partition)
        if last is not fresh:
            holds.last[partition] = fresh
            fresh.partitions.append(partition)
            if last is None:
                set_marks(holds, partition, False)
        return fresh

    cdef bint answered(self, Call call, SessionState session, int slot, Py_ssize_t before) except -1:
        """Look at a reply, which stands in the output behind ``before``, and at what its command has done; say whether it was kept."""
        cdef HoldState hold = None
        cdef int partition = slot >> SLOT_BITS if slot >= 0 else -1
        if self.holds is not None and slot >= 0:
            if call.has_recorded:
                hold = self.hold_of_write(partition)
            else:
                hold = self.holds.last[partition]
        call.has_recorded = False
        if hold is not None and (self.run is None or hold is not self.hold):
            self.keep(call, session, hold, partition, before)
        if self.run is None:
            return False
        self.run.add(call.out.total, partition if hold is not None else -1)
        return True

    cdef int keep(self, Call call, SessionState session, HoldState hold, int partition, Py_ssize_t before) except -1:
        """Begin a run with the reply behind ``before``; what stands there leaves with the run before it, or now."""
        cdef bytes wire = call.out.join() if before else None
        if self.run is not None:
            self.run.kept = wire[:before]
        elif before:
            session.out.append(wire[:before])
        if before:
            call.out.raw_object(wire[before:])
        return self.begin(hold, session)

    cdef int begin(self, HoldState hold, SessionState session) except -1:
        """Begin a run, in a slot of the session's; it holds all that is answered until it is closed."""
        cdef HeldRun run = HeldRun(session, self.holds.replaced_wire)
        if session.slots:
            session.keep(run)
        else:
            session.slots.append(run)
            session.tail = run.after
        hold.lates.append(run)
        self.run, self.hold = run, hold
        return 0

    cdef int close(self, Call call) except -1:
        """End the run, if there is one; its replies are all that has been written."""
        if self.run is not None:
            self.run.kept = call.out.join()
            self.run = self.hold = None
        return 0

    cdef int forget(self) except -1:
        """Leave a run as it is: its session is given up."""
        self.run = self.hold = None
        return 0
