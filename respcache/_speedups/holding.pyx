"""Replies of compiled commands that are kept back until copies have what they tell of: ``cluster/replication/holds.py``, compiled.

The replies of one read to one session that wait for the same leave together: their bytes are one ``HeldRun`` in one
slot of the session, and what is answered behind them stands in it, too. A run lasts until the read's commands are through, or Python
code is to run for the session; or until a reply must wait for something else, which begins another.

Everything that is rare is done by ``Holds`` itself: which followers are required, and that a hold waits for them.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING
from libc.string cimport memset

from .calls cimport Call
from .state cimport HeldRunState, HoldsState, HoldState, SessionState

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


cdef HoldState hold_of_write(HoldsState holds, int partition):
    """Return what the reply to a write must wait for, None for nothing, as ``Holds.after`` does."""
    cdef HoldState last = <HoldState?>holds.last[partition] if holds.last[partition] is not None else None
    cdef HoldState fresh
    cdef object streams = holds.required[partition]
    if last is not None and last.is_open and last.streams is streams:
        return last
    fresh = holds.opened.get(streams)
    if fresh is None:
        return holds.hold_of(partition)
    if last is not fresh:
        holds.last[partition] = fresh
        fresh.partitions.append(partition)
        if last is None:
            set_marks(holds, partition, False)
    return fresh


def clear_marks(HoldsState holds not None, HoldState hold not None):
    """Take the marks from all partitions that nothing was written to since a hold that ends now."""
    cdef list last = holds.last
    cdef object partition
    for partition in hold.partitions:
        if last[partition] is hold:
            last[partition] = None
            set_marks(holds, partition, True)


cdef class Keeper:
    """Keeps replies back for one session at a time."""

    cdef bint answered(self, Call call, SessionState session, int slot, Py_ssize_t before) except -1:
        """Look at a reply, which stands in the output behind ``before``, and at what its command has done; say whether it was kept."""
        cdef HoldState hold = None
        cdef int partition = slot >> SLOT_BITS if slot >= 0 else -1
        if self.holds is not None and slot >= 0:
            if call.has_recorded:
                hold = hold_of_write(self.holds, partition)
            else:
                hold = self.holds.last[partition]
        call.has_recorded = False
        if hold is not None and (self.run is None or hold is not self.hold):
            self.keep(call, session, hold, partition, before)
        if self.run is None:
            return False
        self.run.ends.append(call.out.total)
        self.run.partitions.append(partition if hold is not None else -1)
        return True

    cdef int keep(self, Call call, SessionState session, HoldState hold, int partition, Py_ssize_t before) except -1:
        """Begin a run with the reply behind ``before``; what stands there leaves with the run before it, or now."""
        cdef bytes wire = call.out.join() if before else None
        if self.run is not None:
            self.run.wire = wire[:before]
        elif before:
            session.out.append(wire[:before])
        if before:
            call.out.raw_object(wire[before:])
        self.run = self.holds.begin_run(hold, session)
        self.hold = hold
        return 0

    cdef int close(self, Call call) except -1:
        """End the run, if there is one; its replies are all that has been written."""
        if self.run is not None:
            self.run.wire = call.out.join()
            self.run = self.hold = None
        return 0

    cdef int forget(self) except -1:
        """Leave a run as it is: its session is given up."""
        self.run = self.hold = None
        return 0
