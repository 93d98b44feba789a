# The compiled request parser; see parser.pyx.
cimport cython
from .request_input cimport RequestInput


# Of RequestInput are: error, wanted_bytes, argc, words, sizes, and
#     room(&size): where to receive, and how much
#     received(size): that much has come; 0 will do
#     keep(): leave off; what is unread is kept, and the command found forgotten
#     words_as_list(), word(index): what has been found, as objects
@cython.final
cdef class RequestParser(RequestInput):
    # The limits in force. Python reads and replaces them as ``limits``; assign to that, never to this.
    cdef object known_limits
    cdef Py_ssize_t max_arguments, max_bulk_bytes, max_inline_bytes, max_query_bytes

    cdef int next_command(self) except -2                     # 1: found; 0: it takes more input; -1: broken, see error
    cdef bint is_between_commands(self) noexcept              # nothing has begun, and nothing is unread

    # Private.
    cdef int read(self) except -2
    cdef int read_count(self) except -2
    cdef int read_odd_count(self) except -2
    cdef int read_inline(self) except -2
    cdef int read_arguments(self) except -2
    cdef int read_odd_header(self) except -2
    cdef Py_ssize_t end_of_line(self, char mark, str what) except -3
    cdef int wait_for(self, Py_ssize_t size) noexcept
    cdef int refuse(self, str text) except -2
    cdef bint is_too_much(self) except -1
    cdef Py_ssize_t copy_to_room(self, const char* data, Py_ssize_t size) except -1
    cdef int read_fed(self, const char* data, Py_ssize_t size, Py_ssize_t most, list commands) except -1
