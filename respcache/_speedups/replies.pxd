# Where replies are written before they are sent; see replies.pyx, and outbox.pxd for raw, take, send, clear and rewind.
from libc.stdint cimport int64_t

from .levels cimport Levels
from .outbox cimport Outbox


cdef class Output(Outbox):
    # Each writes all of its reply or, where it raises, nothing.
    cdef int bulk(self, const char* data, Py_ssize_t size) except -1
    cdef int integer(self, int64_t number) except -1
    cdef int array(self, Py_ssize_t items) except -1    # the header
    cdef int header(self, char mark, Py_ssize_t items) except -1  # that of anything that is counted
    cdef int null(self, int protocol) except -1
    cpdef int bulk_object(self, bytes value) except -1  # keeps a long value instead of copying it
    cpdef int reply(self, object reply, int protocol) except -1  # any reply of protocol/replies.py

    cdef int leaf(self, object reply, int protocol) except -1
    cdef int rare_leaf(self, object reply, int code, int protocol) except -1
    cdef int tree(self, object reply, int protocol) except -1
    cdef int open(self, Levels* levels, object reply, int protocol) except -1


cpdef bytes encode(object reply, int version)
