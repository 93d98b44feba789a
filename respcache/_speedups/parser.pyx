r"""The request parser in C: the commands, errors, limits and state of ``protocol/strict.py``, for any cutting of the stream.

It is used in two ways, which may take turns at any time:

* Python calls ``feed``, as with the strict parser.
* The compiled loop receives into ``room``, tells how much by ``received``, and calls ``next_command`` until it returns
  0 or less. If it leaves off before that, it calls ``keep``. The words are then places in a buffer, not objects.

The state between two calls is the place in an unfinished command, so that nothing is read twice but an unfinished line,
which is short. Where the bytes stand, and how little of them is copied, is ``request_input.pyx``'s part.

What is odd in a header is decided by the strict parser's own functions, and inline commands are split by Python: both
are rare, and a rule that is written once cannot differ. ``best_parser`` is told them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.object cimport PyObject
from libc.string cimport memchr, memcpy

from .request_input cimport RequestInput


cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    bytes new_bytes "PyBytes_FromStringAndSize" (const char*, Py_ssize_t)
    Py_ssize_t clipped "PyNumber_AsSsize_t" (object, PyObject*) except? -1


cdef enum:
    SHORT_LENGTH = 1023    # the strict parser does not measure the line of such a length
    NUMBER_DIGITS = 9      # of a number that is read here: no overflow, and enough for every sensible limit

cdef object split_inline = None
cdef object argument_count = None
cdef object argument_bytes = None
cdef object protocol_error = None
cdef str query_limit = ""


def best_parser(plain, split, count, size, error, str limit not None):
    """Be told the plain parser's rules for inline commands, counts and lengths, and its errors; return the compiled parser."""
    global split_inline, argument_count, argument_bytes, protocol_error, query_limit
    split_inline, argument_count, argument_bytes, protocol_error, query_limit = split, count, size, error, limit
    return RequestParser


cdef inline Py_ssize_t short_number(const char* at, const char* stop, const char** end) noexcept:
    r"""Return the number before a ``\r``, and its end; -1 unless it is there, well written and of a few digits."""
    cdef Py_ssize_t number
    cdef unsigned int digit
    cdef const char* last = at + NUMBER_DIGITS if stop - at > NUMBER_DIGITS else stop
    if at >= last:
        return -1
    digit = <unsigned int>(<unsigned char>at[0]) - <unsigned int>c"0"
    if digit > 9:
        return -1
    number = digit
    at += 1
    while at < last and number:
        digit = <unsigned int>(<unsigned char>at[0]) - <unsigned int>c"0"
        if digit > 9:
            break
        number = number * 10 + digit
        at += 1
    end[0] = at
    return number if at < stop and at[0] == c"\r" else -1


@cython.final
@cython.no_gc  # see RequestInput
cdef class RequestParser(RequestInput):
    """Commands from a client's bytes, cut anywhere; the attributes and ``feed`` are those of ``StrictParser``."""

    def __init__(self, limits):
        self.limits = limits

    @property
    def limits(self):
        return self.known_limits

    @limits.setter
    def limits(self, limits):
        cdef Py_ssize_t arguments = clipped(limits.max_arguments, NULL)
        cdef Py_ssize_t bulk_bytes = clipped(limits.max_bulk_bytes, NULL)
        cdef Py_ssize_t inline_bytes = clipped(limits.max_inline_bytes, NULL)
        self.max_query_bytes = clipped(limits.max_query_bytes, NULL)
        self.max_arguments = arguments
        self.max_bulk_bytes = min(bulk_bytes, PY_SSIZE_T_MAX // 4)  # sizes are added to it
        self.max_inline_bytes = max(min(inline_bytes, PY_SSIZE_T_MAX // 4), <Py_ssize_t>0)
        self.known_limits = limits

    @property
    def buffered_bytes(self):
        """What is kept of input that has not been returned, with the arguments of an unfinished command."""
        return self.held_bytes()

    # -- for Python --------------------------------------------------------

    def feed(self, bytes data not None, Py_ssize_t most=0):
        """Return the commands that are complete now: all of them, or the first ``most``."""
        cdef list commands = []
        cdef const char* start = PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = len(data)
        if self.error is not None or (not size and self.wanted_bytes):
            return commands
        try:
            if self.is_found:
                self.forget()
            if size:
                self.keep()
            if size < self.wanted_bytes:
                self.hold(start, size)
                self.wanted_bytes -= size
            else:
                self.read_fed(start, size, most, commands)
        except BaseException:
            self.refuse("internal error")  # such as a lack of memory: nothing can follow it
            raise
        self.has_news = False
        self.is_too_much()
        return commands

    cdef int read_fed(self, const char* data, Py_ssize_t size, Py_ssize_t most, list commands) except -1:
        cdef const char* stop = data + size
        self.wanted_bytes = 0
        if self.is_straight():
            size = min(size, self.length + 2 - self.value_bytes)
            self.fill_value(data, size)
            data += size
            if self.missing == 1 and data < stop and self.read() == 1:
                # With this command done nothing is held, and what follows need not be copied.
                commands.append(self.words_as_list())
                self.forget()
        if data < stop:
            if self.begin == self.end:
                self.give_up_input()
                self.base, self.end = <char*>data, stop - data
            else:
                self.hold(data, stop - data)
        while not most or len(commands) < most:
            if self.read() != 1:
                return self.keep()
            commands.append(self.words_as_list())
            self.forget()
        self.wanted_bytes = 0
        return self.keep()

    def read_all(self, bytes data not None, Py_ssize_t most=0):
        """Do the same by the functions for the compiled loop, and leave off as one that forgets ``keep``: this is for tests."""
        cdef list commands = []
        cdef Py_ssize_t done = 0
        while self.error is None:
            done += self.copy_to_room(PyBytes_AS_STRING(data) + done, len(data) - done)
            while (not most or len(commands) < most) and self.next_command() == 1:
                commands.append(self.words_as_list())
            if done == len(data):
                break
        return commands

    def count_all(self, bytes data not None):
        """Do the same without an object for any word, and say how many commands there were: this is for measurements."""
        cdef Py_ssize_t done = 0, commands = 0
        while done < len(data) and self.error is None:
            done += self.copy_to_room(PyBytes_AS_STRING(data) + done, len(data) - done)
            while self.next_command() == 1:
                commands += 1
        return commands

    cdef Py_ssize_t copy_to_room(self, const char* data, Py_ssize_t size) except -1:
        cdef Py_ssize_t room = 0
        cdef char* into = self.room(&room) if size else NULL
        room = min(room, size)
        if room:
            memcpy(into, data, room)
        self.received(room)
        return room

    # -- for the compiled loop ---------------------------------------------

    cdef int next_command(self) except -2:
        """Find the next command: 1, and its words; 0: it takes more input; -1: the stream is broken."""
        cdef int found
        if self.error is not None:
            return -1
        if self.is_found:
            self.forget()
        if not self.wanted_bytes:
            found = self.read()
            if found:
                return found
        elif not self.has_news:
            return 0
        self.has_news = False
        self.keep()
        return -1 if self.is_too_much() else 0

    cdef bint is_between_commands(self) noexcept:
        return not self.missing and self.at == self.end

    # -- reading: 1 means done, 0 that it takes more input, -1 that the stream is broken ------

    cdef int read(self) except -2:
        """Read on until a command is complete."""
        cdef int done
        while True:
            if self.missing:
                done = self.read_arguments()
                if done == 1:
                    self.is_found = True
                return done
            if self.at == self.end:
                return self.wait_for(1)
            if self.base[self.at] == c"*":
                done = self.read_count()
            else:
                done = self.read_inline()
                if self.argc:
                    self.is_found = True
                    return 1
            if done != 1:
                return done

    cdef int read_count(self) except -2:
        """Read the header of a command."""
        cdef const char* start = self.base + self.at
        cdef const char* stop = self.base + self.end
        cdef const char* end = NULL
        cdef Py_ssize_t count = short_number(start + 1, stop, &end)
        if count < 0 or count > self.max_arguments or end - start > self.max_inline_bytes:
            return self.read_odd_count()
        if stop - end < 2:
            return self.wait_for(1)
        self.at += end + 2 - start
        self.begin = self.at
        self.missing = count
        return 1

    cdef int read_odd_count(self) except -2:
        cdef Py_ssize_t end = self.end_of_line(c"\r", "mbulk count string")
        cdef Py_ssize_t size = end - self.at
        if end == -2:
            return -1
        if end < 0 or end + 2 > self.end:
            return self.wait_for(1)
        try:
            self.missing = argument_count(new_bytes(self.base + self.at, size), self.known_limits)
        except protocol_error as error:
            return self.refuse(str(error))
        self.at += size + 2
        self.begin = self.at
        return 1

    cdef int read_inline(self) except -2:
        """Read a line, and the empty ones behind it if it is empty: a flood of these costs nothing."""
        cdef Py_ssize_t end = self.end_of_line(c"\n", "inline request")
        cdef object words
        if end < 0:
            return self.wait_for(1) if end == -1 else -1
        line = new_bytes(self.base + self.at, end - self.at)
        self.at = end + 1
        self.begin = self.at
        words = split_inline(line)
        if words is None:
            return self.refuse("Protocol error: unbalanced quotes in request")
        if words:
            self.take_words(words)
            return 1
        end = self.at
        while end < self.end:
            if self.base[end] == c"\r" and end + 1 < self.end and self.base[end + 1] == c"\n":
                end += 2
            elif self.base[end] == c"\n":
                end += 1
            else:
                break
        self.at = self.begin = end
        return 1

    cdef int read_arguments(self) except -2:
        """Read what there is of the words of the command that has begun."""
        cdef const char* at
        cdef const char* stop
        cdef const char* end = NULL
        cdef Py_ssize_t length
        cdef int done
        if self.value != NULL:
            if self.value_bytes < self.length + 2:
                return self.wait_for(self.length + 2 - self.value_bytes)
            self.close_value()
        at, stop = self.base + self.at, self.base + self.end
        while self.missing:
            length = self.length
            if length < 0:
                length = short_number(at + 1, stop, &end) if at < stop and at[0] == c"$" else -1
                if length < 0 or length > self.max_bulk_bytes or (
                    length > SHORT_LENGTH and end - at > self.max_inline_bytes
                ):
                    done = self.read_odd_header()
                    if done != 1:
                        return done
                    at, stop, length = self.base + self.at, self.base + self.end, self.length
                elif stop - end < 2:
                    return self.wait_for(1)
                else:
                    at = end + 2
                    self.at, self.length = at - self.base, length
            if stop - at - 2 < length:
                return self.wait_for(length + 2 - (stop - at))
            if self.argc == self.word_room:
                self.more_words()
            self.words[self.argc] = at
            self.sizes[self.argc] = length
            self.argc += 1
            at += length + 2
            self.at = at - self.base
            self.length = -1
            self.missing -= 1
        return 1

    cdef int read_odd_header(self) except -2:
        cdef Py_ssize_t end, size
        if self.at == self.end:
            return self.wait_for(1)
        end = self.end_of_line(c"\r", "bulk count string")
        size = end - self.at
        if end == -2:
            return -1
        if end < 0 or end + 2 > self.end:
            return self.wait_for(1)
        try:
            self.length = argument_bytes(new_bytes(self.base + self.at, size), self.known_limits)
        except protocol_error as error:
            return self.refuse(str(error))
        if self.length > PY_SSIZE_T_MAX // 4:
            raise MemoryError
        self.at += size + 2
        return 1

    cdef Py_ssize_t end_of_line(self, char mark, str what) except -3:
        """Return the place of the mark that ends a line; -1 while it is not there, -2 if it has come too late."""
        cdef Py_ssize_t size = self.end - self.at
        cdef const char* start = self.base + self.at
        cdef const char* end = <const char*>memchr(start, mark, min(size, self.max_inline_bytes + 1))
        if end != NULL and memchr(start, 0, end - start) == NULL:
            return end - self.base
        if size > self.max_inline_bytes:
            self.refuse("Protocol error: too big " + what)
            return -2
        return -1

    cdef int wait_for(self, Py_ssize_t size) noexcept:
        self.wanted_bytes = size
        return 0

    cdef bint is_too_much(self) except -1:
        """Refuse it if too much is held of input that is not complete; say whether that is so."""
        if self.error is None and self.wanted_bytes and self.held_bytes() > self.max_query_bytes:
            self.error = query_limit
            self.drop_all()
        return self.error is not None

    cdef int refuse(self, str text) except -2:
        """Say what is wrong. Nothing more comes out."""
        self.error = text
        self.drop_all()
        self.wanted_bytes = 1
        return -1
