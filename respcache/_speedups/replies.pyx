"""Replies as bytes, for RESP2 and RESP3: what ``protocol/encoder.py`` does, compiled.

``Output`` writes byte for byte what is returned there; that file says why replies are as they are. A writer writes all of
its reply or, where it raises, nothing. Replies within replies are walked with a stack of our own (``levels.pxd``), so how
deep they are is not the C stack's to say.

Where the bytes wait and how they leave is ``outbox.pyx``'s business. The classes of replies are handed in by
``best_encoders``, for this layer imports nothing of the ones above.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.mem cimport PyMem_Free
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from .levels cimport ITEM_TO_FLATTEN, ITEM_TO_WRITE, Levels, close_levels, next_item, open_dict, open_level
from .outbox cimport KEPT_FROM_BYTES, Outbox, reserve


cdef extern from "Python.h":
    char* PyOS_double_to_string(double value, char format_code, int precision, int flags, int* kind) except NULL


cdef enum:
    HEADER_BYTES = 24  # a mark, 20 digits or a sign and 19, a line end

# What becomes of a reply of each class, by number; those behind LAST_LEAF hold others.
cdef enum:
    TRUTH = 1
    DOUBLE
    TEXT
    CHANGING_BYTES
    WIRE
    SILENCE
    NO_ARRAY
    VERBATIM
    BIG_NUMBER
    LAST_LEAF = BIG_NUMBER
    ITEMS
    UNORDERED_ITEMS
    PUSHED_ITEMS
    ORDERED_PAIRS
    MAPPING
    REPLIES

cdef dict codes = {
    bool: TRUTH, float: DOUBLE, str: TEXT, bytearray: CHANGING_BYTES, list: ITEMS, tuple: ITEMS, dict: MAPPING,
}
CODES_BY_NAME = {
    "SimpleString": WIRE,
    "ErrorReply": WIRE,
    "Raw": WIRE,
    "NoReply": SILENCE,
    "NullArray": NO_ARRAY,
    "Verbatim": VERBATIM,
    "BigNumber": BIG_NUMBER,
    "Unordered": UNORDERED_ITEMS,
    "Push": PUSHED_ITEMS,
    "Pairs": ORDERED_PAIRS,
    "Several": REPLIES,
}
cdef object ok = None  # the singleton, once it is known


cdef inline int digits_of(uint64_t number) noexcept:
    cdef int digits = 1
    while number >= 10:
        number //= 10
        digits += 1
    return digits


cdef inline char* put_digits(char* at, uint64_t number) noexcept:
    """Write a number in decimal; return where it ends."""
    cdef char* end = at + digits_of(number)
    at = end
    while True:
        at -= 1
        at[0] = <char>(c"0" + number % 10)
        number //= 10
        if number == 0:
            return end


cdef inline char* put_header(char* at, char mark, uint64_t number) noexcept:
    at[0] = mark
    at = put_digits(at + 1, number)
    at[0] = c"\r"
    at[1] = c"\n"
    return at + 2


cdef class Output(Outbox):
    """An ``Outbox`` that writes replies."""

    # -- writers -------------------------------------------------------------

    cdef int header(self, char mark, Py_ssize_t items) except -1:
        cdef char* end
        reserve(self, HEADER_BYTES)
        end = put_header(self.data + self.size, mark, items)
        self.total += end - self.data - self.size
        self.size = end - self.data
        return 0

    cdef int bulk(self, const char* data, Py_ssize_t size) except -1:
        cdef char* end
        reserve(self, size + HEADER_BYTES + 2)
        end = put_header(self.data + self.size, c"$", size)
        memcpy(end, data, size)
        end += size
        end[0] = c"\r"
        end[1] = c"\n"
        self.total += end + 2 - self.data - self.size
        self.size = end + 2 - self.data
        return 0

    cdef int integer(self, int64_t number) except -1:
        cdef char* at
        cdef char* begin
        reserve(self, HEADER_BYTES)
        begin = at = self.data + self.size
        at[0] = c":"
        if number < 0:
            at[1] = c"-"
            at = put_digits(at + 2, 0 - <uint64_t>number)
        else:
            at = put_digits(at + 1, number)
        at[0] = c"\r"
        at[1] = c"\n"
        self.size += at + 2 - begin
        self.total += at + 2 - begin
        return 0

    cdef int array(self, Py_ssize_t items) except -1:
        return self.header(c"*", items)

    cdef int null(self, int protocol) except -1:
        return self.raw(b"_\r\n", 3) if protocol == 3 else self.raw(b"$-1\r\n", 5)

    cpdef int bulk_object(self, bytes value) except -1:
        cdef Py_ssize_t size
        if value is None:
            raise TypeError("a value is bytes, not None")
        size = PyBytes_GET_SIZE(value)
        if size < KEPT_FROM_BYTES:
            return self.bulk(PyBytes_AS_STRING(value), size)
        reserve(self, HEADER_BYTES + 2)  # so that nothing fails between the header and the line end
        self.header(c"$", size)
        try:
            self.keep(value)
        except MemoryError:
            self.rewind(self.size - digits_of(size) - 3, self.kept_count)
            raise
        return self.raw(b"\r\n", 2)

    cpdef int reply(self, object reply, int protocol) except -1:
        """Write any reply for a client of protocol 2 or 3. Raises KeyError for what is no reply."""
        if not self.leaf(reply, protocol):
            self.tree(reply, protocol)
        return 0

    # -- replies -------------------------------------------------------------

    cdef int leaf(self, object reply, int protocol) except -1:
        """Write a reply that holds no others; say whether it was one."""
        cdef PyObject* found
        cdef int overflow = 0
        cdef int64_t number
        if type(reply) is bytes:
            self.bulk_object(<bytes>reply)
        elif reply is None:
            self.null(protocol)
        elif type(reply) is int:
            number = PyLong_AsLongLongAndOverflow(reply, &overflow)
            if overflow:
                self.raw_object(b":%d\r\n" % reply)
            else:
                self.integer(number)
        elif reply is ok:
            self.raw(b"+OK\r\n", 5)
        elif type(reply) is list or type(reply) is tuple:
            return 0
        else:
            found = PyDict_GetItemWithError(codes, type(reply))
            if found == NULL:
                raise KeyError(type(reply))
            return self.rare_leaf(reply, <object>found, protocol)
        return 1

    cdef int rare_leaf(self, object reply, int code, int protocol) except -1:
        cdef bytes text
        if code > LAST_LEAF:
            return 0
        if code == WIRE:
            self.raw_object(reply.wire)
        elif code == TEXT:
            self.bulk_object((<str>reply).encode("utf-8", "surrogateescape"))
        elif code == CHANGING_BYTES:
            if PyByteArray_GET_SIZE(reply) < KEPT_FROM_BYTES:
                self.bulk(PyByteArray_AS_STRING(reply), PyByteArray_GET_SIZE(reply))
            else:
                self.bulk_object(bytes(reply))
        elif code == TRUTH:
            if protocol == 3:
                self.raw(b"#t\r\n" if reply is True else b"#f\r\n", 4)
            else:
                self.integer(reply is True)
        elif code == DOUBLE:
            text = double_text(reply)
            if protocol == 3:
                self.raw_object(b",%b\r\n" % text)
            else:
                self.bulk_object(text)
        elif code == NO_ARRAY:
            self.raw(b"_\r\n", 3) if protocol == 3 else self.raw(b"*-1\r\n", 5)
        elif code == VERBATIM:
            if protocol == 3:
                text = reply.text
                self.raw_object(b"=%d\r\n%b:%b\r\n" % (len(text) + 4, reply.format.encode("ascii"), text))
            else:
                self.bulk_object(reply.text)
        elif code == BIG_NUMBER:
            if protocol == 3:
                self.raw_object(b"(%d\r\n" % reply.value)
            else:
                self.bulk_object(b"%d" % reply.value)
        return 1  # SILENCE writes nothing

    cdef int tree(self, object reply, int protocol) except -1:
        """Write a reply that holds others; they are walked level by level."""
        cdef Levels levels
        cdef Py_ssize_t size = self.size
        cdef Py_ssize_t kept_count = self.kept_count
        cdef int found
        memset(&levels, 0, sizeof(Levels))
        try:
            self.open(&levels, reply, protocol)
            while levels.depth:
                found = next_item(&levels)
                if found == ITEM_TO_WRITE:
                    if not self.leaf(<object>levels.item, protocol):
                        self.open(&levels, <object>levels.item, protocol)
                elif found == ITEM_TO_FLATTEN:
                    open_level(&levels, <object>levels.item, False)
        except:
            self.rewind(size, kept_count)
            raise
        finally:
            close_levels(&levels)
        return 0

    cdef int open(self, Levels* levels, object reply, int protocol) except -1:
        """Write the header of a reply that holds others, and go down to these."""
        cdef int code = ITEMS
        if type(reply) is not list and type(reply) is not tuple:
            code = codes[type(reply)]
        if code == ITEMS:
            self.header(c"*", len(reply))
            return open_level(levels, reply, False)
        if code == MAPPING:
            self.header(c"%" if protocol == 3 else c"*", len(reply) if protocol == 3 else 2 * len(reply))
            return open_dict(levels, reply)
        if code == REPLIES:
            return open_level(levels, reply.replies, False)
        items = reply.items
        if code == ORDERED_PAIRS:
            self.header(c"%" if protocol == 3 else c"*", len(items) if protocol == 3 else 2 * len(items))
        else:
            self.header(c"*" if protocol != 3 else c"~" if code == UNORDERED_ITEMS else c">", len(items))
        return open_level(levels, items, code == ORDERED_PAIRS)


cdef bytes double_text(double number):
    """Format as ``%.17g``, whatever the locale; see ``format_double``."""
    cdef char* text = PyOS_double_to_string(number, c"g", 17, 0, NULL)
    try:
        return <bytes>text
    finally:
        PyMem_Free(text)


# -- replies as bytes ----------------------------------------------------------

cdef Output idle = None  # an Output nobody is writing to; encode takes it while it writes


cpdef bytes encode(object reply, int version):
    """Return the wire form of a reply for a client of this protocol version, 2 or 3."""
    global idle
    cdef bytes wire
    cdef Output out
    cdef char* end
    if version != 2 and version != 3:
        raise KeyError(version)
    if type(reply) is bytes:
        return bulk_bytes(<bytes>reply)
    out, idle = idle, None
    if out is None:
        out = Output()
    out.reply(reply, version)
    wire = out.join()
    idle = out
    return wire


cdef bytes bulk_bytes(bytes value):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(value)
    cdef Py_ssize_t whole
    cdef bytes wire
    cdef char* end
    whole = size + digits_of(size) + 5
    wire = PyBytes_FromStringAndSize(NULL, whole)
    end = put_header(PyBytes_AS_STRING(wire), c"$", size)
    memcpy(end, PyBytes_AS_STRING(value), size)
    memcpy(end + size, b"\r\n", 2)
    return wire


def encode_2(reply):
    """Return the wire form of a reply for a client that speaks RESP2."""
    return encode(reply, 2)


def encode_3(reply):
    """Return the wire form of a reply for a client that speaks RESP3."""
    return encode(reply, 3)


def best_encoders(plain_encode, plain_encoders, the_ok, classes):
    """Be told the classes of replies, by name, and the OK that is nearly always the one meant; return the compiled encoders.

    They are for the same classes as the plain ones.
    """
    global ok
    codes.update({classes[name]: code for name, code in CODES_BY_NAME.items()})
    ok = the_ok
    encoders = {2: dict.fromkeys(plain_encoders[2], encode_2), 3: dict.fromkeys(plain_encoders[3], encode_3)}
    return encode, encoders
