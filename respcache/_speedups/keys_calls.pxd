# Commands for keys of any type, compiled; see keys_calls.pyx.
from .calls cimport Compiled

cdef Compiled compiled_command(bytes name)
