# Walks through replies within replies, one item after another, without a call within a call for each level.
#
# A stack of levels stands in for the C stack, so no reply is too deep. All of it is inline: it is a part of ``replies.pyx``
# that can be read by itself. What an item is, and how it is written, is not known here.
#
# Whoever walks zeroes a Levels, opens the first level, calls next_item until ``depth`` is 0, and closes, come what may.
from cpython.dict cimport PyDict_Next, PyDict_Size
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.string cimport memcpy

cdef enum:
    FEW_LEVELS = 8  # as many as nearly all replies have, without an allocation

cdef enum:
    LEVEL_IS_OVER = 0
    ITEM_TO_WRITE = 1
    ITEM_TO_FLATTEN = 2   # it is a sequence, whose items come next


cdef enum Kind:
    LIST
    TUPLE
    DICT
    ITERATOR


cdef struct Level:
    PyObject* holder       # owned: a list, a tuple, a dict, or an iterator
    PyObject* value        # owned; of a dict: the value of the key that was last, or NULL
    Py_ssize_t next        # where the next item is
    Py_ssize_t items       # of a dict: how many there were
    Kind kind
    bint is_flattened


cdef struct Levels:
    Level few[FEW_LEVELS]
    Level* many            # all of them once they do not fit in few
    Py_ssize_t capacity    # of many
    Py_ssize_t depth
    PyObject* item         # owned; what next_item has found


cdef inline Level* top_level(Levels* levels) noexcept:
    return (levels.many if levels.many != NULL else levels.few) + levels.depth - 1


cdef inline int make_room(Levels* levels) except -1:
    cdef Level* many
    cdef Py_ssize_t capacity
    if levels.depth < (levels.capacity if levels.many != NULL else FEW_LEVELS):
        return 0
    capacity = 2 * levels.depth
    many = <Level*>PyMem_Realloc(levels.many, capacity * sizeof(Level))
    if many == NULL:
        raise MemoryError
    if levels.many == NULL:
        memcpy(many, levels.few, sizeof(levels.few))
    levels.many, levels.capacity = many, capacity
    return 0


cdef inline int add_level(Levels* levels, object holder, Kind kind, bint is_flattened) except -1:
    cdef Level* level
    make_room(levels)
    Py_INCREF(holder)
    levels.depth += 1
    level = top_level(levels)
    level.holder, level.value, level.next, level.items = <PyObject*>holder, NULL, 0, 0
    level.kind, level.is_flattened = kind, is_flattened
    return 0


cdef inline int open_level(Levels* levels, object items, bint is_flattened) except -1:
    """Go down to the items of any iterable."""
    if type(items) is list:
        return add_level(levels, items, LIST, is_flattened)
    if type(items) is tuple:
        return add_level(levels, items, TUPLE, is_flattened)
    return add_level(levels, iter(items), ITERATOR, is_flattened)


cdef inline int open_dict(Levels* levels, dict pairs) except -1:
    """Go down to the keys and values of a dict, in turn."""
    add_level(levels, pairs, DICT, False)
    top_level(levels).items = len(pairs)
    return 0


cdef inline void close_level(Levels* levels) noexcept:
    cdef Level* level = top_level(levels)
    cdef PyObject* holder = level.holder
    cdef PyObject* value = level.value
    levels.depth -= 1
    Py_XDECREF(value)  # last: it may run anything
    Py_XDECREF(holder)


cdef inline int found(Levels* levels, object item) noexcept:
    cdef PyObject* before = levels.item
    Py_INCREF(item)
    levels.item = <PyObject*>item
    Py_XDECREF(before)
    return ITEM_TO_WRITE


cdef inline int next_of_dict(Levels* levels, Level* level) except -1:
    cdef PyObject* key
    cdef PyObject* value = level.value
    if value != NULL:
        level.value = NULL
        found(levels, <object>value)
        Py_XDECREF(value)
        return ITEM_TO_WRITE
    if PyDict_Size(<object>level.holder) != level.items:
        raise RuntimeError("dictionary changed size during iteration")
    if not PyDict_Next(<object>level.holder, &level.next, &key, &value):
        close_level(levels)
        return LEVEL_IS_OVER
    Py_INCREF(<object>value)
    level.value = value
    return found(levels, <object>key)


cdef inline int next_item(Levels* levels) except -1:
    """Find the next item of the innermost level; where there is none, leave the level."""
    cdef Level* level = top_level(levels)
    cdef int result = ITEM_TO_FLATTEN if level.is_flattened else ITEM_TO_WRITE
    cdef Py_ssize_t at = level.next
    if level.kind == LIST:
        if at < PyList_GET_SIZE(<object>level.holder):
            level.next = at + 1
            found(levels, <object>PyList_GET_ITEM(<object>level.holder, at))
            return result
    elif level.kind == TUPLE:
        if at < PyTuple_GET_SIZE(<object>level.holder):
            level.next = at + 1
            found(levels, <object>PyTuple_GET_ITEM(<object>level.holder, at))
            return result
    elif level.kind == DICT:
        return next_of_dict(levels, level)
    else:
        for item in <object>level.holder:
            found(levels, item)
            return result
    close_level(levels)
    return LEVEL_IS_OVER


cdef inline void close_levels(Levels* levels) noexcept:
    while levels.depth:
        close_level(levels)
    Py_XDECREF(levels.item)
    PyMem_Free(levels.many)
