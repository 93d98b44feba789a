"""What clients did and what came of it: the only thing that checkers look at.

Times are seconds of the monotonic clock, which all processes of one machine share. An operation that was refused in so many
words is ``fail``: it has not run, and must leave no trace. One whose connection was lost, or that nobody answered in time, is ``unknown``:
it may have run, may not, and may yet.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

FINAL: Final = -1
"""The worker that reads everything when all is over."""


class Outcome(StrEnum):
    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    WRITE = "write"
    """SET of a key that one worker alone writes; the value is never written twice."""
    READ = "read"
    DELETE = "delete"
    FLEETING = "fleeting"
    """SET with a life in milliseconds; the value is ``<life>:<anything>``."""
    INCREMENT = "increment"
    COUNT = "count"
    """GET of a counter."""
    GRANT = "grant"
    """SET NX; the value is the one who wants it, the reply is OK or None."""
    HOLDER = "holder"
    """GET of what was granted."""
    FIELD = "field"
    """HSET of a field that is set once; the value is the field."""
    FIELDS = "fields"
    """HKEYS; the reply has one field in a line."""


class Operation(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One thing asked by one client of one node."""

    worker: int
    node: str
    kind: Kind
    key: str
    value: str
    begun_s: float
    ended_s: float
    outcome: Outcome
    reply: str | None
    """What was answered, an error as well; None is a nil, or no answer at all."""


REFUSALS: Final = (
    "TRYAGAIN",
    "CLUSTERDOWN",
    "MOVED",
    "LOADING",
    "NOREPLICAS",
    "MASTERDOWN",
    "OOM",
    "READONLY",
)
"""Errors that say that nothing was done. Anything else leaves it open."""


def outcome_of_error(text: str) -> Outcome:
    """Say what an error reply tells about the command."""
    return Outcome.FAIL if text.split(" ", 1)[0] in REFUSALS else Outcome.UNKNOWN


def write_history(path: Path, operations: Iterable[Operation]) -> None:
    encoder = msgspec.json.Encoder()
    with path.open("ab") as file:
        for operation in operations:
            file.write(encoder.encode(operation) + b"\n")


def read_history(path: Path) -> list[Operation]:
    """Read what was written; a last line that is not whole, of a client that was killed, is left out."""
    decoder = msgspec.json.Decoder(Operation)
    lines = path.read_bytes().split(b"\n")
    return [decoder.decode(line) for line in lines[:-1]]
