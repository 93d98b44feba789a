# Where a client's bytes stand while they are read; see request_input.pyx.
from cpython.object cimport PyObject

cdef enum:
    LONG_WORD_BYTES = 32 * 1024   # received straight into its object, as by redis-server


cdef class RequestInput:
    cdef readonly object error
    # How many bytes more it takes before there is anything to do; 0: there may be something to do now.
    cdef readonly Py_ssize_t wanted_bytes
    # The words of the command found; they stay until the next call of anything here.
    cdef int argc
    cdef const char** words
    cdef Py_ssize_t* sizes
    # What is before ``begin`` is done with, ``at`` is the first byte that has not been read.
    cdef char* base               # borrowed: NULL, the area, ``ours``, or bytes that are being fed
    cdef Py_ssize_t begin, at, end
    cdef char* ours               # owned
    cdef Py_ssize_t ours_bytes
    # The command that has begun.
    cdef Py_ssize_t missing       # how many words it lacks
    cdef Py_ssize_t length        # of the word that has begun; -1: its header comes next
    cdef Py_ssize_t straight_bytes  # of its long words that are complete, with their ends
    cdef PyObject* value          # owned, seen by nobody else: the bytes object that a long word is received into, or NULL
    cdef Py_ssize_t value_bytes, value_room
    cdef list owners              # bytes objects that words stand in, in the order of the words, or None
    cdef Py_ssize_t word_room     # of words and sizes
    cdef bint has_own_words       # whether these are to be freed
    cdef bint is_found, has_news

    cdef char* room(self, Py_ssize_t* size) except NULL       # where to receive, and how much
    cdef int received(self, Py_ssize_t size) except -1        # that much has come; 0 will do
    cdef int keep(self) except -1                             # leave off: keep what is unread, forget the command found
    cdef list words_as_list(self)                             # the command found, as a session takes it
    cdef bytes word(self, int index)                          # one word; a long one that came straight is not copied

    # For the parser.
    cdef int hold(self, const char* data, Py_ssize_t size) except -1
    cdef int fill_value(self, const char* data, Py_ssize_t size) except -1
    cdef int close_value(self) except -1
    cdef bint is_straight(self) noexcept
    cdef Py_ssize_t held_bytes(self) noexcept

    cdef int more_words(self) except -1
    cdef int take_words(self, list words) except -1
    cdef void forget(self) noexcept
    cdef void give_up_input(self) noexcept
    cdef void drop_all(self) noexcept

    # Private.
    cdef bint claim(self) except -1
    cdef int release(self) except -1
    cdef int move_words(self, Py_ssize_t room) except -1
    cdef void drop_words(self) noexcept
    cdef void shift_words(self, const char* before, const char* after) noexcept
    cdef int open_value(self) except -1
    cdef int widen_value(self, Py_ssize_t more) except -1
    cdef int reserve(self, Py_ssize_t more) except -1
    cdef int move_input(self, Py_ssize_t capacity) except -1
