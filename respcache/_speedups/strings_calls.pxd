# The string commands, compiled; see strings_calls.pyx.
from .calls cimport Compiled

cdef Compiled compiled_command(bytes name)
