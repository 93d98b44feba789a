# Compiled commands; see connection_calls.pyx.
from .calls cimport Compiled

cdef Compiled compiled_command(bytes name)
