"""CLUSTER and its kin: what clients that know Redis Cluster ask, and what members tell people.

Where clustering is off all of them say so, in Redis' words: clients that can do both ask one of these to find out
which it is. Where it is on, ``cluster_topology.py`` has the shapes of the answers.

Members find each other and agree on who owns what by themselves. So the subcommands by which people build a Redis
Cluster by hand are known here only to be refused.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NoReturn

from ..keyspace.database import Database
from ..keyspace.slots import SLOTS, key_slot
from ..protocol.replies import OK, Reply, Verbatim
from . import cluster_topology as topology
from .arguments import Arg, integer, string
from .cluster_view import ClusterView
from .context import Context
from .errors import CommandError
from .help import help_reply
from .numbers import parse_integer
from .parsing import Handler
from .spec import CommandGroup, Flag

cluster = CommandGroup("cluster")

_CHANGING: Final = ("nondeterministic_output",)

cluster.container(
    "CLUSTER", since="3.0.0", complexity="Depends on the subcommand.", summary="Ask about the cluster."
)


def view_of(context: Context) -> ClusterView:
    """Return the node's view of the cluster; an error when it is in none."""
    view = context.node.cluster
    if view is None:
        raise CommandError("This instance has cluster support disabled")
    return view


def parse_slot(word: bytes) -> int:
    slot = parse_integer(word)
    if not 0 <= slot < SLOTS:
        raise CommandError("Invalid slot")
    return slot


def keys_in_slot(db: Database, slot: int) -> Iterator[bytes]:
    """Yield the living keys of a slot. There is no index: writes would pay for what only tools ask."""
    living = db.keys()
    return (key for key in living if key_slot(key) == slot)


# -- the members -----------------------------------------------------------


def members(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return all members that this node knows, recently dead ones included, as a map each."""
    return [topology.member_reply(one) for one in topology.told_peers(view_of(context))]


def info(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the cluster's state in figures, as lines of ``field:value``.

    ``cluster_state`` is ok when every slot has an owner and this node may serve. An epoch here only counts what this
    node has seen change; it cannot be compared with another node's.
    """
    fields = topology.info_fields(view_of(context))
    return Verbatim("".join(f"{name}:{value}\r\n" for name, value in fields.items()).encode())


def links(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the connections between this node and others, as a map each."""
    return [topology.link_reply(one) for one in view_of(context).links()]


def my_id(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return this node's id: 40 hexadecimal digits, new at every start."""
    return view_of(context).my_id


def my_shard_id(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the id of this node's shard, which follows from its own id: every node is a shard, alone."""
    return topology.shard_id(view_of(context).my_id)


def nodes(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return a line for each member: id, address, flags, its master, ping sent, pong received, epoch, link, slots.

    All are masters, because copies are kept by partition. Of no ping is the time told, and the epoch is the
    member's incarnation.
    """
    return Verbatim(topology.nodes_text(view_of(context)).encode())


def shards(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return every owner with its slots: a map of slots (first and last of each range) and nodes (itself).

    Who has said READONLY is told the holders of copies, too, as replicas.
    """
    return topology.shards_reply(view_of(context), names_copies=context.client.reads_copies)


def slots(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the ranges of slots: first, last, and the owner's host, port, id and further names.

    The port is the cluster port where a member has one, and else the one that forwards. Who has said READONLY is told the
    holders of copies behind the owner.
    """
    client = context.client
    return topology.slots_reply(view_of(context), client.protocol, names_copies=client.reads_copies)


def replicas(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the replicas of a node: there are none, because copies are kept by partition."""
    wanted = argv[2].decode("utf-8", "surrogateescape")
    if wanted not in {one.id for one in topology.told_peers(view_of(context))}:
        raise CommandError(f"Unknown node {wanted}")
    return []


# -- slots and keys --------------------------------------------------------


def slot_of_key(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the slot of a key: of what stands between its first ``{`` and the next ``}``, if anything does."""
    view_of(context)
    return key_slot(argv[2])


def count_keys(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return how many keys of a slot this node holds in the selected database, copies of others' included.

    It looks at every key that the node holds, and nobody else is served meanwhile.
    """
    view_of(context)
    slot = parse_slot(argv[2])
    return sum(1 for _ in keys_in_slot(context.db, slot))


def get_keys(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return at most so many keys of a slot that this node holds in the selected database.

    It looks at every key that the node holds until it has found enough, and nobody else is served meanwhile.
    """
    view_of(context)
    slot, most = parse_integer(argv[2]), parse_integer(argv[3])
    if not 0 <= slot < SLOTS or most < 0:
        raise CommandError("Invalid slot or number of keys")
    return list(islice(keys_in_slot(context.db, slot), most))


# -- connections -----------------------------------------------------------


def read_only(context: Context, argv: Sequence[bytes]) -> Reply:
    """Let this client read from copies, on the cluster port.

    A command that reads keys of another node is then answered from the whole copy that this node has of them, and is
    redirected where it has none. A copy may be behind by what is on its way, and by more while its server cannot
    be reached. On the port that forwards it changes nothing.
    """
    view_of(context)
    context.client.reads_copies = context.client.is_redirected
    return OK


def read_write(context: Context, argv: Sequence[bytes]) -> Reply:
    """Let this client read at the owners of keys only: the end of READONLY."""
    view_of(context)
    context.client.reads_copies = False
    return OK


def asking(context: Context, argv: Sequence[bytes]) -> Reply:
    """Answer OK where clustering is on, and change nothing: no slot is ever half moved."""
    view_of(context)
    return OK


def refuse(context: Context, argv: Sequence[bytes]) -> NoReturn:
    """Refuse to change the cluster by hand."""
    view_of(context)
    name = argv[1].decode("utf-8", "replace").upper()
    raise CommandError(
        f"CLUSTER {name} is not needed: members find each other and share the slots by themselves"
    )


def help_(context: Context, argv: Sequence[bytes]) -> Reply:
    """Explain the subcommands of CLUSTER."""
    view_of(context)
    return help_reply(
        "CLUSTER",
        (
            "ACCEPT-LOSS",
            "Serve what is left of partitions whose holders are gone for good (cluster-mode strict).",
        ),
        ("COUNTKEYSINSLOT <slot>", "Count the keys of <slot> that this node holds; looks at every key."),
        (
            "DIGEST [<partition>]",
            "Show what this node has of each partition, with digests; looks at every key.",
        ),
        ("GETKEYSINSLOT <slot> <count>", "List at most <count> of them."),
        ("INFO", "Show the cluster's state in figures."),
        ("KEYSLOT <key>", "Compute the slot of <key>."),
        ("LEAVE", "Let this node leave the cluster, and stop it."),
        ("LINKS", "Show the connections between this node and others."),
        ("MEMBERS", "Show all members, with all that is known of them."),
        ("MYID", "Print this node's id."),
        ("MYSHARDID", "Print the id of this node's shard."),
        (
            "NODES",
            "Show a line for each member:\n<id> <host:port@bus> <flags> - 0 0 <incarnation> <link> <slot> ...",
        ),
        ("PARTITIONS", "Show how every partition stands: its server, its copies, its keys."),
        ("REPLICAS <node-id>", "List the replicas of a node: none, since copies are kept by partition."),
        (
            "SAFE [MEMBERS <count>]",
            "Answer OK if any one node may be lost or stopped now, and why not otherwise; with <count> members at least.",
        ),
        ("SAFETY", "Show what this node alone adds to that, in numbers."),
        ("SHARDS", "Show every owner and its slots."),
        ("SLOTS", "Show every range of slots and its owner."),
    )


def leave(context: Context, argv: Sequence[bytes]) -> Reply:
    """Tell the other members that this node goes, answer whom it still owes, and stop."""
    view_of(context)
    context.node.host.shut_down(now=False)
    return OK


# -- declarations ----------------------------------------------------------


def _subcommand(
    name: str,
    handler: Handler,
    *,
    since: str = "3.0.0",
    args: tuple[Arg, ...] = (),
    tips: tuple[str, ...] = (),
    complexity: str = "O(1)",
    flags: Flag = Flag.STALE,
    hidden: bool = False,
) -> None:
    cluster.command(
        f"CLUSTER {name}",
        since=since,
        complexity=complexity,
        flags=flags,
        args=args,
        tips=tips,
        raw=True,
        hidden=hidden,
    )(handler)


_BY_MEMBERS: Final = "O(N) with N members"
_BY_PARTITIONS: Final = "O(N) with N partitions: 1024"
_BY_KEYS: Final = "O(N) with N keys of the node"

_subcommand("COUNTKEYSINSLOT", count_keys, args=(integer("slot"),), complexity=_BY_KEYS)
_subcommand(
    "GETKEYSINSLOT", get_keys, args=(integer("slot"), integer("count")), tips=_CHANGING, complexity=_BY_KEYS
)
_subcommand("INFO", info, tips=_CHANGING, complexity=_BY_PARTITIONS)
_subcommand("KEYSLOT", slot_of_key, args=(string("key"),), complexity="O(N) with N bytes of the key")
_subcommand(
    "LEAVE",
    leave,
    since="7.0.0",
    flags=Flag.ADMIN | Flag.STALE,
    complexity="O(1); then the server drains as for SHUTDOWN",
    hidden=True,
)
_subcommand("LINKS", links, since="7.0.0", tips=_CHANGING, complexity=_BY_MEMBERS)
_subcommand("MEMBERS", members, since="7.0.0", tips=_CHANGING, complexity=_BY_MEMBERS, hidden=True)
_subcommand("MYID", my_id)
_subcommand("MYSHARDID", my_shard_id, since="7.2.0", tips=_CHANGING)
_subcommand("NODES", nodes, tips=_CHANGING, complexity=_BY_PARTITIONS)
_subcommand(
    "REPLICAS",
    replicas,
    since="5.0.0",
    args=(string("node-id"),),
    tips=_CHANGING,
    complexity=_BY_MEMBERS,
    flags=Flag.ADMIN | Flag.STALE,
)
_subcommand("SHARDS", shards, since="7.0.0", tips=_CHANGING, complexity=_BY_PARTITIONS)

cluster.command(
    "CLUSTER SLOTS",
    since="3.0.0",
    complexity=_BY_PARTITIONS,
    flags=Flag.STALE,
    args=(),
    tips=_CHANGING,
    deprecated_since="7.0.0",
    replaced_by="`CLUSTER SHARDS`",
    raw=True,
)(slots)

_subcommand("HELP", help_, since="5.0.0", flags=Flag.LOADING | Flag.STALE)

REFUSED: Final = {
    "ADDSLOTS": -3,
    "ADDSLOTSRANGE": -4,
    "BUMPEPOCH": 2,
    "DELSLOTS": -3,
    "DELSLOTSRANGE": -4,
    "FAILOVER": -2,
    "FLUSHSLOTS": 2,
    "FORGET": 3,
    "MEET": -4,
    "REPLICATE": 3,
    "RESET": -2,
    "SAVECONFIG": 2,
    "SET-CONFIG-EPOCH": 3,
    "SETSLOT": -4,
}
"""Redis' subcommands that change a cluster, with their numbers of words. Hidden: nobody should find them in COMMAND."""

for _name, _words in REFUSED.items():
    cluster.command(
        f"CLUSTER {_name}",
        since="3.0.0",
        complexity="O(1)",
        flags=Flag.ADMIN | Flag.STALE | Flag.NO_ASYNC_LOADING,
        args=(),
        least_words=_words,
        raw=True,
        hidden=True,
    )(refuse)

for _name, _handler, _flags in (
    ("READONLY", read_only, Flag.LOADING | Flag.STALE | Flag.FAST),
    ("READWRITE", read_write, Flag.LOADING | Flag.STALE | Flag.FAST),
    ("ASKING", asking, Flag.FAST),
):
    cluster.command(
        _name,
        since="3.0.0",
        complexity="O(1)",
        flags=_flags,
        args=(),
        acl=frozenset({"connection"}),
        raw=True,
    )(_handler)
