"""Settings of the memory: how much, what goes when it is full, and how compactly values are kept."""

from .kinds import LONG_MAX, ULONG_MAX, Choice, Integer, Size
from .parameter import Parameter, Section

POLICIES = (
    "allkeys-s3fifo",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
)
"""Redis' names with Redis' meanings, and one of our own."""


class Memory(Section, title="Memory"):
    """How much may be kept, and what makes room."""

    databases = Parameter(
        "databases",
        Integer(1, 65536),
        16,
        mutable=False,
        doc="Number of databases that SELECT can choose between.",
        reason="As Redis; clients and their tests count on 16.",
    )
    maxmemory_bytes = Parameter(
        "maxmemory",
        Size(0, ULONG_MAX),
        0,
        doc="Most memory that keys and values may take; 0 is no limit.",
        reason="Nobody can guess how much of the machine is meant for the cache: set it.",
    )
    maxmemory_policy = Parameter(
        "maxmemory-policy",
        Choice(*POLICIES),
        "allkeys-s3fifo",
        doc="What goes when memory is full: a choice among all keys or only those with an expiration, or nothing.",
        reason="A cache should make room by itself, and a scan over many keys must not drive out those in daily use.",
    )
    maxmemory_samples = Parameter(
        "maxmemory-samples",
        Integer(1),
        5,
        doc="Keys that lru, lfu and ttl policies look at to find one to evict; more is nearer to the ideal and slower.",
        reason="As Redis: close to true LRU at little cost.",
    )
    lfu_log_factor = Parameter(
        "lfu-log-factor",
        Integer(),
        10,
        doc="How slowly the 8-bit counter of the lfu policies grows; a higher one tells busier keys apart.",
        reason="As Redis: the counter is full after about a million hits.",
    )
    lfu_decay_minutes = Parameter(
        "lfu-decay-time",
        Integer(),
        1,
        doc="Minutes without use after which the counter of the lfu policies loses one; 0 never.",
        reason="As Redis: yesterday's favourites are forgotten within hours.",
    )
    hash_max_listpack_entries = Parameter(
        "hash-max-listpack-entries",
        Integer(0, LONG_MAX),
        512,
        aliases=("hash-max-ziplist-entries",),
        doc="Fields up to which OBJECT ENCODING calls a hash a listpack.",
        reason="As Redis 7.",
    )
    hash_max_listpack_value_bytes = Parameter(
        "hash-max-listpack-value",
        Size(),
        64,
        aliases=("hash-max-ziplist-value",),
        doc="Length in bytes of the longest field or value up to which OBJECT ENCODING calls a hash a listpack.",
        reason="As Redis 7.",
    )
