"""Putting entries into the expiry wheel, as ``keyspace/wheel.py`` does, which says why and does all the rest."""

from libc.stdint cimport int64_t

from .buckets cimport Bucket
from .entry cimport Entry

cdef extern from *:
    int __builtin_clzll(unsigned long long) noexcept nogil

cdef enum:
    FINEST_MS = 16      # as there
    FINEST_STEPS = 64   # waits of so many of these, or fewer, share the finest buckets
    WIDTH_BITS = 6      # buckets beyond are narrower than a wait by so many bits


cdef int64_t due_of(int64_t deadline_ms, int64_t now_ms) noexcept nogil:
    """Return when the bucket of a deadline, which lies ahead, comes due."""
    cdef int64_t wait_ms = deadline_ms - now_ms
    cdef int64_t width_ms
    if wait_ms <= FINEST_STEPS * FINEST_MS:
        return (deadline_ms + FINEST_MS - 1) // FINEST_MS * FINEST_MS
    width_ms = <int64_t>1 << (64 - __builtin_clzll(wait_ms) - WIDTH_BITS)
    return deadline_ms // width_ms * width_ms


cdef int schedule(object wheel, Entry entry, int64_t deadline_ms, int64_t now_ms) except -1:
    """Move an entry to the bucket of its deadline, out of the one that it is in."""
    cdef object due_ms = due_of(deadline_ms, now_ms)
    cdef dict buckets = wheel._buckets
    cdef object bucket = buckets.get(due_ms)
    if bucket is None:
        bucket = wheel._bucket(due_ms)
    (<Bucket?>bucket).put(entry)
    return 0


def bucket_due_ms(int64_t deadline_ms, int64_t now_ms):
    """Return the same as the wheel's ``due_ms``, for a deadline that lies ahead."""
    return due_of(deadline_ms, now_ms)
