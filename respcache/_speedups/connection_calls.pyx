"""PING and ECHO, compiled; see ``commands/connection.py``. Clients in RESP2's subscriber mode, whose PING differs, never
come here: they are not ordinary."""

from .calls cimport Call, Compiled


cdef Compiled compiled_command(bytes name):
    """Return the compiled command of this name, in capitals, or NULL."""
    if name == b"PING":
        return ping
    if name == b"ECHO":
        return echo
    return NULL


cdef int ping(Call call) except -1:
    if call.argc > 2:
        return 0
    if call.argc == 1:
        call.out.raw(b"+PONG\r\n", 7)
        return 1
    return echo(call)


cdef int echo(Call call) except -1:
    call.out.bulk(call.words[1], call.sizes[1])
    return 1
