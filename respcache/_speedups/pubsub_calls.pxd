# Compiled commands; see pubsub_calls.pyx.
from .calls cimport Compiled

cdef Compiled compiled_command(bytes name)
