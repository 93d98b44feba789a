"""Finding what stands at a key, counting that, and answering it: what ``Database.read`` and its kin do while nobody
listens to reads, no policy stamps uses, and no read renews a life (``Call.may_read``)."""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_CheckExact, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_CheckExact

from .calls cimport Call
from .entry cimport Entry


cdef Entry live_entry(Call call, int word):
    """Return what stands at a key; if it is past its deadline it dies here, as for ``Database.find``."""
    cdef Entry entry = entry_at(call, word)
    if entry is not None and is_past(call, entry):
        call.has_called = True  # whoever listens to expiries is told, and may have been given something to send
        call.db.find(entry.key)
        return None
    return entry


cdef int answer_miss(Call call) except -1:
    """Count a miss, and answer that there is nothing."""
    note_miss(call)
    call.out.null(call.protocol)
    return 0


cdef int answer_value(Call call, Entry entry) except -1:
    """Answer the string of an entry; null where it has something else. A long one is not copied."""
    cdef const char* text
    cdef Py_ssize_t size
    if entry.value != NULL:
        value = <object>entry.value
        if PyBytes_CheckExact(value):
            call.out.bulk_object(<bytes>value)
        elif PyByteArray_CheckExact(value):  # copied: it may change before it is sent
            call.out.bulk(PyByteArray_AS_STRING(value), PyByteArray_GET_SIZE(value))
        else:
            call.out.null(call.protocol)
    elif entry.has_text(&text, &size):
        call.out.bulk(text, size)
    return 0
