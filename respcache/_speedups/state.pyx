"""Attributes of the server's own classes as C fields, so that the compiled loop reads them without asking Python.

The Python classes that derive from these keep all their behaviour; ``plain.py`` has the same names for where nothing is
compiled, and says what each is for. Whoever assigns a wrong type here gets a TypeError at once.
"""

from cpython cimport array
import array

from libc.stdint cimport uint32_t, uint64_t

SLOTS = 64
"""Places of a histogram; as in ``telemetry/histogram.py``."""

DIGEST_MODULUS = (1 << 61) - 1
"""As in ``cluster/replication/tables.py``."""


cdef class ClockState:
    pass


cdef class JournalState:
    pass


cdef class StatisticsState:
    pass


cdef class DatabaseState:
    pass


cdef class ClientState:
    pass


cdef class ContextState:
    pass


cdef class LedgerState:
    pass


cdef class DispatcherState:
    pass


cdef class GuardState:
    pass


cdef class SessionState:
    pass


cdef class ConnectionState:
    pass


cdef class CommandRecord:
    def __cinit__(self):
        # Never resized, so that what ``numbers`` points to stays where it is.
        cdef array.array counts = array.array("Q", bytes(8 * SLOTS))
        self.counts = counts
        self.numbers = counts.data.as_ulonglongs


cdef class VersionsState:
    pass


cdef class TableState:
    @property
    def digest(self):
        return self.squares

    @digest.setter
    def digest(self, sum):
        self.squares = sum % DIGEST_MODULUS


cdef class PartState:
    @property
    def latest(self):
        return (<object>self.latest_clock << 32) | self.latest_tag

    @latest.setter
    def latest(self, version):
        cdef uint64_t clock = version >> 32
        self.latest_clock, self.latest_tag = clock, <uint32_t>(version & 0xFFFFFFFF)


cdef class AccountState:
    pass


cdef class RecorderState:
    pass


cdef class PaceState:
    pass


cdef class StreamState:
    pass


cdef class Sealed:
    def __init__(self, long long sequence, bytes wire not None, double sealed_s, double sent_s):
        self.sequence, self.wire, self.sealed_s, self.sent_s = sequence, wire, sealed_s, sent_s
        self.waiters = []


cdef class ReceivedState:
    pass


cdef class BusState:
    pass


cdef class HoldState:
    pass


cdef class HoldsState:
    pass
