# What is sent to many connections in one go; see deliveries.pyx.
from cpython.object cimport PyObject

from .replies cimport Output
from .state cimport ConnectionState, StatisticsState

cdef enum:
    MOST_TOGETHER = 256        # sends in one go: a good millisecond, after which others may have Python's lock


cdef struct Delivery:
    PyObject* connection       # owned
    PyObject* wire             # owned, bytes
    const char* data
    Py_ssize_t size
    Py_ssize_t sent            # or -1
    int fd


cdef class Deliveries:
    cdef Delivery each[MOST_TOGETHER]
    cdef Py_ssize_t count
    cdef StatisticsState statistics
    cdef object give_up

    cdef list make(self, list connections, list served)
    cdef bint take(self, ConnectionState connection) except -1
    cdef int send(self, list left) except -1
    cdef void send_all(self) noexcept nogil
    cdef int keep_rest(self, Delivery* one, list left) except -1


cdef bint load(ConnectionState connection, list served, Output out) except -1
