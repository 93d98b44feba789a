"""What commands may see of the cluster: a view of its members and of who owns what.

The composition root gives the node one when clustering is on. A view is one
node's: two nodes agree only once the news has reached both.

``figures`` may have any names, which are shown as they come. These are what the pages and monitoring speak of:

| name | is |
| --- | --- |
| cluster_mode, cluster_replication_ack | the settings |
| cluster_is_refusing | 1 while this node refuses to serve: a minority in strict mode, too few members |
| cluster_partitions_served, cluster_copies_held | partitions served here; whole copies of others' |
| cluster_partitions_degraded, cluster_partitions_moving | of those served here: copies are missing; on their way |
| cluster_partitions_set_aside | what lies here and is not yet merged by its server |
| cluster_copies_bytes | memory of copies |
| cluster_copies_staleness_ms | the longest time since the server of a copy held here was heard of |
| cluster_records_sent | pieces of streams to other nodes |
| cluster_replication_bytes | what is sent and not yet acknowledged, all peers together |
| cluster_replication_lag_ms | age of the oldest of that, of all peers |
| cluster_replies_held | replies that wait for it now |
| cluster_tombstones | deleted keys that are remembered |
| cluster_copied_bytes | sent for full copies |
| cluster_promotions, cluster_handovers, cluster_lost | partitions taken over from the dead; handed over; begun empty |
| cluster_merged, cluster_conflicts | entries merged after a split; of these, in place of another value |
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

ANYWHERE: Final = frozenset({"", "*", "0.0.0.0", "::"})
"""Hosts to listen on that nobody can connect to."""


class Peer(msgspec.Struct, frozen=True):
    """A member as this node sees it, itself included."""

    id: str
    """40 hexadecimal digits, new at every start of the process."""
    host: str
    """Where clients find it, as announced."""
    port: int
    """The port that forwards; clients never see a redirect there."""
    cluster_port: int
    """The port that redirects, for clients that speak the cluster protocol; 0: it has none."""
    bus_port: int
    bus_host: str
    machine: str
    zone: str
    weight: float
    state: str
    """alive, suspect, dead or left."""
    phase: str
    """joining, active or leaving."""
    incarnation: int
    loop_lag_ms: int
    is_self: bool
    partitions: int
    """How many partitions it owns."""

    @property
    def advertised_host(self) -> str:
        """The host that clients are told; empty where none is known: to them, the one that they asked."""
        return next((host for host in (self.host, self.bus_host) if host not in ANYWHERE), "")

    @property
    def address(self) -> str:
        """What people know it by: where its port that forwards is."""
        return f"{self.advertised_host or '127.0.0.1'}:{self.port}"

    @property
    def advertised_port(self) -> int:
        """The port that CLUSTER SLOTS and its kin tell."""
        return self.cluster_port or self.port


class Link(msgspec.Struct, frozen=True):
    """A connection between this node and another."""

    peer_id: str
    is_outgoing: bool
    """Whether this node opened it."""
    opened_ms: int
    """When, in Unix ms."""
    queued_bytes: int
    """What waits to be sent."""


class Following(msgspec.Struct, frozen=True):
    """A node that keeps a copy of a partition, as the partition's server sees it."""

    id: str
    state: str
    """``IN_STEP``, ``COPYING`` (its copy is not whole yet) or ``LAGGING`` (it does not answer)."""


IN_STEP: Final = "in-step"
COPYING: Final = "copying"
LAGGING: Final = "lagging"

SAFE: Final = "safe"
DEGRADED: Final = "degraded"
MOVING: Final = "moving"


class PartitionState(msgspec.Struct, frozen=True):
    """A partition that this node serves."""

    partition: int
    epoch: int
    keys: int
    server: str
    """This node's id."""
    wanted: tuple[str, ...]
    """Who shall hold it, by this node's table: its server first."""
    followers: tuple[Following, ...]
    is_suspended: bool = False
    """Whether nothing is run until others have confirmed that this node serves it still."""

    @property
    def state(self) -> str:
        """Say how safe it is.

        Safe is what is served where it shall be, with every copy in step, and no copy that will go away: the
        loss of any holder then changes nothing that another would have to wait for. Moving is what needs only time.
        """
        in_step = {one.id for one in self.followers if one.state == IN_STEP}
        if self.wanted[:1] != (self.server,) or any(one.state == COPYING for one in self.followers):
            return MOVING
        if self.is_suspended or not in_step.issuperset(self.wanted[1:]):
            return DEGRADED
        return SAFE if len(self.followers) == len(self.wanted) - 1 else MOVING


class Held(msgspec.Struct, frozen=True):
    """What this node has of a partition."""

    partition: int
    role: str
    """``server``, ``copy``, or ``aside``: it was served here, and its server has not merged it yet."""
    epoch: int
    keys: int
    digest: bytes
    """Of all keys with values, deadlines and versions: equal on two nodes if and only if they have the same."""


class ClusterView(Protocol):
    """The cluster, seen from one of its nodes."""

    @property
    def my_id(self) -> str: ...
    @property
    def name(self) -> str:
        """The cluster's name."""

    @property
    def version(self) -> int:
        """Counts changes of ownership; it says nothing beside another node's."""

    @property
    def is_ok(self) -> bool:
        """Whether every partition has an owner and this node may serve."""

    def peers(self) -> list[Peer]:
        """Return everyone known, recently dead members included."""

    def owners_of(self, partition: int) -> Sequence[Peer]:
        """Return the owner, then the backups; nothing when nobody may own."""

    def ranges(self) -> list[tuple[int, int, tuple[Peer, ...]]]:
        """Return (first slot, last slot, owner and backups) in order; neighbours with equal owners are one range.

        The owner is who serves the range now, as far as is known here; where nobody does, who should.
        """

    def shares(self) -> Sequence[tuple[Peer, int]]:
        """Return every owner that ``ranges`` names, with the number of its slots: 0.2 ms instead of 1.7."""

    @property
    def copies_bytes(self) -> int:
        """Estimated memory of copies and of deletions that are remembered, which maxmemory does not limit."""

    @property
    def unacknowledged_bytes(self) -> int:
        """What other nodes were told and have not confirmed yet."""

    @property
    def digest(self) -> bytes:
        """A digest of who shall own what: equal on nodes that know the same members."""

    @property
    def set_aside(self) -> int:
        """How many partitions lie here that were served here once and are not yet merged by their servers."""

    def partitions(self) -> Iterable[PartitionState]:
        """Yield what this node serves, in the order of the partitions."""

    def standing(self) -> Mapping[str, int]:
        """Return how many of ``partitions`` are ``SAFE``, ``DEGRADED`` and ``MOVING``; 0 need not be told.

        Monitoring asks for it every few seconds, and clients wait meanwhile: it is a quarter of the work.
        """

    def accept_loss(self) -> int:
        """Let this node serve what is left of partitions that wait for lost nodes; return how many of its own do."""

    def held(self, partition: int | None = None) -> Iterable[Held]:
        """Yield what this node has of every partition, or of this one; walks over every key."""

    def links(self) -> Sequence[Link]:
        """Return the established connections to other nodes."""

    def figures(self) -> Mapping[str, int | float | str]:
        """Return what INFO cluster and CLUSTER INFO tell beside the usual fields."""
