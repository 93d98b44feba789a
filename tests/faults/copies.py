"""Whether all copies of all partitions are equal, from what ``CLUSTER DIGEST`` says at every node."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .checkers import Finding

PARTITIONS: Final = 1024

NO_SERVER: Final = "partition without a server"
TWO_SERVERS: Final = "partition with two servers"
TOO_FEW: Final = "partition with too few copies"
DIFFERENT: Final = "copies differ"
STRAY: Final = "copy that nobody needs differs"


@dataclass(frozen=True, slots=True)
class Holding:
    """What one node says of its copy of one partition."""

    partition: int
    is_served: bool
    epoch: int
    """A copy may not have heard of the last one; that is no difference."""
    keys: int
    digest: bytes


def holdings(reply: Sequence[Sequence[object]]) -> list[Holding]:
    """Read the reply of CLUSTER DIGEST: partition, role, epoch, keys and digest, of each partition that the node holds.

    The role of a copy is ``copy``, or ``aside`` where its node has served it and the server has not merged it yet: that
    is a copy that differs, unless it happens not to.
    """
    return [
        Holding(int(str(row[0])), row[1] == b"server", int(str(row[2])), int(str(row[3])), _digest(row[4]))
        for row in reply
    ]


def _digest(word: object) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


def differences(nodes: Mapping[str, Sequence[Holding]], copies: int) -> list[Finding]:
    """Say where copies are missing or unlike their server's; with fewer nodes than copies, each node should have one."""
    partitions: dict[int, list[tuple[str, Holding]]] = defaultdict(list)
    for node, held in nodes.items():
        for holding in held:
            partitions[holding.partition].append((node, holding))
    least = min(copies, len(nodes))
    return [
        finding
        for partition in range(PARTITIONS)
        if (finding := _difference(partition, partitions[partition], least)) is not None
    ]


def _difference(partition: int, held: Sequence[tuple[str, Holding]], least: int) -> Finding | None:
    key = f"partition {partition}"
    serving = [(node, holding) for node, holding in held if holding.is_served]
    if len(serving) != 1:
        claim = TWO_SERVERS if serving else NO_SERVER
        return Finding(claim, key, ", ".join(node for node, _ in serving) or "nobody serves it")
    (server, own) = serving[0]
    other = [(n, h) for n, h in held if (h.keys, h.digest) != (own.keys, own.digest)]
    for node, holding in other:
        # One that was left behind is in nobody's way until its node is asked what it has.
        claim = DIFFERENT if len(held) - len(other) < least else STRAY
        return Finding(claim, key, f"{node} has {holding}, its server {server} {own}")
    if len(held) < least:
        return Finding(TOO_FEW, key, f"only at {', '.join(node for node, _ in held)}")
    return None
