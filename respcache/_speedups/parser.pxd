# The compiled request parser; see parser.pyx.

cdef class RequestParser:
    cdef public object limits
    cdef readonly object error
    # The words of the command that next_command has found; they stay until the next call of anything here.
    cdef int argc
    cdef const char** words
    cdef Py_ssize_t* sizes

    cdef char* room(self, Py_ssize_t* size) except NULL       # where to receive, and how much
    cdef int received(self, Py_ssize_t size) except -1        # that much has come
    cdef int next_command(self) except -2                     # 1: found; 0: it takes more input; -1: broken, see error
    cdef list words_as_list(self)                             # the command found, as a session takes it
    cdef bint is_between_commands(self) noexcept              # nothing has begun, and nothing is unread
