"""What compiled commands have changed, noted where anybody listens who takes notes, and told in one go.

An event as such costs several times what a compiled SET does. A note costs little; the listener is told of many at once, and
does with them what it likes. Whoever wants more than a note says (a value, a key that is watched) keeps compiled
commands from writing at all (``Call.may_write``).

No Python code runs between a note and its telling, but for what the journal tells itself, and that
tells notes first. So nobody sees changes in another order than they happened.
"""

from .calls cimport Call

SET = ("$", "set")
INCRBY = ("$", "incrby")
DEL = ("g", "del")
EXPIRE = ("g", "expire")
PERSIST = ("g", "persist")
HSET = ("h", "hset")
HDEL = ("h", "hdel")
HINCRBY = ("h", "hincrby")


cdef bint tell(Call call) except -1:
    """Tell whoever listens what has been noted; say whether Python code has run for that."""
    if not call.notes:
        return False
    call.journal.tell_notes()
    return True
