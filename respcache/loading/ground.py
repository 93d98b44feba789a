"""What loaders stand upon: the server's parts that loading needs, and nothing else of it."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ..events.record import Event
from ..keyspace.clock import Clock
from ..keyspace.database import Database


class Owners(Protocol):
    """Those that keep a key's commands waiting. While a key is marked, they see to it that every write is told of."""

    def engage(self, db: int, key: bytes) -> None: ...
    def release(self, db: int, key: bytes) -> None: ...
    def is_working(self, db: int, key: bytes) -> bool: ...
    def mark(self, db: int, key: bytes) -> None: ...
    def unmark(self, db: int, key: bytes) -> None: ...


class Ground(msgspec.Struct, frozen=True):
    """Filled by the composition root."""

    databases: Sequence[Database]
    clock: Clock
    set_clock: Callable[[], None]
    """Sets the clock to now; called once before results are stored."""
    chance: random.Random
    owners: Owners
    make_room: Callable[[], bool]
    """Keep to ``maxmemory``; false where nothing may be stored."""
    is_mine: Callable[[bytes], bool]
    """Whether this node owns the key, in a cluster."""
    publish: Callable[[Event], None]
    wants: Callable[[type[Event]], bool]
    """Whether anybody listens to such events."""
    name: str
    """What events call this node."""
