"""The string commands, compiled: GET and SET whole, and their kin; numbers in strings are in ``increments_calls.pyx``.

Each does what the command of that name in ``commands/strings.py`` or ``string_lives.py`` does, or declines; see ``calls.pyx``.
Declined are wrong types, keys past their deadline, words that are errors, and deadlines that have passed already.
"""

from libc.stdint cimport INT64_MAX, int64_t

from .calls cimport Call, Compiled
from .changes cimport clear_deadline, place_text, put_text, remove, set_deadline, touched
from .entry cimport Entry
from .increments_calls cimport compiled_command as compiled_increment
from .notes cimport EXPIRE, PERSIST, SET, TOUCHED, note
from .numbers cimport parse_int64
from .reads cimport answer_miss, answer_value, entry_at, is_past, is_text, live_entry, note_miss, note_read
from .recording cimport stored
from .words cimport is_word


cdef struct SetOptions:
    bint only_new      # NX
    bint only_existing # XX
    bint get
    bint keep_deadline
    int time           # the word after EX, PX, EXAT or PXAT; 0: none
    int64_t unit_ms
    bint is_absolute


cdef Compiled compiled_command(bytes name):
    """Return the compiled command of this name, in capitals, or NULL."""
    if name == b"GET":
        return get
    if name == b"SET":
        return set_
    if name == b"MGET":
        return mget
    if name == b"MSET":
        return mset
    if name == b"SETEX":
        return setex
    if name == b"PSETEX":
        return psetex
    if name == b"SETNX":
        return setnx
    if name == b"GETSET":
        return getset
    if name == b"GETDEL":
        return getdel
    if name == b"GETEX":
        return getex
    if name == b"STRLEN":
        return strlen
    return compiled_increment(name)


# -- reading -------------------------------------------------------------------


cdef enum Outcome:
    DECLINED
    MISSING
    FOUND


cdef inline Outcome answer_string(Call call, Entry entry) except? DECLINED:
    """Read and answer the string of an entry, null for None; or decline, and leave no trace."""
    if entry is None:
        answer_miss(call)
        return MISSING
    if is_past(call, entry) or not is_text(entry):
        return DECLINED
    note_read(call, entry)
    answer_value(call, entry)
    return FOUND


cdef int get(Call call) except -1:
    return call.may_read and answer_string(call, entry_at(call, 1)) != DECLINED


cdef int mget(Call call) except -1:
    cdef Entry entry
    cdef int word
    if not call.may_read:
        return 0
    call.out.array(call.argc - 1)
    for word in range(1, call.argc):
        entry = live_entry(call, word)
        if entry is None:
            answer_miss(call)
            continue
        note_read(call, entry)
        answer_value(call, entry)
    return 1


cdef int strlen(Call call) except -1:
    cdef Entry entry
    cdef const char* text
    cdef Py_ssize_t size
    if not call.may_read:
        return 0
    entry = entry_at(call, 1)
    if entry is None:
        note_miss(call)
        call.out.integer(0)
        return 1
    if is_past(call, entry) or not entry.has_text(&text, &size):
        return 0
    note_read(call, entry)
    call.out.integer(size)
    return 1


# -- SET ---------------------------------------------------------------------------


cdef bint take_option(SetOptions* options, const char* word, Py_ssize_t size) noexcept:
    """Note one option; false where it is none, or another of its kind was there before it."""
    cdef int64_t unit_ms
    cdef bint is_absolute
    if is_word(word, size, b"NX", 2):
        options.only_new = True
        return not options.only_existing
    if is_word(word, size, b"XX", 2):
        options.only_existing = True
        return not options.only_new
    if is_word(word, size, b"GET", 3):
        options.get = True
        return True
    if is_word(word, size, b"KEEPTTL", 7):
        options.keep_deadline = True
        return options.unit_ms == 0
    if size < 2:
        return False
    unit_ms = 1000 if word[0] & 0xDF == c"E" else 1
    is_absolute = size == 4
    if not (
        is_word(word, size, b"EX", 2) or is_word(word, size, b"PX", 2)
        or is_word(word, size, b"EXAT", 4) or is_word(word, size, b"PXAT", 4)
    ):
        return False
    if options.keep_deadline:
        return False
    if options.unit_ms != 0 and (options.unit_ms != unit_ms or options.is_absolute != is_absolute):
        return False
    options.unit_ms = unit_ms
    options.is_absolute = is_absolute
    return True


cdef void clear_options(SetOptions* options) noexcept:
    options.only_new = options.only_existing = options.get = options.keep_deadline = options.is_absolute = False
    options.time = 0
    options.unit_ms = 0


cdef bint parse_options(Call call, SetOptions* options) noexcept:
    """Read SET's options; false where anything is odd about them."""
    cdef int word = 3
    cdef char kind
    clear_options(options)
    while word < call.argc:
        if not take_option(options, call.words[word], call.sizes[word]):
            return False
        if call.sizes[word] == 2 or call.sizes[word] == 4:
            kind = call.words[word][0] & 0xDF
            if kind == c"E" or kind == c"P":
                word += 1
                if word == call.argc:
                    return False
                options.time = word
        word += 1
    return True


cdef int64_t deadline_after(Call call, int word, int64_t unit_ms, bint is_absolute) noexcept:
    """Return the deadline that a word of time asks for; 0 where that is an error, or has passed."""
    cdef int64_t time
    cdef int64_t base_ms = 0 if is_absolute else call.now_ms
    if not parse_int64(call.words[word], call.sizes[word], &time):
        return 0
    if time <= 0 or time > (INT64_MAX - base_ms) // unit_ms:
        return 0
    time = time * unit_ms + base_ms
    return time if time > call.now_ms else 0


cdef int set_(Call call) except -1:
    cdef Entry entry
    if not call.may_put:
        return 0
    if call.argc > 3:
        return set_with_options(call)
    entry = entry_at(call, 1)
    if entry is not None and is_past(call, entry):
        return 0
    put_text(call, entry, call.words[1], call.sizes[1], call.words[2], call.sizes[2], False, SET)
    call.out.raw(b"+OK\r\n", 5)
    return 1


cdef int set_with_options(Call call) except -1:
    cdef Entry entry
    cdef SetOptions options
    cdef int64_t deadline_ms = 0
    if not parse_options(call, &options):
        return 0
    if options.time != 0:
        deadline_ms = deadline_after(call, options.time, options.unit_ms, options.is_absolute)
        if deadline_ms == 0:
            return 0
    entry = entry_at(call, 1)
    if entry is not None and is_past(call, entry):
        return 0
    if options.get and answer_string(call, entry) == DECLINED:
        return 0
    if options.only_existing if entry is None else options.only_new:
        if not options.get:
            call.out.null(call.protocol)
        return 1
    put_until(call, entry, 2, deadline_ms, options.keep_deadline)
    if not options.get:
        call.out.raw(b"+OK\r\n", 5)
    return 1


cdef int put_until(Call call, Entry entry, int value, int64_t deadline_ms, bint keep_deadline) except -1:
    """Store the word ``value`` at the key, with a deadline unless it is 0."""
    entry = place_text(
        call, entry, call.words[1], call.sizes[1], call.words[value], call.sizes[value],
        keep_deadline or deadline_ms != 0, SET,
    )
    if deadline_ms != 0:
        set_deadline(call, entry, deadline_ms)
        note(call, TOUCHED, EXPIRE, call.words[1], call.sizes[1])  # a second word for the same change
    if call.recorder is not None:
        stored(call, entry)
    return 0


# -- its kin -------------------------------------------------------------------


cdef int set_for(Call call, int64_t unit_ms) except -1:
    """Do what SETEX and PSETEX do."""
    cdef Entry entry
    cdef int64_t deadline_ms
    if not call.may_put:
        return 0
    deadline_ms = deadline_after(call, 2, unit_ms, False)
    if deadline_ms == 0:
        return 0
    entry = entry_at(call, 1)
    if entry is not None and is_past(call, entry):
        return 0
    put_until(call, entry, 3, deadline_ms, False)
    call.out.raw(b"+OK\r\n", 5)
    return 1


cdef int setex(Call call) except -1:
    return set_for(call, 1000)


cdef int psetex(Call call) except -1:
    return set_for(call, 1)


cdef int setnx(Call call) except -1:
    cdef Entry entry
    if not call.may_put:
        return 0
    entry = entry_at(call, 1)
    if entry is not None:
        if is_past(call, entry):
            return 0
        call.out.integer(0)
        return 1
    put_text(call, None, call.words[1], call.sizes[1], call.words[2], call.sizes[2], False, SET)
    call.out.integer(1)
    return 1


cdef int getset(Call call) except -1:
    cdef Entry entry
    if not call.may_put:
        return 0
    entry = entry_at(call, 1)
    if answer_string(call, entry) == DECLINED:
        return 0
    put_text(call, entry, call.words[1], call.sizes[1], call.words[2], call.sizes[2], False, SET)
    return 1


cdef int getdel(Call call) except -1:
    cdef Entry entry
    cdef Outcome outcome
    if not call.may_write:
        return 0
    entry = entry_at(call, 1)
    outcome = answer_string(call, entry)
    if outcome == FOUND:
        remove(call, entry)
    return outcome != DECLINED


cdef int getex(Call call) except -1:
    """Answer a string, and renew its life or take the deadline away; declines more than one option."""
    cdef Entry entry
    cdef SetOptions options
    cdef Outcome outcome
    cdef int64_t deadline_ms = 0
    cdef bint persists = call.argc == 3 and is_word(call.words[2], call.sizes[2], b"PERSIST", 7)
    if not call.may_write:
        return 0
    if call.argc > 2 and not persists:
        clear_options(&options)
        if call.argc != 4 or not take_option(&options, call.words[2], call.sizes[2]) or options.unit_ms == 0:
            return 0
        deadline_ms = deadline_after(call, 3, options.unit_ms, options.is_absolute)
        if deadline_ms == 0:
            return 0
    entry = entry_at(call, 1)
    outcome = answer_string(call, entry)
    if outcome == FOUND:
        if deadline_ms != 0:
            set_deadline(call, entry, deadline_ms)
            touched(call, entry, EXPIRE)
        elif persists and clear_deadline(call, entry):
            touched(call, entry, PERSIST)
    return outcome != DECLINED


cdef int mset(Call call) except -1:
    cdef int word
    if not call.may_put or not call.argc & 1:
        return 0
    for word in range(1, call.argc, 2):
        put_text(
            call, live_entry(call, word), call.words[word], call.sizes[word], call.words[word + 1], call.sizes[word + 1],
            False, SET,
        )
    call.out.raw(b"+OK\r\n", 5)
    return 1
