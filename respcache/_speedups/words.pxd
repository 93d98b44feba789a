# Options in clients' words; see words.pyx.

cdef bint is_word(const char* word, Py_ssize_t size, const char* capitals, Py_ssize_t length) noexcept nogil
