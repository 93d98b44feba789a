# What time it is, in the C library's own call: a request is timed by one, and would feel Python's.
from libc.time cimport time_t


cdef extern from "time.h" nogil:
    struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int, timespec*)
    enum: CLOCK_MONOTONIC, CLOCK_REALTIME


cdef inline long long now_ns() noexcept nogil:
    # Nanoseconds since some moment; never goes back.
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <long long>now.tv_sec * 1_000_000_000 + now.tv_nsec


cdef inline long long wall_ms() noexcept nogil:
    # Unix time in milliseconds.
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return <long long>now.tv_sec * 1000 + now.tv_nsec // 1_000_000


cdef inline int milliseconds(long long ns) noexcept nogil:
    # Rounded up: a wait that ends too early would be a wait for nothing.
    return <int>((ns + 999_999) // 1_000_000) if ns > 0 else 0
