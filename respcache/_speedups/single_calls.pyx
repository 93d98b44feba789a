"""One compiled command at a time, outside the loop: for tests, which hold each against its Python handler."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc

from .calls cimport Call, Compiled
from .hot_commands cimport compiled
from .state cimport ContextState


def is_compiled(bytes name not None):
    """Say whether the command of this name, in capitals, is compiled."""
    return compiled(name) != NULL


def answer(bytes name not None, ContextState context not None, list argv not None, int protocol):
    """Return the compiled command's answer to ``argv`` in this protocol, None where it declines."""
    cdef Compiled run = compiled(name)
    cdef Call call = Call()
    cdef int at
    if run == NULL:
        raise LookupError(name)
    call.look_at(context, protocol)
    call.argc = len(argv)
    call.words = <const char**>PyMem_Malloc(len(argv) * sizeof(char*))
    call.sizes = <Py_ssize_t*>PyMem_Malloc(len(argv) * sizeof(Py_ssize_t))
    try:
        if call.words == NULL or call.sizes == NULL:
            raise MemoryError
        for at in range(call.argc):
            call.words[at] = PyBytes_AS_STRING(argv[at])
            call.sizes[at] = PyBytes_GET_SIZE(argv[at])
        is_answered = run(call)
        wire = b"".join(call.out.take())
        if not is_answered:
            assert not wire, "who declines writes nothing"
            return None
        return wire
    finally:
        PyMem_Free(call.words)
        PyMem_Free(call.sizes)
        call.words, call.sizes = NULL, NULL
