# Waiting for sockets with epoll, in the C library's own call.
from cpython.exc cimport PyErr_CheckSignals
from libc.errno cimport EINTR, errno


cdef extern from "sys/epoll.h" nogil:
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        unsigned int events
        epoll_data_t data
    int epoll_wait(int, epoll_event*, int, int)


cdef inline int wait_for(int poller_fd, epoll_event* events, int most, int timeout_ms) except -1:
    # Wait without Python's lock; return how many events there are, none where a signal came first.
    cdef int count, problem
    with nogil:
        count = epoll_wait(poller_fd, events, most, timeout_ms)
        problem = errno
    if count >= 0:
        return count
    if problem != EINTR:
        raise OSError(problem, "epoll_wait")
    PyErr_CheckSignals()
    return 0
