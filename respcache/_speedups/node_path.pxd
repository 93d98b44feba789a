# Connections between nodes in the compiled loop; see node_path.pyx.
from .frame_taking cimport FrameTaker
from .replies cimport Output
from .state cimport BusState, ConnectionState, StatisticsState


cdef class NodePath:
    cdef Output out
    cdef StatisticsState statistics
    cdef object finish, drop, give_up, send_rest
    cdef char* frames          # what has come
    cdef bint has_called       # Python code has run that others may have to look after

    cdef bint serve(self, ConnectionState connection, list served) except -1
    cdef bint tell(self, ConnectionState connection, list served) except -1
    cdef int receive(self, ConnectionState connection, BusState bus, FrameTaker taker) except -1
    cdef int answer(self, ConnectionState connection, BusState bus, FrameTaker taker) except -1
    cdef int send(self, ConnectionState connection, BusState bus) except -1
