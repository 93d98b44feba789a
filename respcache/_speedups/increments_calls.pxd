# INCR and its kin, compiled; see increments_calls.pyx.
from .calls cimport Compiled

cdef Compiled compiled_command(bytes name)
