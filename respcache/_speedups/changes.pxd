# Changes of a database that nobody has to be told of; see changes.pyx.
from libc.stdint cimport int64_t

from .calls cimport Call
from .entry cimport Entry
from .hash_state cimport HashState


cdef Py_ssize_t size_of_value(Entry entry) except -1
cdef Entry put_text(
    Call call, Entry entry, const char* key, Py_ssize_t key_size, const char* text, Py_ssize_t text_size,
    bint keep_deadline, tuple notice
)
cdef Entry place_text(
    Call call, Entry entry, const char* key, Py_ssize_t key_size, const char* text, Py_ssize_t text_size,
    bint keep_deadline, tuple notice
)
cdef int put_hash(Call call, const char* key, Py_ssize_t key_size, HashState value, tuple notice) except -1
cdef int modified(Call call, Entry entry, Py_ssize_t grown_bytes, tuple notice) except -1
cdef int set_deadline(Call call, Entry entry, int64_t deadline_ms) except -1
cdef int clear_deadline(Call call, Entry entry) except -1
cdef int remove(Call call, Entry entry) except -1
cdef int touched(Call call, Entry entry, tuple notice) except -1
