# Attributes that compiled code reads without asking Python; plain.py says what they are for.


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
    cdef public object backlog
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
