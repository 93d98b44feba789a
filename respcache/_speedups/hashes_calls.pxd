# The hash commands, compiled; see hashes_calls.pyx.
from .calls cimport Compiled

cdef Compiled compiled_command(bytes name)
