# Which slot a key is in; see slots.pyx.

cdef int slot_of(const char* key, Py_ssize_t size) noexcept nogil
