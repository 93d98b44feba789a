"""The small language of the case tables: what is sent, by which client, and how exactly the replies must agree.

A case is a list of lines; each line is a command with the quoting of redis-cli. Before it may stand:

    B:          the client that sends it (A unless told); clients connect at their first line
    ~           the order of the reply's elements does not matter
    ?           digits in the reply do not matter
    !           only the type of the reply matters

Two lines are not commands: ``raw "*1\r\n..."`` sends bytes as they are, ``sleep 50`` waits for 50 ms.
"""

import re
from dataclasses import dataclass
from enum import Enum

from tests.wire import encode_command, words

Cases = dict[str, list[str]]

_LINE = re.compile(r"(?:([A-Z]): )?([~?!]?)(.*)", re.DOTALL)


class Exactness(Enum):
    """How exactly a line's replies must agree."""

    BY_COMMAND = ""  # as the rule for the command says, and that is mostly: byte for byte
    ANY_ORDER = "~"
    ANY_DIGITS = "?"
    TYPE_ONLY = "!"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a case, taken apart."""

    line: str
    client: str
    exactness: Exactness
    argv: list[bytes]  # empty for raw bytes and pauses
    payload: bytes
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """A named list of steps; the name starts with its table's: ``strings: SET keeps the expiry``."""

    name: str
    steps: list[Step]


def parse_step(line: str) -> Step:
    match = _LINE.fullmatch(line)
    assert match is not None
    client, mark, rest = match[1] or "A", match[2], match[3]
    argv = words(rest)
    match argv:
        case [b"raw", payload]:
            return Step(line, client, Exactness(mark), [], payload)
        case [b"sleep", milliseconds]:
            return Step(line, client, Exactness(mark), [], b"", int(milliseconds) / 1000)
        case _:
            return Step(line, client, Exactness(mark), argv, encode_command(argv))


def parse_cases(table_name: str, table: Cases) -> list[Case]:
    return [
        Case(f"{table_name}: {title}", [parse_step(line) for line in lines]) for title, lines in table.items()
    ]
