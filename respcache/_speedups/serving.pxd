# The compiled loop; see serving.pyx.
from .calls cimport Call
from .deliveries cimport Deliveries
from .hot_commands cimport HotCommand, HotCommands
from .holding cimport Keeper
from .load_watch cimport LoadWatch
from .node_path cimport NodePath
from .parser cimport RequestParser
from .polling cimport epoll_event
from .state cimport ClientState, ClockState, ConnectionState, LedgerState, SessionState, StatisticsState


cdef class HotPath:
    cdef readonly int ready
    cdef epoll_event events[512]
    cdef bint has_called       # Python code has run since the last wait
    cdef ClockState clock      # None: only set_clock knows the time
    cdef int poller_fd, most
    cdef object dispatcher, set_clock, finish, drop, give_up
    cdef NodePath nodes        # connections between nodes
    cdef bint has_marks
    cdef const unsigned char[:] mine  # in a cluster: the router's marks by slot
    cdef int highest                  # of these marks, for commands that may run here; 0: there are none
    cdef list written                 # and what must be empty for them to be true
    cdef Call call
    cdef Deliveries deliveries
    cdef Keeper keeper         # of replies that wait for copies
    cdef LedgerState ledger
    cdef LoadWatch watch       # None: nothing is loaded
    cdef StatisticsState statistics
    cdef dict fast, built_for
    cdef HotCommands commands, built
    cdef list connections

    cdef int serve_events(self, int count, list others) except -1
    cdef int fail(self, ConnectionState connection, object problem) except -1
    cdef bint serve(self, ConnectionState connection) except -1
    cdef bint is_ordinary(self, SessionState session) except -1
    cdef int receive(self, ConnectionState connection, SessionState session) except -1
    cdef int send(self, ConnectionState connection, SessionState session) except -1
    cdef int run(self, SessionState session, RequestParser parser) except -1
    cdef int look_again(self, SessionState session, ClientState client) except -1
    cdef int leave(self, SessionState session, list commands) except -1
    cdef int take_answers(self, SessionState session) except -1
    cdef int hand_over(self, SessionState session) except -1
    cdef int tell(self) except -1
    cdef int leave_rest(self, SessionState session, list commands) except -1
    cdef int follow(self, dict fast) except -1
