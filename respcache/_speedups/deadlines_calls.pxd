# Compiled commands; see deadlines_calls.pyx.
from .calls cimport Compiled

cdef Compiled compiled_command(bytes name)
