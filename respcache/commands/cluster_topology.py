"""What CLUSTER tells of the cluster: one view of it, in each of the shapes that clients read.

Copies are no replicas in Redis' sense: each partition has backups of its own, so no node mirrors another, and every
node is a master of some slots and holds copies of others. So NODES, where a node has one role, knows masters only. SLOTS and
SHARDS name the holders of copies as replicas, but only to who has said READONLY on the same connection: clients that
do so without (ioredis) would be redirected with every read, and to those that read at owners it is needless.

A node's first mention in SLOTS is always as an owner. redis-py takes the role that it finds there for the node's own, and asks
nodes with the role of a primary for what concerns all keys, such as DBSIZE: none may be missing.

Members that have left are not told at all; dead ones only where their state is told, so that nobody dials them.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from ipaddress import ip_address
from typing import Final, TypeAlias

from ..protocol.encoder import encode
from ..protocol.replies import Raw, Reply
from .cluster_view import ClusterView, Link, Peer

ALIVE: Final = "alive"
SUSPECT: Final = "suspect"
DEAD: Final = "dead"
LEFT: Final = "left"

FLAGS: Final = {SUSPECT: ",fail?", DEAD: ",fail"}
"""What CLUSTER NODES says of a member's state; nothing when all is well."""

SHARD_ID_BYTES: Final = 20

SlotRange: TypeAlias = tuple[int, int, tuple[Peer, ...]]
"""First slot, last slot, owner and backups."""


def shard_id(node_id: str) -> str:
    """Return the id of the shard that a node is: 40 digits that follow from the node's own, and differ from them.

    Whoever owns partitions is a shard, alone. So the id lives as long as the node's.
    """
    digest = blake2b(bytes.fromhex(node_id), digest_size=SHARD_ID_BYTES, person=b"respcache.shard")
    return digest.hexdigest()


def is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def owned_ranges(view: ClusterView) -> dict[str, list[tuple[int, int]]]:
    """Return first and last slots by their owner's id."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for first, last, (owner, *_) in held_ranges(view):
        ranges.setdefault(owner.id, []).append((first, last))
    return ranges


def held_ranges(view: ClusterView, *, names_copies: bool = False) -> list[SlotRange]:
    """Return the ranges that somebody owns; without copies, neighbours with the same owner are one."""
    if names_copies:
        return [(first, last, owners) for first, last, owners in view.ranges() if owners]
    held: list[SlotRange] = []
    for first, last, owners in view.ranges():
        before = held[-1] if held else None
        if before is not None and owners and before[1] + 1 == first and before[2][0].id == owners[0].id:
            held[-1] = before[0], last, before[2]
        elif owners:
            held.append((first, last, owners[:1]))
    return held


def told_peers(view: ClusterView) -> list[Peer]:
    """Return those who are or may come back, in an order that stays."""
    return sorted(
        (one for one in view.peers() if one.state != LEFT), key=lambda one: (one.host, one.port, one.id)
    )


# -- SLOTS -----------------------------------------------------------------


def slots_reply(view: ClusterView, protocol: int, *, names_copies: bool = False) -> Raw:
    """Return a row for each range: first slot, last slot, owner, and copies; made ready for a client of this protocol version.

    All clients of a cluster ask for this at once when a node has died, and there may be a thousand rows of few owners.
    Encoding each owner once makes it 0.3 ms of the loop's time instead of 5.
    """
    rows = held_ranges(view, names_copies=names_copies)
    if names_copies:
        rows = _introduced(rows)
    told = {one.id: one for _, _, owners in rows for one in owners}
    entries = {one.id: encode(_slots_entry(one), protocol) for one in told.values()}
    wires = [
        b"*%d\r\n:%d\r\n:%d\r\n%b"
        % (2 + len(owners), first, last, b"".join([entries[one.id] for one in owners]))
        for first, last, owners in rows
    ]
    return Raw(b"*%d\r\n%b" % (len(wires), b"".join(wires)))


def _introduced(held: list[SlotRange]) -> list[SlotRange]:
    """Put one range of each owner in front, without its copies: see the file's docstring."""
    first_of = {owners[0].id: first for first, _, owners in reversed(held)}
    fronts = [(first, last, owners[:1]) for first, last, owners in held if first_of[owners[0].id] == first]
    return fronts + [row for row in held if first_of[row[2][0].id] != row[0]]


def _slots_entry(owner: Peer) -> Reply:
    host = owner.advertised_host
    more: dict[str, Reply] = {} if not host or is_numeric(host) else {"ip": owner.bus_host}
    return [host, owner.advertised_port, owner.id, more]


# -- SHARDS ----------------------------------------------------------------


def shards_reply(view: ClusterView, *, names_copies: bool = False) -> Reply:
    """Return a shard for each owner; with copies, for each owner with the same holders of copies."""
    shards: dict[tuple[str, ...], tuple[tuple[Peer, ...], list[int]]] = {}
    for first, last, nodes in held_ranges(view, names_copies=names_copies):
        _, slots = shards.setdefault(tuple(one.id for one in nodes), (nodes, []))
        slots += (first, last)
    return [
        {"slots": list(slots), "nodes": [_shard_node(one, is_owner=one is nodes[0]) for one in nodes]}
        for nodes, slots in shards.values()
    ]


def _shard_node(owner: Peer, *, is_owner: bool) -> dict[str, Reply]:
    host = owner.advertised_host
    is_name = bool(host) and not is_numeric(host)
    return {
        "id": owner.id,
        "port": owner.advertised_port,
        "ip": owner.bus_host if is_name else host,
        "endpoint": host,
        **({"hostname": host} if is_name else {}),
        "role": "master" if is_owner else "replica",
        "replication-offset": 0,
        "health": "fail" if owner.state == DEAD else "online",
    }


# -- NODES -----------------------------------------------------------------


def nodes_text(view: ClusterView) -> str:
    """Return a line for each member, as redis-server keeps them in its nodes.conf."""
    ranges = owned_ranges(view)
    return "".join(f"{_node_line(one, ranges.get(one.id, []))}\n" for one in told_peers(view))


def _node_line(peer: Peer, ranges: list[tuple[int, int]]) -> str:
    """Spell id, address, flags, master, ping sent, pong received, epoch, link, slots.

    SWIM neither pings everybody nor has epochs for members. So the times are 0, which Redis says of whom it need not
    ping, and the epoch is the incarnation.
    """
    host = peer.advertised_host
    name = f",{host}" if host and not is_numeric(host) else ""
    flags = f"{'myself,' if peer.is_self else ''}master{FLAGS.get(peer.state, '')}"
    link = "disconnected" if peer.state == DEAD else "connected"
    slots = "".join(f" {first}-{last}" if first < last else f" {first}" for first, last in ranges)
    address = f"{host}:{peer.advertised_port}@{peer.bus_port}{name}"
    return f"{peer.id} {address} {flags} - 0 0 {peer.incarnation} {link}{slots}"


# -- INFO ------------------------------------------------------------------


def state_of(view: ClusterView) -> str:
    return "ok" if view.is_ok else "fail"


def info_fields(view: ClusterView) -> Mapping[str, object]:
    """Return the fields of CLUSTER INFO: Redis' own, in its order, then the view's figures, which may replace them."""
    return {**_usual_fields(view), **view.figures()}


def _usual_fields(view: ClusterView) -> dict[str, object]:
    shares = view.shares()
    assigned = sum(slots for _, slots in shares)
    suspected = sum(slots for owner, slots in shares if owner.state == SUSPECT)
    failed = sum(slots for owner, slots in shares if owner.state == DEAD)
    peers = told_peers(view)
    return {
        "cluster_state": state_of(view),
        "cluster_slots_assigned": assigned,
        "cluster_slots_ok": assigned - suspected - failed,
        "cluster_slots_pfail": suspected,
        "cluster_slots_fail": failed,
        "cluster_known_nodes": len(peers),
        "cluster_size": len(shares),
        "cluster_current_epoch": view.version,
        "cluster_my_epoch": next((one.incarnation for one in peers if one.is_self), 0),
        "cluster_stats_messages_sent": 0,
        "cluster_stats_messages_received": 0,
        "total_cluster_links_buffer_limit_exceeded": 0,
    }


def section_lines(view: ClusterView) -> Iterator[str]:
    """Yield the section of INFO: what monitoring should see without a second command."""
    usual = _usual_fields(view)
    first = {name: usual[name] for name in ("cluster_state", "cluster_known_nodes", "cluster_size")}
    yield "cluster_enabled:1"
    yield f"cluster_name:{view.name}"
    yield from (f"{name}:{value}" for name, value in {**first, **view.figures()}.items())


# -- LINKS and MEMBERS -----------------------------------------------------


def link_reply(link: Link) -> Reply:
    """Return what Redis tells of a link; our buffers hold just what waits."""
    fields: dict[str, Reply] = {
        "direction": "to" if link.is_outgoing else "from",
        "node": link.peer_id,
        "create-time": link.opened_ms,
        "events": "rw" if link.queued_bytes else "r",
        "send-buffer-allocated": link.queued_bytes,
        "send-buffer-used": link.queued_bytes,
    }
    return fields


def member_reply(peer: Peer) -> Reply:
    fields: dict[str, Reply] = {
        "id": peer.id,
        "host": peer.host,
        "port": peer.port,
        "cluster-port": peer.cluster_port,
        "bus-host": peer.bus_host,
        "bus-port": peer.bus_port,
        "state": peer.state,
        "phase": peer.phase,
        "incarnation": peer.incarnation,
        "partitions": peer.partitions,
        "weight": peer.weight,
        "machine": peer.machine,
        "zone": peer.zone,
        "loop-lag-ms": peer.loop_lag_ms,
        "myself": int(peer.is_self),
    }
    return fields
