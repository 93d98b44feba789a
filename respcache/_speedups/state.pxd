# Attributes that compiled code reads without asking Python; plain.py says what they are for.
from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #define RESPCACHE_MODULUS ((UINT64_C(1) << 61) - 1)
    static inline uint64_t square_of(uint64_t clock, uint32_t tag) {
        unsigned __int128 version = ((unsigned __int128)(clock % RESPCACHE_MODULUS) << 32) + tag;
        uint64_t small = (uint64_t)(version % RESPCACHE_MODULUS);
        return (uint64_t)((unsigned __int128)small * small % RESPCACHE_MODULUS);
    }
    static inline uint64_t sum_of(uint64_t one, uint64_t other) {
        uint64_t sum = one + other;
        return sum >= RESPCACHE_MODULUS ? sum - RESPCACHE_MODULUS : sum;
    }
    static inline uint64_t difference_of(uint64_t one, uint64_t other) {
        return one >= other ? one - other : one + RESPCACHE_MODULUS - other;
    }
    """
    # Of a table's digest: a version's square, and sums and differences of such, by the modulus of ``tables.py``.
    uint64_t square_of(uint64_t clock, uint32_t tag) noexcept nogil
    uint64_t sum_of(uint64_t one, uint64_t other) noexcept nogil
    uint64_t difference_of(uint64_t one, uint64_t other) noexcept nogil


cdef class ClockState:
    cdef public long long now_ms


cdef class JournalState:
    cdef public bint attentive, wants_reads
    cdef public long long changes
    cdef public list notes


cdef class StatisticsState:
    cdef public long long keyspace_hits, keyspace_misses
    cdef public long long total_commands_processed, total_net_input_bytes, total_net_output_bytes


cdef class DatabaseState:
    cdef public object entries, journal, clock, statistics, wheel
    cdef public object follower, recorder, lives, stamp
    cdef public long long payload_bytes, deadlines
    cdef public int index


cdef class ClientState:
    cdef public bint is_ordinary
    cdef public int protocol
    cdef public long long last_used_ms
    cdef public object last_command, ending, connection


cdef class ContextState:
    cdef public object client, clock, db, node


cdef class LedgerState:
    cdef public long long slow_ns


cdef class DispatcherState:
    cdef public dict fast
    cdef public object load_watch


cdef class GuardState:
    cdef public long long uncounted, credit_bytes


cdef class SessionState:
    cdef public object client, context, parser
    cdef public list out, tail
    cdef public object backlog, slots
    cdef public object wake
    cdef public bint is_held, is_awaited, has_unread, is_running
    cdef public long long unsent_bytes, pushed_bytes, received_bytes, sent_bytes


cdef class ConnectionState:
    cdef public int fd, mask
    cdef public object session


cdef class CommandRecord:
    cdef public long long calls, nanoseconds, rejected_calls, failed_calls
    cdef readonly object counts
    cdef unsigned long long* numbers  # within counts


cdef class VersionsState:
    cdef public uint64_t last
    cdef public long long read_ms
    cdef public uint32_t tag


cdef class TableState:
    cdef public dict entries, tombstones
    cdef public object flushed
    cdef uint64_t squares         # ``digest``, by its modulus


cdef class PartState:
    cdef public dict tables, owed
    cdef public bint is_served, is_filling
    cdef uint64_t latest_clock    # ``latest``, in two numbers
    cdef uint32_t latest_tag


cdef class AccountState:
    cdef public long long entries, payload_bytes


cdef class RecorderState:
    cdef public list routes, places, written, parts
    cdef public VersionsState clock


cdef class PaceState:
    cdef public object now_s
    cdef public double fastest_s, next_fastest_s, renewed_s


cdef class StreamState:
    cdef public list records, operations, waiters
    cdef public object frames, pace, stir, on_waited
    cdef public bint is_connected, is_lagging
    cdef public long long generation, sequence, confirmed, sent
    cdef public long long new_bulk_bytes, kept_bytes, largest_bytes, handed, handed_bytes
    cdef public double running_s


cdef class Sealed:
    cdef readonly bytes wire
    cdef readonly long long sequence
    cdef readonly double sealed_s, sent_s
    cdef public long long bulk_bytes
    cdef public list waiters


cdef class ReceivedState:
    cdef public long long generation, sequence


cdef class BusState:
    cdef public object client, taker, told
    cdef public bint is_quick, is_telling
    cdef public list out
    cdef public long long received_bytes, sent_bytes, unsent_bytes


cdef class HoldState:
    cdef public bint is_open
    cdef public object streams
    cdef public list partitions, lates


cdef class HoldsState:
    cdef public list last, required
    cdef public dict opened
    cdef public object mine, unconfirmed
    cdef public bytes replaced_wire
