"""Where entries stand: a dense array of them, and an index that finds the place of a key. Grows and shrinks without pauses.

The array holds entries by position, without holes: the last moves into a hole. That is the order of SCAN and the urn
that RANDOMKEY draws from. It is cut in chunks, which are never moved.

The index maps hashes to positions. It is cut in segments of at most some thousand entries, which a directory finds by
the low bits of the hash (extendible hashing: Fagin, Nievergelt, Pippenger and Strong, 1979). Only a segment is ever
rebuilt or split, which takes some ten microseconds, however many keys there are; of the directory there are
eight bytes for several hundred keys. Within a segment an entry stands in the line that its hash names, or in the next
one with room. A line is a cache line of twelve positions, with a tag of eight bits for each, so that keys which are
not here are hardly ever compared, and a count of those who went on to another line: a search ends where it
is zero, and nothing is left behind by who goes.

A key costs 8 bytes in the array and about 7 in the index. Nothing here counts references: ``entries.pyx`` does.
"""

from cpython.object cimport PyObject
from libc.stddef cimport size_t
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from .entry cimport Entry, KeyFacts

cdef extern from *:
    """
    #include <stdlib.h>
    #if defined(__SSE2__)
    #include <emmintrin.h>
    /* The tags of a line and the count behind them are 16 bytes. */
    static inline unsigned respcache_match(const unsigned char *tags, unsigned char tag) {
        __m128i line = _mm_loadu_si128((const __m128i *)(const void *)tags);
        return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(line, _mm_set1_epi8((char)tag))) & 0xFFFu;
    }
    #else
    static inline unsigned respcache_match(const unsigned char *tags, unsigned char tag) {
        unsigned found = 0;
        for (int i = 0; i < 12; i++) found |= (unsigned)(tags[i] == tag) << i;
        return found;
    }
    #endif
    """
    unsigned match "respcache_match"(const uint8_t* tags, uint8_t tag) noexcept
    int lowest_bit "__builtin_ctz"(unsigned bits) noexcept
    void* aligned_alloc(size_t alignment, size_t size) noexcept

cdef enum:
    LINE_BYTES = 64
    # A line is full at eleven: so a search seldom leaves its line, and 92 % of the room is used at best.
    FULL_LINE = 11
    # Rebuilding a segment of this many lines looks at a thousand entries: some ten to fifty microseconds.
    MOST_LINES = 96
    # Eight bits above these make the tag, and the uppermost choose the line. Beyond them segments grow instead
    # of being split; that is past 250 million keys.
    MOST_DEPTH = 18
    # So many lines are worth no shrinking.
    FEW_LINES = 4
    # An empty table gives back a directory of more segments than 2 ** this.
    SMALL_DEPTH = 4


cdef inline Line* lines_of(Segment* segment) noexcept:
    return <Line*>(segment + 1)


cdef inline uint32_t home_line(uint32_t hash, uint32_t lines) noexcept:
    return <uint32_t>((<uint64_t>hash * lines) >> 32)


cdef inline uint8_t tag_of(uint32_t hash) noexcept:
    cdef uint8_t tag = <uint8_t>(hash >> MOST_DEPTH)
    return tag if tag else 1


cdef inline KeyFacts* facts_at(const Places* places, size_t place) noexcept:
    return (<Entry>entry_at(places, place)).key_facts()


cdef inline Segment* segment_for(const Places* places, uint32_t hash) noexcept:
    return places.directory[hash & ((1u << places.depth) - 1)]


# -- looking -----------------------------------------------------------------------


cdef int64_t find(const Places* places, uint32_t hash, const char* key, Py_ssize_t size) noexcept:
    """Return the position of a key, or -1."""
    cdef Segment* segment
    cdef Line* lines
    cdef Line* line
    cdef KeyFacts* facts
    cdef uint32_t at, steps, place
    cdef unsigned found
    cdef uint8_t tag = tag_of(hash)
    if places.count == 0:
        return -1
    segment = segment_for(places, hash)
    lines = lines_of(segment)
    at = home_line(hash, segment.lines)
    for steps in range(segment.lines):
        line = &lines[at]
        found = match(line.tags, tag)
        while found:
            place = line.places[lowest_bit(found)]
            found &= found - 1
            facts = facts_at(places, place)
            if (
                facts.hash == hash
                and facts.size_bytes == <size_t>size
                and memcmp((<Entry>entry_at(places, place)).key_data(), key, size) == 0
            ):
                return place
        if line.passed == 0:
            return -1
        at += 1
        if at == segment.lines:
            at = 0
    return -1


# -- within a segment ----------------------------------------------------------------


cdef void enter(Segment* segment, uint32_t hash, uint32_t place) noexcept:
    """Note a position in the first line with room; there must be some."""
    cdef uint32_t at = home_line(hash, segment.lines)
    cdef Line* line = &lines_of(segment)[at]
    cdef unsigned room = match(line.tags, 0)
    cdef int slot
    while not room:
        line.passed += 1
        at += 1
        if at == segment.lines:
            at = 0
        line = &lines_of(segment)[at]
        room = match(line.tags, 0)
    slot = lowest_bit(room)
    line.tags[slot] = tag_of(hash)
    line.places[slot] = place
    segment.count += 1


cdef uint32_t* slot_of(Segment* segment, uint32_t hash, uint32_t place, int passed, Line** found) noexcept:
    """Return where a position is noted, which must be somewhere; ``passed`` is added to the counts on the way."""
    cdef uint32_t at = home_line(hash, segment.lines)
    cdef uint8_t tag = tag_of(hash)
    cdef Line* line
    cdef unsigned candidates
    cdef int slot
    while True:
        line = &lines_of(segment)[at]
        candidates = match(line.tags, tag)
        while candidates:
            slot = lowest_bit(candidates)
            if line.places[slot] == place:
                found[0] = line
                return &line.places[slot]
            candidates &= candidates - 1
        line.passed += passed
        at += 1
        if at == segment.lines:
            at = 0


cdef void leave(Segment* segment, uint32_t hash, uint32_t place) noexcept:
    """Forget a position."""
    cdef Line* line = NULL
    cdef uint32_t* slot = slot_of(segment, hash, place, -1, &line)
    line.tags[slot - line.places] = 0
    segment.count -= 1


cdef Segment* new_segment(uint32_t lines, uint32_t depth) except NULL:
    cdef size_t size = (<size_t>lines + 1) * LINE_BYTES
    cdef Segment* segment = <Segment*>aligned_alloc(LINE_BYTES, size)
    if segment is NULL:
        raise MemoryError
    memset(segment, 0, size)
    segment.lines = lines
    segment.depth = depth
    return segment


cdef void spread(const Places* places, Segment* source, Segment* low, Segment* high) noexcept:
    """Note all positions of a segment in another one; in ``high`` if the bit that tells them apart is set."""
    cdef uint32_t number, place, hash
    cdef uint32_t bit = 1u << source.depth
    cdef Line* line
    cdef unsigned taken
    for number in range(source.lines):
        line = &lines_of(source)[number]
        taken = ~match(line.tags, 0) & ((1 << LINE_PLACES) - 1)
        while taken:
            place = line.places[lowest_bit(taken)]
            taken &= taken - 1
            hash = facts_at(places, place).hash
            enter(high if high is not NULL and hash & bit else low, hash, place)


cdef void appoint(Places* places, Segment* segment, uint32_t pattern) noexcept:
    """Let the directory lead to a segment wherever a hash ends in its pattern."""
    cdef size_t at = pattern & ((1u << segment.depth) - 1)
    while at < <size_t>1 << places.depth:
        places.directory[at] = segment
        at += <size_t>1 << segment.depth


# -- growing and shrinking -------------------------------------------------------------


cdef int resize(Places* places, Segment* old, uint32_t hash, uint32_t lines) except -1:
    cdef Segment* new = new_segment(lines, old.depth)
    spread(places, old, new, NULL)
    appoint(places, new, hash)
    free(old)
    return 0


cdef int double_directory(Places* places) except -1:
    cdef size_t size = (<size_t>1 << places.depth) * sizeof(Segment*)
    cdef Segment** wider = <Segment**>malloc(2 * size)
    if wider is NULL:
        raise MemoryError
    memcpy(wider, places.directory, size)
    memcpy(wider + (<size_t>1 << places.depth), places.directory, size)
    free(places.directory)
    places.directory = wider
    places.depth += 1
    return 0


cdef uint32_t fitting_lines(uint32_t count) noexcept:
    """Return how many lines leave as much room again as a half of these need."""
    return count * 3 // (2 * FULL_LINE) + 1


cdef int split(Places* places, Segment* old, uint32_t hash) except -1:
    cdef uint32_t number, bit = 1u << old.depth, in_high = 0
    cdef Line* line
    cdef unsigned taken
    cdef Segment* low
    cdef Segment* high
    if old.depth == places.depth:
        double_directory(places)
    for number in range(old.lines):
        line = &lines_of(old)[number]
        taken = ~match(line.tags, 0) & ((1 << LINE_PLACES) - 1)
        while taken:
            in_high += (facts_at(places, line.places[lowest_bit(taken)]).hash & bit) != 0
            taken &= taken - 1
    low = new_segment(fitting_lines(old.count - in_high), old.depth + 1)
    try:
        high = new_segment(fitting_lines(in_high), old.depth + 1)
    except MemoryError:
        free(low)
        raise
    spread(places, old, low, high)
    appoint(places, low, hash & (bit - 1))
    appoint(places, high, (hash & (bit - 1)) | bit)
    free(old)
    return 0


cdef int make_room(Places* places, uint32_t hash) except -1:
    """See that the segment for a hash has room for one more."""
    cdef Segment* segment
    cdef uint32_t lines
    if places.directory is NULL:
        places.directory = <Segment**>malloc(sizeof(Segment*))
        if places.directory is NULL:
            raise MemoryError
        try:
            places.directory[0] = new_segment(1, 0)
        except MemoryError:
            free(places.directory)
            places.directory = NULL
            raise
    while True:
        segment = segment_for(places, hash)
        if segment.count < segment.lines * FULL_LINE:
            return 0
        lines = segment.lines + segment.lines // 2 + 1
        if lines <= MOST_LINES or segment.depth >= MOST_DEPTH:
            resize(places, segment, hash, lines)
        else:
            split(places, segment, hash)


cdef int make_place(Places* places) except -1:
    """See that there is a chunk for one more entry."""
    cdef size_t needed = (<size_t>places.count >> CHUNK_BITS) + 1
    cdef size_t room
    cdef void* block
    if places.count == UINT32_MAX:
        raise MemoryError("positions have 32 bits")
    if needed <= places.chunks_made:
        return 0
    if needed > places.chunks_room:
        room = places.chunks_room * 2 if places.chunks_room else 1
        block = realloc(places.chunks, room * sizeof(PyObject**))
        if block is NULL:
            raise MemoryError
        places.chunks = <PyObject***>block
        places.chunks_room = room
    block = malloc(CHUNK_ENTRIES * sizeof(PyObject*))
    if block is NULL:
        raise MemoryError
    places.chunks[places.chunks_made] = <PyObject**>block
    places.chunks_made += 1
    return 0


cdef int append(Places* places, PyObject* entry) except -1:
    """Put an entry at the end, whose key must not be here. On an error nothing has changed."""
    cdef uint32_t hash = (<Entry>entry).key_facts().hash
    make_place(places)
    make_room(places, hash)
    places.chunks[places.count >> CHUNK_BITS][places.count & (CHUNK_ENTRIES - 1)] = entry
    enter(segment_for(places, hash), hash, places.count)
    places.count += 1
    return 0


cdef void replace(Places* places, uint32_t place, PyObject* entry) noexcept:
    """Put another entry of the same key in a place."""
    places.chunks[place >> CHUNK_BITS][place & (CHUNK_ENTRIES - 1)] = entry


cdef void take(Places* places, uint32_t place) noexcept:
    """Take out the entry in a place; the last one moves there."""
    cdef uint32_t hash = facts_at(places, place).hash
    cdef uint32_t last = places.count - 1
    cdef uint32_t moved
    cdef Line* line = NULL
    leave(segment_for(places, hash), hash, place)
    if place != last:
        moved = facts_at(places, last).hash
        slot_of(segment_for(places, moved), moved, last, 0, &line)[0] = place
        replace(places, place, entry_at(places, last))
    places.count = last
    _shrink(places, hash)


cdef void _shrink(Places* places, uint32_t hash) noexcept:
    """Give back what stands nearly empty after a removal."""
    cdef Segment* segment = segment_for(places, hash)
    # One chunk in hand: who comes and goes at a border does not allocate each time.
    if places.chunks_made > (<size_t>places.count >> CHUNK_BITS) + 2:
        places.chunks_made -= 1
        free(places.chunks[places.chunks_made])
    if places.count == 0 and places.depth > SMALL_DEPTH:
        dismantle(places)
    elif segment.lines > FEW_LINES and segment.count * 4 < segment.lines * FULL_LINE:
        try:
            resize(places, segment, hash, segment.lines // 2)
        except MemoryError:
            pass  # it stays as wide as it was


cdef void dismantle(Places* places) noexcept:
    """Free everything but the entries themselves."""
    cdef size_t at
    cdef Segment* segment
    if places.directory is not NULL:
        at = <size_t>1 << places.depth
        while at:
            at -= 1
            segment = places.directory[at]
            if at >> segment.depth == 0:  # the last of the ways to it, in this order
                free(segment)
        free(places.directory)
    for at in range(places.chunks_made):
        free(places.chunks[at])
    free(places.chunks)
    memset(places, 0, sizeof(Places))


cdef size_t bytes_of(const Places* places) noexcept:
    """Return how much memory the array and the index take."""
    cdef size_t at, size = places.chunks_made * CHUNK_ENTRIES * sizeof(PyObject*) + places.chunks_room * sizeof(void*)
    cdef Segment* segment
    if places.directory is not NULL:
        size += (<size_t>1 << places.depth) * sizeof(Segment*)
        for at in range(<size_t>1 << places.depth):
            segment = places.directory[at]
            if at >> segment.depth == 0:
                size += (<size_t>segment.lines + 1) * LINE_BYTES
    return size
