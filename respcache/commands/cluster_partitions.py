"""CLUSTER SAFE, PARTITIONS, ACCEPT-LOSS and DIGEST: how the partitions of a cluster stand, for operators, scripts and tests.

None of them is Redis'. All but DIGEST concern every member that is there; DIGEST is about the node that is asked.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ..keyspace.slots import PARTITIONS
from ..protocol.encoder import encode
from ..protocol.replies import OK, ErrorReply, Raw, Reply
from .arguments import integer
from .cluster_commands import view_of
from .cluster_safety import UNSAFE, numbers, parse_safety, safety_of, verdict
from .cluster_view import PartitionState
from .context import Context
from .errors import SYNTAX, CommandError
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait
from .spread import Join, Over, Spread

cluster_partitions = CommandGroup("cluster")

CHANGING: Final = ("nondeterministic_output",)

BY_PARTITIONS: Final = "O(N) with N partitions: 1024"

FLAGS: Final = Flag.STALE | Flag.NO_MULTI
"""A transaction runs at one moment on one node; these ask others."""

MEMBERS: Final = b"MEMBERS"


# -- SAFE ------------------------------------------------------------------


def least_members(argv: Sequence[bytes]) -> int:
    """Return how many members the caller wants there to be."""
    options = argv[2:]
    if not options:
        return 1
    if len(options) != 2 or options[0].upper() != MEMBERS:
        raise CommandError(SYNTAX)
    return parse_integer(options[1])


def judge(argv: Sequence[bytes], wires: Sequence[bytes]) -> bytes:
    """Return the reply of CLUSTER SAFE, made of every member's answer to CLUSTER SAFETY."""
    try:
        unsafe = verdict([parse_safety(wire) for wire in wires], least_members(argv))
    except CommandError as error:
        return encode(ErrorReply(error.code, error.message), 2)
    return encode(ErrorReply(UNSAFE, unsafe), 2) if unsafe else OK.wire


@cluster_partitions.command(
    "CLUSTER SAFE",
    since="7.0.0",
    complexity=BY_PARTITIONS,
    flags=FLAGS,
    traits=Trait.DURING_PAUSE,
    args=(integer("count", token="MEMBERS", optional=True),),
    tips=CHANGING,
    spread=Spread(Over.MEMBERS, Join.JUDGEMENT, asks=(b"CLUSTER", b"SAFETY"), judge=judge),
    raw=True,
    hidden=True,
)
def safe(context: Context, argv: Sequence[bytes]) -> Reply:
    """Answer OK if the cluster could lose any one node now, and an error ``UNSAFE`` with the reasons if not.

    All members that are there are asked. OK means that each of the 1024 partitions is served once, where it shall
    be, with all its copies in step, that nothing moves, and that nothing is left to be merged after a split. With
    MEMBERS it also means that so many are there: a side of a split, or a cluster that has lost a node and has
    replaced its copies, is safe by itself.
    """
    return Raw(judge(argv, [encode(numbers(safety_of(view_of(context))), 2)]))


@cluster_partitions.command(
    "CLUSTER SAFETY",
    since="7.0.0",
    complexity=BY_PARTITIONS,
    flags=FLAGS,
    traits=Trait.DURING_PAUSE,
    args=(),
    tips=CHANGING,
    raw=True,
    hidden=True,
)
def safety(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return what this node alone adds to the answer of CLUSTER SAFE, in numbers.

    Partitions served, safe, degraded, moving, set aside; active members; a digest of who shall own what.
    """
    return list(numbers(safety_of(view_of(context))))


# -- PARTITIONS ------------------------------------------------------------


def rows(states: Iterable[PartitionState]) -> list[Reply]:
    """Return a row for each run of neighbours that differ in their keys only."""
    runs: list[list[PartitionState]] = []
    for one in states:
        if runs and _stands_alike(runs[-1][-1], one):
            runs[-1].append(one)
        else:
            runs.append([one])
    return [_row(run[0], run[-1].partition, sum(one.keys for one in run)) for run in runs]


def _stands_alike(one: PartitionState, following: PartitionState) -> bool:
    return following == msgspec.structs.replace(one, partition=one.partition + 1, keys=following.keys)


def _row(first: PartitionState, last: int, keys: int) -> Reply:
    copies: list[Reply] = [word for one in first.followers for word in (one.id, one.state)]
    return [first.partition, last, first.state, first.epoch, keys, first.server, list(first.wanted), copies]


def gather(argv: Sequence[bytes], wires: Sequence[bytes]) -> bytes:
    """Return the rows of all who answer: when one does not, the others' are the more wanted."""
    parts = [wire.partition(b"\r\n") for wire in wires if wire.startswith(b"*")]
    return b"*%d\r\n%b" % (sum(int(head[1:]) for head, _, _ in parts), b"".join(body for _, _, body in parts))


@cluster_partitions.command(
    "CLUSTER PARTITIONS",
    since="7.0.0",
    complexity=BY_PARTITIONS,
    flags=FLAGS,
    traits=Trait.DURING_PAUSE,
    args=(),
    tips=CHANGING,
    spread=Spread(Over.MEMBERS, Join.JUDGEMENT, judge=gather),
    raw=True,
    hidden=True,
)
def partitions(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return how every partition stands, as its server says: a row for each run of neighbours that stand alike.

    First and last partition, ``safe``, ``degraded`` or ``moving``, epoch, keys, the server's id, the ids of who shall
    hold it (its server first), and for each copy its holder's id and ``in-step``, ``copying`` or ``lagging``. What is in no
    row is served by nobody that answers.
    """
    return rows(view_of(context).partitions())


# -- ACCEPT-LOSS -----------------------------------------------------------


@cluster_partitions.command(
    "CLUSTER ACCEPT-LOSS",
    since="7.0.0",
    complexity=BY_PARTITIONS,
    flags=Flag.ADMIN | FLAGS,
    traits=Trait.DURING_PAUSE,
    args=(),
    spread=Spread(Over.MEMBERS, Join.SUM),
    raw=True,
    hidden=True,
)
def accept_loss(context: Context, argv: Sequence[bytes]) -> Reply:
    """Serve what is left of partitions whose holders are gone for good, and return how many there are.

    Only in strict mode are there any: it serves no partition while those who have all of it may come back, as they do when a split
    heals. What only the lost nodes had is lost then, and what they say when they do come back may be older than what was written since.
    """
    return view_of(context).accept_loss()


# -- DIGEST ----------------------------------------------------------------


def parse_partition(word: bytes) -> int:
    partition = parse_integer(word)
    if not 0 <= partition < PARTITIONS:
        raise CommandError("Invalid partition")
    return partition


@cluster_partitions.command(
    "CLUSTER DIGEST",
    since="7.0.0",
    complexity="O(N) with N keys of the node, or of the partition",
    flags=Flag.STALE,
    args=(integer("partition", optional=True),),
    tips=CHANGING,
    raw=True,
    hidden=True,
)
def digest(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return what this node has of each partition, or of one: number, role, epoch, keys, digest.

    The role is ``server``, ``copy``, or ``aside`` for what was served here once and is still to be merged. Digests
    are equal where keys, values, deadlines and versions are. It walks over all these keys, and nobody
    else is served meanwhile: some seconds with a million.
    """
    if len(argv) > 3:
        raise CommandError(SYNTAX)
    wanted = parse_partition(argv[2]) if len(argv) == 3 else None
    return [
        [one.partition, one.role, one.epoch, one.keys, one.digest.hex()]
        for one in view_of(context).held(wanted)
    ]
