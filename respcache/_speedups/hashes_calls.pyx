"""The hash commands, compiled; see ``commands/hashes.py`` and ``hash_increments.py``.

Declined are wrong types, keys past their deadline, numbers that are errors, and an HDEL that might empty a hash.
"""

from libc.stdint cimport int64_t, uint32_t

from .calls cimport Call, Compiled
from .changes cimport modified, put_hash
from .entry cimport Entry
from .fields cimport FieldTable, FieldText, field_at, text_of
from .hash_state cimport HashState, is_hash, new_hash
from .notes cimport HDEL, HINCRBY, HSET
from .numbers cimport LONGEST_NUMBER_BYTES, add_int64, format_int64, parse_int64
from .reads cimport entry_at, is_past, note_miss, note_read
from .replies cimport Output

cdef enum:
    FIELDS
    VALUES
    FIELDS_AND_VALUES


cdef Compiled compiled_command(bytes name):
    """Return the compiled command of this name, in capitals, or NULL."""
    if name == b"HGET":
        return hget
    if name == b"HSET":
        return hset
    if name == b"HMSET":
        return hmset
    if name == b"HMGET":
        return hmget
    if name == b"HGETALL":
        return hgetall
    if name == b"HKEYS":
        return hkeys
    if name == b"HVALS":
        return hvals
    if name == b"HLEN":
        return hlen
    if name == b"HEXISTS":
        return hexists
    if name == b"HSTRLEN":
        return hstrlen
    if name == b"HSETNX":
        return hsetnx
    if name == b"HDEL":
        return hdel
    if name == b"HINCRBY":
        return hincrby
    return NULL


cdef HashState hash_in(Call call, Entry entry):
    """Return the hash of an entry that is alive; None where it is past its deadline, or holds something else."""
    if entry.value == NULL or is_past(call, entry) or not is_hash(<object>entry.value):
        return None
    return <HashState>entry.value


cdef inline bint look_up(Call call, HashState found, int word, FieldText* text) except -1:
    """Find the value of the field that is this word; false where there is none."""
    return found.look_up(call.words[word], call.sizes[word], text)


cdef inline bint store(Call call, HashState changed, int word) except -1:
    """Store the field that is this word, with the next as its value."""
    return changed.store_text(call.words[word], call.sizes[word], call.words[word + 1], call.sizes[word + 1])


# -- reading -------------------------------------------------------------------


cdef HashState found_to_read(Call call, bint* is_missing):
    """Return the hash at the key, and count that; None where there is none, which is counted, or to decline."""
    cdef Entry entry
    cdef HashState found
    is_missing[0] = False
    if not call.may_read:
        return None
    entry = entry_at(call, 1)
    if entry is None:
        note_miss(call)
        is_missing[0] = True
        return None
    found = hash_in(call, entry)
    if found is not None:
        note_read(call, entry)
    return found


cdef inline int write(Output out, const FieldText* text) except -1:
    """Write a value. A long one is not copied."""
    return out.bulk(text.data, text.size) if text.owner == NULL else out.bulk_object(<bytes>text.owner)


cdef int answer_field(Call call, HashState found, int word) except -1:
    """Answer the value of the field that is this word."""
    cdef FieldText text
    return write(call.out, &text) if look_up(call, found, word, &text) else call.out.null(call.protocol)


cdef int hget(Call call) except -1:
    cdef bint is_missing
    cdef HashState found = found_to_read(call, &is_missing)
    if found is not None:
        answer_field(call, found, 2)
    elif is_missing:
        call.out.null(call.protocol)
    else:
        return 0
    return 1


cdef int hmget(Call call) except -1:
    cdef bint is_missing
    cdef HashState found = found_to_read(call, &is_missing)
    cdef int word
    if found is None and not is_missing:
        return 0
    call.out.array(call.argc - 2)
    for word in range(2, call.argc):
        if found is None:
            call.out.null(call.protocol)
        else:
            answer_field(call, found, word)
    return 1


cdef int answer_table(Call call, FieldTable table, int kind) except -1:
    """Write all of a large hash: from its blocks, with no objects between."""
    cdef Output out = call.out
    cdef Py_ssize_t size = out.size, kept_count = out.kept_count
    cdef uint32_t count = table.places.count
    cdef uint32_t place
    cdef Entry field
    cdef FieldText text
    try:
        if kind == FIELDS_AND_VALUES and call.protocol == 3:
            out.header(c"%", count)
        else:
            out.array(2 * <Py_ssize_t>count if kind == FIELDS_AND_VALUES else count)
        for place in range(count):
            field = field_at(table, place)
            if kind != VALUES:
                out.bulk(field.key_data(), field.key_size())
            if kind != FIELDS:
                text = text_of(field)
                write(out, &text)
    except:
        out.rewind(size, kept_count)
        raise
    return 1


cdef int answer_all(Call call, int kind) except -1:
    """Answer all fields, all values, or both."""
    cdef bint is_missing
    cdef HashState found = found_to_read(call, &is_missing)
    if found is None and not is_missing:
        return 0
    fields = {} if found is None else found.fields
    if type(fields) is FieldTable:
        return answer_table(call, <FieldTable>fields, kind)
    if kind == FIELDS:
        fields = list(fields)
    elif kind == VALUES:
        fields = list((<dict>fields).values())
    call.out.reply(fields, call.protocol)
    return 1


cdef int hgetall(Call call) except -1:
    return answer_all(call, FIELDS_AND_VALUES)


cdef int hkeys(Call call) except -1:
    return answer_all(call, FIELDS)


cdef int hvals(Call call) except -1:
    return answer_all(call, VALUES)


cdef int hlen(Call call) except -1:
    cdef bint is_missing
    cdef HashState found = found_to_read(call, &is_missing)
    if found is None and not is_missing:
        return 0
    call.out.integer(0 if found is None else found.count())
    return 1


cdef int field_size(Call call, Py_ssize_t* size) except -1:
    """Find the size of a field's value, -1 where there is none, as HEXISTS and HSTRLEN do; false to decline."""
    cdef bint is_missing
    cdef HashState found = found_to_read(call, &is_missing)
    cdef FieldText text
    size[0] = -1
    if found is None:
        return is_missing
    if look_up(call, found, 2, &text):
        size[0] = text.size
    return 1


cdef int hexists(Call call) except -1:
    cdef Py_ssize_t size
    if not field_size(call, &size):
        return 0
    call.out.integer(size >= 0)
    return 1


cdef int hstrlen(Call call) except -1:
    cdef Py_ssize_t size
    if not field_size(call, &size):
        return 0
    call.out.integer(max(size, 0))
    return 1


# -- changing ------------------------------------------------------------------


cdef int finish_change(Call call, Entry entry, HashState changed, Py_ssize_t old_bytes, tuple notice) except -1:
    """Count a change of the hash of ``entry``; of a new hash, which has no entry yet, store it."""
    if entry is None:
        put_hash(call, call.words[1], call.sizes[1], changed, notice)
    else:
        modified(call, entry, changed.size_bytes - old_bytes, notice)
    return 0


cdef int store_words(Call call, int* created) except -1:
    """Store fields and values, given in turns, and count the fields that are new; false to decline."""
    cdef HashState found
    cdef Entry entry
    cdef Py_ssize_t old_bytes
    cdef int word
    created[0] = 0
    if not call.may_write or call.argc & 1:
        return 0
    entry = entry_at(call, 1)
    found = new_hash() if entry is None else hash_in(call, entry)
    if found is None:
        return 0
    old_bytes = found.size_bytes
    for word in range(2, call.argc, 2):
        created[0] += store(call, found, word)
    if found.compact:
        found.outgrow_words(call.db.hash_limits, call.sizes, 2, call.argc)
    finish_change(call, entry, found, old_bytes, HSET)
    return 1


cdef int hset(Call call) except -1:
    cdef int created
    if not store_words(call, &created):
        return 0
    call.out.integer(created)
    return 1


cdef int hmset(Call call) except -1:
    cdef int created
    if not store_words(call, &created):
        return 0
    call.out.raw(b"+OK\r\n", 5)
    return 1


cdef int hsetnx(Call call) except -1:
    cdef Entry entry
    cdef HashState found
    cdef FieldText text
    if not call.may_write:
        return 0
    entry = entry_at(call, 1)
    if entry is not None:
        found = hash_in(call, entry)
        if found is None:
            return 0
        if look_up(call, found, 2, &text):
            call.out.integer(0)
            return 1
    return hset(call)


cdef int hincrby(Call call) except -1:
    cdef HashState found
    cdef Entry entry
    cdef FieldText old
    cdef Py_ssize_t old_bytes
    cdef int64_t amount
    cdef int64_t number = 0
    cdef char shown[LONGEST_NUMBER_BYTES]
    cdef Py_ssize_t sizes[2]
    if not call.may_write or not parse_int64(call.words[3], call.sizes[3], &amount):
        return 0
    entry = entry_at(call, 1)
    found = new_hash() if entry is None else hash_in(call, entry)
    if found is None:
        return 0
    if look_up(call, found, 2, &old) and not parse_int64(old.data, old.size, &number):
        return 0
    if not add_int64(number, amount, &number):
        return 0
    old_bytes = found.size_bytes
    sizes[0] = call.sizes[2]
    sizes[1] = format_int64(number, shown)
    found.store_text(call.words[2], call.sizes[2], shown, sizes[1])
    if found.compact:
        found.outgrow_words(call.db.hash_limits, sizes, 0, 2)
    finish_change(call, entry, found, old_bytes, HINCRBY)
    call.out.integer(number)
    return 1


cdef int hdel(Call call) except -1:
    cdef HashState found
    cdef Entry entry
    cdef Py_ssize_t old_bytes
    cdef int word
    cdef int removed = 0
    if not call.may_write:
        return 0
    entry = entry_at(call, 1)
    if entry is None:
        call.out.integer(0)
        return 1
    found = hash_in(call, entry)
    if found is None or found.count() <= call.argc - 2:  # its last field may go, and the key with it
        return 0
    old_bytes = found.size_bytes
    for word in range(2, call.argc):
        removed += found.discard_text(call.words[word], call.sizes[word])
    if removed:
        modified(call, entry, found.size_bytes - old_bytes, HDEL)
    call.out.integer(removed)
    return 1
