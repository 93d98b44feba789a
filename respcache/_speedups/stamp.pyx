"""What this build is: which sources it was made from, and whether it checks.

``__init__.py`` compares the stamp with its own, so that an extension of another version is not used by mistake. setup.py
hands both in; a build without it has a stamp that fits nothing.
"""

cdef extern from *:
    """
    #ifndef RESPCACHE_STAMP
    #define RESPCACHE_STAMP "unknown"
    #endif
    #ifndef RESPCACHE_CHECKED
    #define RESPCACHE_CHECKED 0
    #endif
    """
    const char* RESPCACHE_STAMP
    int RESPCACHE_CHECKED


STAMP = RESPCACHE_STAMP.decode("ascii")
IS_CHECKED = RESPCACHE_CHECKED != 0
