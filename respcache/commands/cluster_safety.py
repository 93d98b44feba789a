"""Whether a cluster could lose any of its nodes now: what each node says of itself, and the verdict on all of that.

Safe is a cluster whose 1024 partitions are each served once, where they shall be, with all copies in step, while
nothing moves and nothing waits to be merged. Every member that is there is asked at the moment of asking: who does not
answer is in no state that anybody could call safe. As each answers only for what it serves itself, the sum
cannot be whole by mistake: a partition that two nodes dispute is safe at one of them at most.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ..keyspace.slots import PARTITIONS
from .cluster_view import DEGRADED, MOVING, SAFE, ClusterView

ALIVE: Final = "alive"
ACTIVE: Final = "active"

DIGEST_BYTES: Final = 7
"""Of the table's digest: what fits a RESP integer."""

UNSAFE: Final = "UNSAFE"


class Safety(msgspec.Struct, frozen=True):
    """What one node says of itself. It travels as the list of its numbers."""

    served: int = 0
    safe: int = 0
    degraded: int = 0
    moving: int = 0
    set_aside: int = 0
    """Partitions whose former state lies here unmerged."""
    members: int = 0
    """Active members that are well, as this node sees it."""
    table: int = 0
    """Equal on nodes that know the same members."""


def safety_of(view: ClusterView) -> Safety:
    """Look at what this node serves."""
    standing = view.standing()
    return Safety(
        served=sum(standing.values()),
        safe=standing.get(SAFE, 0),
        degraded=standing.get(DEGRADED, 0),
        moving=standing.get(MOVING, 0),
        set_aside=view.set_aside,
        members=sum(one.state == ALIVE and one.phase == ACTIVE for one in view.peers()),
        table=int.from_bytes(view.digest[:DIGEST_BYTES], "big"),
    )


def numbers(safety: Safety) -> list[int]:
    return list(msgspec.structs.astuple(safety))


def verdict(answers: Sequence[Safety | str], least_members: int = 1) -> str:
    """Say what is not safe, or nothing; an answer that is a text says why there is none."""
    told = [one for one in answers if isinstance(one, Safety)]
    served = sum(one.served for one in told)
    members = min((one.members for one in told), default=0)
    reasons = [f"no answer from a member: {one}" for one in answers if isinstance(one, str)]
    if len({one.table for one in told}) > 1:
        reasons.append("the members do not agree on who is there")
    if members < least_members:
        reasons.append(f"{members} of {least_members} members")
    if served > PARTITIONS:
        reasons.append(f"{served - PARTITIONS} served twice")
    if set_aside := sum(one.set_aside for one in told):
        reasons.append(f"{set_aside} to be merged")
    if not reasons and served == sum(one.safe for one in told) == PARTITIONS:
        return ""
    counts = (
        f"degraded {sum(one.degraded for one in told)}",
        f"moving {sum(one.moving for one in told)}",
        f"unserved {max(0, PARTITIONS - served)}",
    )
    return ", ".join((*counts, *reasons))


def parse_safety(wire: bytes) -> Safety | str:
    """Read a node's answer as it was sent; a text where it is an error, or what no node of ours would say."""
    head, *lines = wire.decode("utf-8", "replace").split("\r\n")
    if head.startswith("-"):
        return head[1:]
    words = [line[1:] for line in lines[:-1]]
    fields = len(Safety.__struct_fields__)
    if head != f"*{fields}" or len(words) != fields or not all(map(str.isdecimal, words)):
        return "it is of another version"
    return Safety(*map(int, words))
