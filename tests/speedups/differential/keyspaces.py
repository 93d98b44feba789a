"""What two servers hold at the end of a trial, and what they say of themselves: the same keys, the same counters.

All is asked over the protocol. Keys are compared with type, encoding, value and deadline, in every database; of INFO
everything is, but what time, memory and the machine have a part in.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from tests.speedups.differential.masks import first_difference, shown
from tests.speedups.differential.pieces import LARGE_HASHES
from tests.speedups.differential.sides import Side
from tests.wire import parse

DATABASES: Final = 16
SECTIONS: Final = ("clients", "stats", "commandstats", "errorstats", "keyspace")

# Rates and clocks; bytes and system calls, which depend on how a stream was cut under way.
NOT_COMPARED: Final = re.compile(
    r"instantaneous_|total_net_|total_(reads|writes)_processed|loop_lag|client_recent_max"
)
# How long commands took, and when keys with a deadline will have gone on average.
TIMES: Final = re.compile(r",?(usec|usec_per_call|avg_ttl)=[0-9.]+")


def differences_of_state(one: Side, other: Side, *, with_changes: bool) -> list[str]:
    """Return how the two differ; empty if they do not."""
    found = _differing_lines("INFO", *(_info(side) for side in (one, other)))
    if with_changes and one.changes() != other.changes():
        found.append(f"the keyspace has changed {one.changes()} times and {other.changes()} times")
    for number in range(DATABASES):
        keys = [_keys(side, number) for side in (one, other)]
        if sorted(keys[0]) != sorted(keys[1]):
            found.append(
                f"database {number}: keys {_only(*keys)}, and only in the other {_only(*reversed(keys))}"
            )
        else:
            found += _differing_values(one, other, number, keys[0])
    return found


def check_values(sides: Iterable[Side]) -> list[str]:
    """Return what is wrong with servers of which each holds what it likes: values that cannot be read."""
    found = []
    for side in sides:
        for number in range(DATABASES):
            keys = _keys(side, number)
            replies = side.pipeline([words for key in keys for words in _questions(key)])
            if any(reply.startswith(b"-ERR") for reply in replies):
                found.append(
                    f"database {number} of the {side.kind.name} server has values that cannot be read"
                )
    return found


def _info(side: Side) -> list[str]:
    text = parse(side.call("INFO", *SECTIONS)).text.decode()
    lines = [line for line in text.split("\r\n") if line and not NOT_COMPARED.match(line)]
    return [TIMES.sub("", line) for line in lines]


def _differing_lines(what: str, one: Sequence[str], other: Sequence[str]) -> list[str]:
    if one == other:
        return []
    mine, theirs = (sorted(set(lines) - set(others)) for lines, others in ((one, other), (other, one)))
    return [f"{what}: {' '.join(mine)} is not {' '.join(theirs)}"]


def _keys(side: Side, number: int) -> list[bytes]:
    side.call("SELECT", str(number))
    cursor, keys = parse(side.call("SCAN", "0", "COUNT", "1000000")).children
    assert cursor.text == b"0", "that many keys are no trial's"
    return [key.text for key in keys.children]


def _questions(key: bytes) -> list[list[bytes]]:
    """Return what to ask of a key; what does not fit its type is answered with an error, by both."""
    return [
        [b"TYPE", key],
        [b"OBJECT", b"ENCODING", key],
        [b"PEXPIRETIME", key],
        [b"GETRANGE", key, b"0", b"-1"],
        [b"HGETALL", key],
    ]


def _differing_values(one: Side, other: Side, number: int, keys: list[bytes]) -> list[str]:
    found = []
    for key in keys:
        mine, theirs = (side.pipeline(_questions(key)) for side in (one, other))
        for question, my_reply, their_reply in zip(_questions(key), mine, theirs, strict=True):
            if question[0] == b"HGETALL" and key in LARGE_HASHES:
                agree = _pairs(my_reply) == _pairs(their_reply)
            else:
                agree = not first_difference(my_reply, their_reply)
            if not agree:
                found.append(
                    f"database {number}: {question[0].decode()} {shown(key)} is {shown(my_reply)}"
                    f" and {shown(their_reply)}"
                )
    return found


def _pairs(reply: bytes) -> set[tuple[bytes, bytes]]:
    words = [node.text for node in parse(reply).children]
    return set(zip(words[::2], words[1::2], strict=True))


def _only(one: list[bytes], other: list[bytes]) -> str:
    return shown(b" ".join(sorted(set(one) - set(other))))
