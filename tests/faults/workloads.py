"""What clients do: each worker is a generator that yields a command and is sent the operation that it became.

Everything follows from the worker's number and its source of chance. No key has two writers, but counters and grants, whose
point that is. After an operation of unknown outcome a worker leaves the key alone: whatever came of it, checkers can then still say what
must be true of all other keys.
"""

import random
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from tests.cluster.processes import slot_of

from .history import Kind, Operation, Outcome

SLOTS_PER_PARTITION: Final = 16

WATCHED: Final = 64
"""Partitions that are asked often, so that their outages are known to some 50 ms."""

COUNTERS: Final = 32

POOL_KEYS: Final = 60
"""Keys that a worker of ``registers`` has at a time: at ten operations a second each lives for half a minute."""

FIELDS_PER_HASH: Final = 300
KEPT_KEYS: Final = 30
"""Keys that a worker of ``churn`` keeps before it reads and deletes the oldest: the amount of data stays what it is."""

LIFE_MS: Final = 1500
LOOKS_AT_A_LIFE: Final = 4


@dataclass(frozen=True, slots=True)
class Command:
    kind: Kind
    key: str
    value: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """Who does it: ``number`` is nobody else's."""

    number: int
    chance: random.Random


Work = Generator[Command, Operation, None]


def partition_of(key: str) -> int:
    return slot_of(key.encode()) // SLOTS_PER_PARTITION


def watched_tags(amount: int = WATCHED) -> list[str]:
    """Return words that, as hash tags, lead to as many partitions, spread over all."""
    found: dict[int, str] = {}
    for number in count():
        place = partition_of(f"w{number}") * amount // 1024
        found.setdefault(place, f"w{number}")
        if len(found) == amount:
            return [found[place] for place in sorted(found)]
    raise AssertionError("there is no last number")


def write(key: str, value: str) -> Command:
    return Command(Kind.WRITE, key, value, ("SET", key, value))


def read(key: str) -> Command:
    return Command(Kind.READ, key, "", ("GET", key))


def delete(key: str) -> Command:
    return Command(Kind.DELETE, key, "", ("DEL", key))


def unique(seat: Seat) -> Work:
    """Write a key once, over all partitions."""
    for number in count():
        yield write(f"unique:{seat.number}:{number}", f"{seat.number}.{number}")


def watched(seat: Seat) -> Work:
    """Write a key once, in the watched partitions."""
    tags = watched_tags()
    for number in count():
        yield write(f"watched:{seat.number}:{number}:{{{seat.chance.choice(tags)}}}", f"{number}")


def registers(seat: Seat) -> Work:
    """Write, read and delete keys of one's own: reads follow acknowledged writes, and what is deleted is never written again."""
    keys: list[str] = []
    numbers = count()
    while True:
        if len(keys) < POOL_KEYS:
            keys.append(f"register:{seat.number}:{next(numbers)}")
        key = seat.chance.choice(keys)
        chance = seat.chance.random()
        done = yield (delete(key) if chance < 0.1 else write(key, f"{next(numbers)}"))
        if done.outcome is Outcome.OK:
            yield read(key)
        if done.outcome is Outcome.UNKNOWN or done.kind is Kind.DELETE:
            keys.remove(key)


def churn(seat: Seat) -> Work:
    """Write keys, and read and delete the oldest: as much data after an hour as after a minute."""
    keys: deque[str] = deque()
    for number in count():
        key = f"churn:{seat.number}:{number}"
        if (yield write(key, f"{number}")).outcome is not Outcome.FAIL:
            keys.append(key)
        if len(keys) > KEPT_KEYS:
            oldest = keys.popleft()
            yield read(oldest)
            yield delete(oldest)


def increments(seat: Seat) -> Work:
    """Count, on counters that all workers share; they lie in watched partitions."""
    tags = watched_tags()[:: WATCHED // COUNTERS]
    while True:
        key = f"counter:{{{seat.chance.choice(tags)}}}"
        yield Command(Kind.INCREMENT, key, "", ("INCR", key))


def grants(seat: Seat) -> Work:
    """Race for keys: all workers want the same ones in the same order."""
    for number in count():
        key = f"grant:{number}"
        yield Command(Kind.GRANT, key, f"{seat.number}", ("SET", key, f"{seat.number}", "NX"))


def fleeting(seat: Seat) -> Work:
    """Write keys with a life, and look at them before and after its end."""
    for number in count():
        key, value = f"fleeting:{seat.number}:{number}", f"{LIFE_MS}:{number}"
        yield Command(Kind.FLEETING, key, value, ("SET", key, value, "PX", f"{LIFE_MS}"))
        for _ in range(LOOKS_AT_A_LIFE):
            yield read(key)


def fields(seat: Seat) -> Work:
    """Set fields of a hash, each once."""
    for number in count():
        key, field = f"hash:{seat.number}:{number // FIELDS_PER_HASH}", f"{number}"
        yield Command(Kind.FIELD, key, field, ("HSET", key, field, "x" * 20))


ALL: Final[Mapping[str, Callable[[Seat], Work]]] = {
    work.__name__: work for work in (unique, watched, registers, churn, increments, grants, fleeting, fields)
}


def last_looks(history: Iterable[Operation]) -> list[Command]:
    """Return how to see in the end what became of every key that anybody tried to change."""
    looks = {operation.key: look for operation in history if (look := _look(operation.kind, operation.key))}
    return list(looks.values())


def _look(kind: Kind, key: str) -> Command | None:
    match kind:
        case Kind.WRITE | Kind.DELETE | Kind.FLEETING:
            return read(key)
        case Kind.INCREMENT:
            return Command(Kind.COUNT, key, "", ("GET", key))
        case Kind.GRANT:
            return Command(Kind.HOLDER, key, "", ("GET", key))
        case Kind.FIELD:
            return Command(Kind.FIELDS, key, "", ("HKEYS", key))
        case _:
            return None
