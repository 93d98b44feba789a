"""Options in clients' words, which may be spelled in any mixture of letters."""


cdef bint is_word(const char* word, Py_ssize_t size, const char* capitals, Py_ssize_t length) noexcept nogil:
    """Say whether a word is this one, given in capitals and consisting of letters only."""
    cdef Py_ssize_t at
    if size != length:
        return False
    for at in range(length):
        if (word[at] & 0xDF) != capitals[at]:  # clears the bit that makes letters small
            return False
    return True


def is_option(bytes word not None, bytes capitals not None):
    """Do the same for Python callers."""
    return is_word(word, len(word), capitals, len(capitals))
