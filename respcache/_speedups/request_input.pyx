"""Where a client's bytes stand while the parser reads them, and how little of them is copied or kept.

Bytes stand in one of three places:

* In the **area**, 64 KiB for all clients together, while nothing or little of a command has come before them. Mostly a
  read holds whole commands and all of them are run before the next read of anybody, so that nobody needs a buffer.
* In a buffer of the client's own, from the end of a read on, where a command is unfinished. It grows with what has come,
  never with what a header promises.
* In a bytes object of its own, where a long word is unfinished: it is received right there, and never copied again.

The area and the arrays of words beside it are claimed by one client at a time. Who wants to receive turns the other
out, and what had not been read is kept; so leaving off without ``keep`` costs a copy later, not the bytes. The claim of
another thread stands, because a receive may be going on there: then a buffer of one's own has to do.

The words of a command that has begun are pointers to where they stand, and move when that moves. What the bytes mean
is the parser's business (``parser.pyx``), which derives from this.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy, memmove


cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    bytes new_bytes "PyBytes_FromStringAndSize" (const char*, Py_ssize_t)
    PyObject* new_value "PyBytes_FromStringAndSize" (const char*, Py_ssize_t) except NULL
    char* value_data "PyBytes_AS_STRING" (PyObject*) noexcept
    int resize_value "_PyBytes_Resize" (PyObject**, Py_ssize_t) except -1
    void Py_SET_SIZE(PyObject*, Py_ssize_t) noexcept
    unsigned long PyThread_get_thread_ident() noexcept


cdef enum:
    RECEIVE_BYTES = 64 * 1024        # a read; what the reactor takes of a socket at a time
    BIG_RECEIVE_BYTES = 1 << 20      # and of a long word
    MOVED_BYTES = 16 * 1024          # so much of an unfinished command goes to the area and back for each read...
    MOVED_WORDS = 64                 # ...if it has no more words: a quarter of the read's own copy at most
    AREA_BYTES = MOVED_BYTES + RECEIVE_BYTES
    AREA_WORDS = 1024                # a longer command gets arrays of its own, which it hardly notices
    FIRST_WORDS = 8                  # of own arrays: most commands have fewer
    FIRST_BYTES = 64                 # of an own buffer
    LEAST_ROOM = 16 * 1024           # where the area is no choice; what redis-server receives at a time
    SLACK_BYTES = 4096               # so much of a buffer may lie idle behind what is kept in it
    END_BYTES = 2                    # of a word
    TRUSTED_BYTES = (1 << 20) + END_BYTES  # a long word's memory before it has come; the system gives it when touched

cdef char[AREA_BYTES] area
cdef (const char*)[AREA_WORDS] area_words
cdef Py_ssize_t[AREA_WORDS] area_sizes
cdef PyObject* area_user = NULL      # borrowed: who has claimed it takes itself out when it goes
cdef unsigned long area_thread = 0


@cython.no_gc  # it holds a text and bytes, and what derives from it limits: none of them leads back here
cdef class RequestInput:
    """The input that has not been read, and the words that have."""

    def __cinit__(self):
        self.length = -1
        self.wanted_bytes = 1

    def __dealloc__(self):
        self.drop_all()

    cdef char* room(self, Py_ssize_t* size) except NULL:
        """Return where to receive, and how much."""
        cdef Py_ssize_t held
        if self.is_found:
            self.forget()
        if self.is_straight():
            if self.base == area:
                self.keep()
            if self.value == NULL:
                self.open_value()
            if self.value_bytes == self.value_room:
                self.widen_value(1)
            size[0] = min(self.value_room - self.value_bytes, <Py_ssize_t>BIG_RECEIVE_BYTES)
            return value_data(self.value) + self.value_bytes
        held = self.end - self.begin
        if held <= MOVED_BYTES and self.argc <= MOVED_WORDS and self.claim():
            if self.base != area or self.begin:
                if held:
                    memmove(area, self.base + self.begin, held)
                    self.shift_words(self.base + self.begin, area)
                self.base, self.at, self.end, self.begin = area, self.at - self.begin, held, 0
            size[0] = RECEIVE_BYTES
            return area + self.end
        self.reserve(LEAST_ROOM)
        # No more than a read, though there may be room: what is held is weighed against its limit between two reads.
        size[0] = min(self.ours_bytes - self.end, <Py_ssize_t>RECEIVE_BYTES)
        return self.ours + self.end

    cdef int received(self, Py_ssize_t size) except -1:
        """Take note that so much has been received into ``room``."""
        cdef Py_ssize_t most
        cdef bint straight = self.is_straight()
        if self.error is not None or not size:
            return 0
        if straight:
            most = self.value_room - self.value_bytes
        else:
            most = (AREA_BYTES if self.base == area else self.ours_bytes) - self.end
        if size < 0 or size > most:
            raise ValueError("more has been received than there was room")
        if straight:
            self.value_bytes += size
        else:
            self.end += size
        self.wanted_bytes = self.wanted_bytes - size if size < self.wanted_bytes else 0
        self.has_news = True
        return 0

    cdef int keep(self) except -1:
        """Leave off: forget the command found, keep what has not been read, and give the area back."""
        cdef Py_ssize_t held
        if self.is_found:
            self.forget()
        if self.missing and self.length >= LONG_WORD_BYTES and self.value == NULL:
            if 0 < self.end - self.at < self.length + END_BYTES:
                self.open_value()
        held = self.end - self.begin
        if not held:
            self.give_up_input()
        elif self.base != self.ours:
            self.reserve(0)
        elif self.begin and self.wanted_bytes:
            # The rest of a read whose commands are done. It has been moved for the last time until more has come.
            self.move_input(held if self.ours_bytes - held > SLACK_BYTES else self.ours_bytes)
        return self.release()

    cdef Py_ssize_t held_bytes(self) noexcept:
        """Return how much is kept: what is unread, and what the unfinished command has."""
        if self.is_found:
            return self.end - self.at
        return self.straight_bytes + self.end - self.begin + self.value_bytes

    cdef void forget(self) noexcept:
        """Let go of the command found."""
        self.is_found = False
        self.argc = 0
        self.straight_bytes = 0
        self.begin = self.at
        if self.owners is not None:
            self.owners = None
        if self.has_own_words:
            self.drop_words()

    cdef void give_up_input(self) noexcept:
        PyMem_Free(self.ours)
        self.ours, self.ours_bytes = NULL, 0
        self.base, self.begin, self.at, self.end = NULL, 0, 0, 0

    cdef void drop_all(self) noexcept:
        """Give back all memory, and the claim."""
        global area_user
        cdef PyObject* value = self.value
        self.missing, self.length = 0, -1
        self.value, self.value_bytes, self.value_room = NULL, 0, 0
        Py_XDECREF(value)
        self.give_up_input()
        self.forget()
        self.drop_words()
        if area_user == <PyObject*>self:
            area_user = NULL

    # -- the area ----------------------------------------------------------

    cdef bint claim(self) except -1:
        """Make the area ours, and say whether it is. Who had it before keeps what had not been read."""
        global area_user, area_thread
        cdef unsigned long thread
        if area_user != <PyObject*>self:
            thread = PyThread_get_thread_ident()
            if area_user != NULL:
                if area_thread != thread:
                    return False
                (<RequestInput>area_user).keep()
            area_user, area_thread = <PyObject*>self, thread
        if self.words == NULL:
            self.words, self.sizes, self.word_room = area_words, area_sizes, AREA_WORDS
        return True

    cdef int release(self) except -1:
        """Give the area back, and its arrays."""
        global area_user
        if area_user == <PyObject*>self:
            if not self.has_own_words:
                if self.argc:
                    self.move_words(max(self.argc, <int>FIRST_WORDS))
                else:
                    self.drop_words()
            area_user = NULL
        return 0

    # -- words -------------------------------------------------------------

    cdef list words_as_list(self):
        """Return the command found. A word that is an object already is not copied."""
        cdef Py_ssize_t at, owner = 0, owners = 0 if self.owners is None else len(self.owners)
        cdef bytes word
        cdef list words = PyList_New(self.argc)
        for at in range(self.argc):
            if owner < owners and PyBytes_AS_STRING(<bytes>self.owners[owner]) == self.words[at]:
                word = <bytes>self.owners[owner]
                owner += 1
            else:
                word = new_bytes(self.words[at], self.sizes[at])
            Py_INCREF(word)
            PyList_SET_ITEM(words, at, word)
        return words

    cdef bytes word(self, int index):
        """Return a word; one that is an object already is not copied."""
        cdef bytes owner
        if index < 0 or index >= self.argc:
            raise IndexError(index)
        if self.owners is not None:
            for owner in self.owners:
                if PyBytes_AS_STRING(owner) == self.words[index]:
                    return owner
        return new_bytes(self.words[index], self.sizes[index])

    cdef int take_words(self, list words) except -1:
        cdef bytes word
        self.owners = words[:]  # nobody else may change what the words stand in
        for word in self.owners:
            if self.argc == self.word_room:
                self.more_words()
            self.words[self.argc] = PyBytes_AS_STRING(word)
            self.sizes[self.argc] = len(word)
            self.argc += 1
        return 0

    cdef int more_words(self) except -1:
        """Make place for one word more."""
        if self.words == NULL and (area_user == NULL or area_user == <PyObject*>self):
            self.claim()
            return 0
        return self.move_words(max(2 * self.word_room, <Py_ssize_t>FIRST_WORDS))

    cdef int move_words(self, Py_ssize_t room) except -1:
        """Move the words to arrays of our own, with place for so many. The sizes stand behind the words."""
        cdef const char** words
        cdef Py_ssize_t* sizes
        if room > PY_SSIZE_T_MAX // <Py_ssize_t>(sizeof(char*) + sizeof(Py_ssize_t)):
            raise MemoryError
        words = <const char**>PyMem_Malloc(room * (sizeof(char*) + sizeof(Py_ssize_t)))
        if words == NULL:
            raise MemoryError
        sizes = <Py_ssize_t*>(words + room)
        if self.argc:
            memcpy(words, self.words, self.argc * sizeof(char*))
            memcpy(sizes, self.sizes, self.argc * sizeof(Py_ssize_t))
        self.drop_words()
        self.words, self.sizes, self.word_room, self.has_own_words = words, sizes, room, True
        return 0

    cdef void drop_words(self) noexcept:
        if self.has_own_words:
            PyMem_Free(self.words)
        self.words, self.sizes, self.word_room, self.has_own_words = NULL, NULL, 0, False

    cdef void shift_words(self, const char* before, const char* after) noexcept:
        """Follow the input from one place to the other. Numbers, because nothing may lie at the first any more."""
        cdef uintptr_t place
        cdef int at
        for at in range(self.argc):
            place = <uintptr_t>self.words[at] - <uintptr_t>before
            if place < <uintptr_t>(self.end - self.begin):  # it is not in an object of its own
                self.words[at] = after + place

    # -- long words --------------------------------------------------------

    cdef bint is_straight(self) noexcept:
        """Say whether what comes next belongs to a long word, and goes straight to where it will stay."""
        return (
            self.missing
            and self.length >= LONG_WORD_BYTES
            and self.value_bytes < self.length + END_BYTES
            and self.at == self.end
        )

    cdef int open_value(self) except -1:
        """Give a long word its object, with what has come of it."""
        cdef Py_ssize_t arrived = self.end - self.at
        cdef Py_ssize_t room = min(self.length + END_BYTES, max(<Py_ssize_t>TRUSTED_BYTES, 2 * arrived))
        self.value = new_value(NULL, room)
        if arrived:
            memcpy(value_data(self.value), self.base + self.at, arrived)
        self.value_room, self.value_bytes = room, arrived
        self.end = self.at
        return 0

    cdef int widen_value(self, Py_ssize_t more) except -1:
        """Make room for at least so much more of a long word, which has not come in full."""
        cdef Py_ssize_t room = max(self.value_bytes + more, 2 * self.value_room)
        room = min(self.length + END_BYTES, room)
        try:
            resize_value(&self.value, room)
        except BaseException:
            self.error = "internal error"  # what had come of the word is gone
            self.drop_all()
            raise
        self.value_room = room
        return 0

    cdef int fill_value(self, const char* data, Py_ssize_t size) except -1:
        """Copy what belongs to a long word, and no more than that."""
        if self.value == NULL:
            self.open_value()
        if self.value_room - self.value_bytes < size:
            self.widen_value(size)
        memcpy(value_data(self.value) + self.value_bytes, data, size)
        self.value_bytes += size
        return 0

    cdef int close_value(self) except -1:
        """Add a long word that has come in full to the words."""
        cdef bytes value
        if self.argc == self.word_room:
            self.more_words()
        if self.owners is None:
            self.owners = []
        # Its end was received with it. Two bytes too many are no reason to move a megabyte.
        value_data(self.value)[self.length] = 0
        Py_SET_SIZE(self.value, self.length)
        value = <bytes>self.value
        self.owners.append(value)
        Py_XDECREF(self.value)
        self.value, self.value_bytes, self.value_room = NULL, 0, 0
        self.words[self.argc] = PyBytes_AS_STRING(value)
        self.sizes[self.argc] = self.length
        self.argc += 1
        self.missing -= 1
        self.straight_bytes += self.length + END_BYTES
        self.length = -1
        return 0

    # -- the buffer of our own ---------------------------------------------

    cdef int hold(self, const char* data, Py_ssize_t size) except -1:
        """Copy more input behind what there is."""
        if self.is_straight():
            return self.fill_value(data, size)
        self.reserve(size)
        memcpy(self.ours + self.end, data, size)
        self.end += size
        return 0

    cdef int reserve(self, Py_ssize_t more) except -1:
        """Move the input to our own buffer, with room for so much more behind it."""
        cdef Py_ssize_t held = self.end - self.begin
        cdef Py_ssize_t needed = held + more
        if more > PY_SSIZE_T_MAX // 4 or held > PY_SSIZE_T_MAX // 4:
            raise MemoryError
        if self.base != self.ours or self.ours == NULL:
            if needed <= self.ours_bytes <= needed + SLACK_BYTES:
                return self.move_input(self.ours_bytes)
            return self.move_input(max(needed, <Py_ssize_t>FIRST_BYTES))
        if self.ours_bytes - self.end >= more:
            return 0
        if self.begin >= held and self.ours_bytes >= needed:
            return self.move_input(self.ours_bytes)  # at least half of what stands there is done with
        return self.move_input(max(needed, 2 * held))

    cdef int move_input(self, Py_ssize_t capacity) except -1:
        """Move the input to the front of our own buffer, which then has this capacity."""
        cdef const char* before = self.base + self.begin
        cdef Py_ssize_t held = self.end - self.begin
        cdef char* target = self.ours
        if capacity != self.ours_bytes:
            target = <char*>PyMem_Malloc(capacity)
            if target == NULL:
                raise MemoryError
        if held:
            memmove(target, before, held)
            self.shift_words(before, target)
        if target != self.ours:
            PyMem_Free(self.ours)
        self.ours, self.ours_bytes = target, capacity
        self.base, self.at, self.end, self.begin = target, self.at - self.begin, held, 0
        return 0
