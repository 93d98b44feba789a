"""A trial's program: which settings, which connections, and what they send in which order. All of it follows from the seed.

A program is plain data, so that it can be played again, and played with parts left out until only the guilty ones remain.
Connections take turns: each step is over, on both servers, before the next begins, or nobody could say what the right order
of replies is. Within a step bytes are cut at random, with the same cuts for both.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from tests.speedups.differential.calls import Call, Calls
from tests.speedups.differential.pieces import Pieces
from tests.speedups.differential.vocabulary import Vocabulary
from tests.wire import encode_command

CONNECTIONS: Final = 4
PARALLEL: Final = 3
DEPTHS: Final = [1, 1, 2, 3, 5, 8, 16, 30, 64, 65, 100, 300]
LONG_DEPTHS: Final = [1023, 1024, 1025, 3000, 10_000]
MOST_CUTS: Final = 8
DELAYS: Final = [b"pause", b"owner-sleep"]
BYTE_BY_BYTE: Final = 150
"""Bytes up to which a burst may be sent one byte at a time."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A connection sends pieces, joined and cut anew."""

    connection: int
    pieces: tuple[bytes, ...]
    cuts: tuple[float, ...] = ()
    """Where to cut, as shares of the whole; so they still mean something when pieces are left out."""
    is_patient: bool = False
    """Whether both servers get time to read each part before the next is sent."""
    is_deaf: bool = False
    """Whether the connection reads nothing at first, until servers can send no more."""
    is_joined: bool = False
    """Whether the next step is sent at the same time; such bursts must not meet in any key."""


@dataclass(frozen=True, slots=True)
class Leave:
    """A connection goes; with ``half``, it only says that it has nothing more to send."""

    connection: int
    half: bool


Step = Burst | Leave


@dataclass(frozen=True, slots=True)
class Program:
    """What one trial does."""

    seed: int
    name: str
    settings: dict[str, str]
    steps: tuple[Step, ...]
    is_lossy: bool = False
    """Whether the servers may keep different keys, because what they evict or expire is a matter of chance."""

    @property
    def has_default_lives(self) -> bool:
        """Whether lives may be renewed: a change, unless it happens within the millisecond of the last."""
        return self._says(b"expiration") or "expiration" in self.settings

    @property
    def is_abrupt(self) -> bool:
        """Whether a connection may be closed at once: what it has been answered in the same turn is then not sent."""
        return self._says(b"host:", b"post", b"kill") or "client-query-buffer-limit" in self.settings

    def _says(self, *words: bytes) -> bool:
        pieces = (piece.lower() for step in self.steps if isinstance(step, Burst) for piece in step.pieces)
        return any(word in piece for piece in pieces for word in words)


@dataclass(frozen=True, slots=True)
class Scene:
    """Settings and what stands at the begin of a program."""

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    opening: tuple[tuple[int, bytes], ...] = ()
    is_lossy: bool = False
    is_parallel: bool = False
    """Whether connections speak all at once, each in a database of its own."""
    is_hasty: bool = False
    """Whether keys live for milliseconds only."""


def _said(connection: int, *lines: str) -> tuple[tuple[int, bytes], ...]:
    return tuple((connection, encode_command(line.encode().split())) for line in lines)


ROOMY: Final = {"maxmemory": "1gb"}
# Settings that any scene or call changes: each trial begins with these.
USUAL: Final = {
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
    "notify-keyspace-events": "",
    "expiration": "infinity",
    "expiration-renew": "on-write",
    "slowlog-log-slower-than": "100000000",
    "slowlog-max-len": "128",
    "hash-max-listpack-entries": "512",
    "proto-max-bulk-len": "512mb",
    "client-query-buffer-limit": "1gb",
    "latency-monitor-threshold": "0",
    "requirepass": "",
}

SCENES: Final = [
    Scene("plain"),
    Scene("plain"),
    Scene("plain"),
    Scene("events", {"notify-keyspace-events": "KEA"}, _said(9, "PSUBSCRIBE __key*__:*")),
    Scene("events in RESP3", {"notify-keyspace-events": "KEA"}, _said(9, "HELLO 3", "PSUBSCRIBE __key*__:*")),
    Scene("monitor", {}, _said(9, "MONITOR")),
    Scene("tracking", {}, _said(9, "HELLO 3", "CLIENT TRACKING on BCAST")),
    Scene("tracking of reads", {}, _said(0, "HELLO 3", "CLIENT TRACKING on", "MGET a b c text number hash")),
    Scene(
        "subscribers",
        {},
        _said(8, "SUBSCRIBE news weather") + _said(9, "HELLO 3", "PSUBSCRIBE n*", "SUBSCRIBE news"),
    ),
    Scene(
        "password",
        {"requirepass": "secret"},
        _said(0, "AUTH secret") + _said(1, "HELLO 3 AUTH default secret"),
    ),
    Scene("slow log of everything", {"slowlog-log-slower-than": "0", "slowlog-max-len": "100000"}),
    Scene("default life", {"expiration": "50000000"}),
    Scene("default life by reads", {"expiration": "50000000", "expiration-renew": "on-access"}),
    Scene("default life once", {"expiration": "50000000", "expiration-renew": "on-create"}),
    Scene("small limits", {"proto-max-bulk-len": "1mb", "client-query-buffer-limit": "1mb"}),
    Scene("small hashes", {"hash-max-listpack-entries": "3"}),
    Scene("s3fifo", {**ROOMY, "maxmemory-policy": "allkeys-s3fifo"}),
    Scene("lru", {**ROOMY, "maxmemory-policy": "allkeys-lru"}),
    Scene("lfu", {**ROOMY, "maxmemory-policy": "allkeys-lfu"}),
    Scene("volatile-ttl", {**ROOMY, "maxmemory-policy": "volatile-ttl"}),
    Scene(
        "at once", {}, _said(0, "SELECT 1") + _said(1, "SELECT 2") + _said(2, "SELECT 3"), is_parallel=True
    ),
    Scene(
        "at once in RESP3",
        {},
        _said(0, "HELLO 3") + _said(1, "SELECT 2") + _said(2, "SELECT 3"),
        is_parallel=True,
    ),
    Scene(
        "short lives",
        {"notify-keyspace-events": "Ex"},
        _said(9, "PSUBSCRIBE *"),
        is_lossy=True,
        is_hasty=True,
    ),
    Scene("full", {"maxmemory": "1"}),
    Scene("evicting by s3fifo", {"maxmemory": "30kb", "maxmemory-policy": "allkeys-s3fifo"}, is_lossy=True),
    Scene("evicting by lru", {"maxmemory": "30kb", "maxmemory-policy": "allkeys-lru"}, is_lossy=True),
    Scene("evicting by lfu", {"maxmemory": "30kb", "maxmemory-policy": "allkeys-lfu"}, is_lossy=True),
    Scene("evicting by ttl", {"maxmemory": "30kb", "maxmemory-policy": "volatile-ttl"}, is_lossy=True),
]


def make_program(seed: int, *, longest: int = LONG_DEPTHS[-1]) -> Program:
    """Return the program of a seed; ``longest`` bounds its pipelines, for those in a hurry."""
    chance = random.Random(seed)
    scene = scene_of(chance)
    maker = _Maker(chance, longest, is_hasty=scene.is_hasty)
    steps: list[Step] = [Burst(number, (wire,)) for number, wire in scene.opening]
    for _ in range(chance.choice([3, 8, 15, 25])):
        steps += maker.parallel_steps() if scene.is_parallel else [maker.step()]
    if "client-query-buffer-limit" in scene.settings:
        steps = [_without_delays(step) for step in steps]
    return Program(seed, scene.name, scene.settings, tuple(steps), scene.is_lossy)


def _without_delays(step: Step) -> Step:
    """Leave out what makes commands wait: whether the input behind them exceeds a limit meanwhile is a matter of time."""
    if isinstance(step, Leave):
        return step
    prompt = (piece for piece in step.pieces if not any(word in piece.lower() for word in DELAYS))
    return replace(step, pieces=tuple(prompt))


def scene_of(chance: random.Random) -> Scene:
    return chance.choice(SCENES)


class _Maker:
    """Draws steps."""

    def __init__(self, chance: random.Random, longest: int, *, is_hasty: bool) -> None:
        self._chance = chance
        self._longest = longest
        self._calls = Calls(Vocabulary(chance, is_hasty=is_hasty))
        self._pieces = Pieces(self._calls)
        # Of one trial: how much of what is sent is broken, how many huge values are, and how much goes to large hashes.
        self._oddness = chance.choice([0.0, 0.0, 0.01, 0.05])
        self._hugeness = chance.choice([0.0, 0.0, 0.0, 0.02])
        self._largeness = chance.choice([0.0, 0.0, 0.0, 0.3])

    def step(self) -> Step:
        chance = self._chance
        connection = chance.randrange(CONNECTIONS)
        if chance.random() < 0.03:
            return Leave(connection, half=chance.random() < 0.5)
        pieces = tuple(self._burst())
        return self._cut(connection, pieces)

    def parallel_steps(self) -> list[Step]:
        """Return bursts of three connections that are sent together: whatever the order, the end is the same."""
        chance = self._chance
        bursts = []
        for connection in range(PARALLEL):
            kind = chance.random()
            if kind < 0.1:
                pieces = self._long()
            elif kind < 0.2:
                pieces = self._transaction(self._calls.common)
            else:
                depth = chance.choice(DEPTHS)
                pieces = [self._pieces.well_formed(self._calls.common) for _ in range(depth)]
            bursts.append(replace(self._cut(connection, tuple(pieces)), is_patient=False))
        return [*(replace(burst, is_joined=True) for burst in bursts[:-1]), bursts[-1]]

    def _burst(self) -> list[bytes]:
        chance = self._chance
        kind = chance.random()
        if kind < 0.04:
            return self._long()
        if kind < 0.16:
            return self._transaction(chance.choice([self._calls.common, self._calls.any]))
        depth = chance.choice(DEPTHS)
        if kind < 0.4:  # what a pipeline of a cache looks like: nothing that leaves the short way
            return [self._pieces.well_formed(self._calls.common) for _ in range(depth)]
        return [self._piece() for _ in range(min(depth, 65))]

    def _piece(self) -> bytes:
        kind = self._chance.random()
        if kind < self._oddness:
            return self._pieces.odd()
        if kind < self._oddness + self._hugeness:
            return self._pieces.huge()
        if self._chance.random() < self._largeness:
            return self._pieces.large()
        return self._pieces.well_formed()

    def _long(self) -> list[bytes]:
        """Return a pipeline longer than a connection's turn: a few calls, again and again."""
        chance = self._chance
        depth = min(chance.choice(LONG_DEPTHS), self._longest)
        drawn = [self._pieces.well_formed(self._calls.common) for _ in range(60)]
        # The same life again is later than the first by some milliseconds, or by none.
        short = [one for one in drawn if len(one) < 400 and b"GT" not in one and b"LT" not in one]
        # First of all the long values go: ten thousand answers of 100 KiB would tell nothing that one does not.
        return [encode_command([b"FLUSHDB"]), *(chance.choice(short) for _ in range(depth))] if short else []

    def _transaction(self, draw: Callable[[], Call]) -> list[bytes]:
        chance = self._chance
        queued = [self._pieces.well_formed(draw) for _ in range(chance.randrange(8))]
        watch = [encode_command([b"WATCH", self._calls.words.key()])] if chance.random() < 0.4 else []
        end = encode_command([chance.choice([b"EXEC", b"EXEC", b"EXEC", b"DISCARD"])])
        return [*watch, encode_command([b"MULTI"]), *queued, end]

    def _cut(self, connection: int, pieces: tuple[bytes, ...]) -> Burst:
        chance = self._chance
        size = sum(map(len, pieces))
        kind = chance.random()
        if kind < 0.4:
            return Burst(connection, pieces)
        if kind < 0.5 and size <= BYTE_BY_BYTE:
            cuts = tuple(place / size for place in range(1, size)) if size else ()
        else:
            cuts = tuple(sorted(chance.random() for _ in range(chance.randint(1, MOST_CUTS))))
        is_patient, is_deaf = chance.choice([(False, False), (True, False), (True, False), (False, True)])
        return Burst(connection, pieces, cuts, is_patient, is_deaf)


def parts_of(burst: Burst) -> list[bytes]:
    """Return what a burst sends, cut."""
    data = b"".join(burst.pieces)
    places = [0, *(round(share * len(data)) for share in burst.cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(places) if end > begin]
