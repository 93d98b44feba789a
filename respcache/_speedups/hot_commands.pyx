"""The commands that have compiled twins, by name: what the compiled loop looks up for every request.

A table is made of what is on the short way (``Dispatcher.fast``), and made anew when that changes. Names are
found in any spelling, by one probe or two, and without a Python object.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy, memset

from .calls cimport Compiled
from .hashes_calls cimport compiled_command as compiled_hash_command
from .keys_calls cimport compiled_command as compiled_key_command
from .parser cimport RequestParser
from .pubsub_calls cimport compiled_command as compiled_pubsub_command
from .slots cimport slot_of
from .state cimport CommandRecord, GuardState
from .strings_calls cimport compiled_command as compiled_string_command

cdef extern from *:
    int __builtin_clzll(unsigned long long) nogil

cdef int PLACES = 512
cdef int MOST_COMMANDS = 256
"""Half of the places, so that a probe always ends."""


cdef Compiled compiled(bytes name):
    """Return the compiled command of this name, in capitals, or NULL."""
    cdef Compiled found = compiled_string_command(name)
    if found == NULL:
        found = compiled_key_command(name)
    if found == NULL:
        found = compiled_hash_command(name)
    if found == NULL:
        found = compiled_pubsub_command(name)
    return found


cdef class HotCommand:
    """A compiled command, what is asked before it, and what is counted for it."""

    cdef int slot_here(self, RequestParser parser, const unsigned char[:] mine, list written, int highest) except -3:
        """Return the slot that all keys are in, if it is this node's (its mark is 1 to ``highest``).

        It is -1 where that is all the same: there are no keys, or no marks. It is -2 where they are not in one slot of ours, or
        it is not known.
        """
        cdef int at, stop, slot, first = -1
        if not highest or not self.key_step:
            return -1
        if self.has_odd_keys or written:
            return -2
        stop = parser.argc + self.last_key if self.last_key < 0 else self.first_key + self.last_key
        for at in range(self.first_key, stop + 1, self.key_step):
            slot = slot_of(parser.words[at], parser.sizes[at])
            if not 1 <= mine[slot] <= highest or (first >= 0 and slot != first):
                return -2
            first = slot
        return first

    cdef int count(self, long long took_ns) except -1:
        """Count a call."""
        cdef CommandRecord record = self.record
        cdef int bits = 0 if took_ns <= 0 else 64 - __builtin_clzll(<unsigned long long>took_ns)
        record.calls += 1
        record.nanoseconds += took_ns
        record.numbers[bits] += 1
        return 0


cdef class HotCommands:
    """Commands by name, in any spelling: one probe or two, and no Python object."""

    def __cinit__(self):
        self.kept = []
        memset(self.places, 0, sizeof(self.places))

    cdef int add(self, bytes name, HotCommand command) except -1:
        cdef unsigned long long head = 0, tail = 0
        cdef unsigned int at
        if not pack_name(PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name), &head, &tail):
            return 0
        if len(self.kept) >= MOST_COMMANDS:
            raise OverflowError("more compiled commands than places")
        at = place_of(head, tail)
        while self.places[at].command != NULL:
            at = (at + 1) & 511
        self.places[at].head, self.places[at].tail = head, tail
        self.places[at].command = <void*>command
        self.kept.append(command)
        return 1

    cdef HotCommand find(self, const char* name, Py_ssize_t size):
        cdef unsigned long long head = 0, tail = 0
        cdef unsigned int at
        if not pack_name(name, size, &head, &tail):
            return None
        at = place_of(head, tail)
        while self.places[at].command != NULL:
            if self.places[at].head == head and self.places[at].tail == tail:
                return <HotCommand>self.places[at].command
            at = (at + 1) & 511
        return None


cdef inline bint pack_name(
    const char* name, Py_ssize_t size, unsigned long long* head, unsigned long long* tail
) noexcept nogil:
    """Put a name in capitals into two numbers; say whether it fits."""
    cdef char padded[16]
    cdef Py_ssize_t at
    cdef char letter
    if size <= 0 or size > 16:
        return False
    memset(padded, 0, 16)
    for at in range(size):
        letter = name[at]
        if c"a" <= letter <= c"z":
            letter -= 32
        elif letter == 0:
            return False
        padded[at] = letter
    memcpy(head, padded, 8)
    memcpy(tail, padded + 8, 8)
    return True


cdef inline unsigned int place_of(unsigned long long head, unsigned long long tail) noexcept nogil:
    cdef unsigned long long mixed = (head ^ (tail * <unsigned long long>0x9E3779B97F4A7C15)) * <unsigned long long>0xBF58476D1CE4E5B9
    return <unsigned int>(mixed >> 55)


cdef HotCommands commands_of(dict fast):
    """Return the compiled ones of these bound commands, which stand under their names."""
    cdef HotCommand command
    cdef Compiled run
    cdef HotCommands found = HotCommands()
    for name, bound in fast.items():
        run = compiled(name) if name.isupper() else NULL  # the table has other spellings as well; see above
        if run == NULL or len(bound.guards) > 1 or (bound.guards and not isinstance(bound.guards[0], GuardState)):
            continue
        command = HotCommand()
        command.run = run
        command.guard = bound.guards[0] if bound.guards else None
        command.bound = bound
        command.is_write = bound.command.is_write
        command.arity = bound.command.arity
        command.full_name = bound.command.full_name
        command.record = bound.statistics
        for first, last, step, counted, _ in bound.command.spans:
            # Nothing that is compiled has keys in several places; were there one, it would never count as "here".
            command.has_odd_keys = counted or command.key_step > 0
            command.first_key, command.last_key, command.key_step = first, last, step
        found.add(name, command)
    return found
