"""What commands may see of the cluster: a view of its members and of who owns what.

The composition root gives the node one when clustering is on. A view is one
node's: two nodes agree only once the news has reached both.
"""

from collections.abc import Mapping, Sequence
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
        """Return (first slot, last slot, owner and backups) in order; neighbours with equal owners are one range."""

    def links(self) -> Sequence[Link]:
        """Return the established connections to other nodes."""

    def figures(self) -> Mapping[str, int | float | str]:
        """Return what INFO cluster and CLUSTER INFO tell beside the usual fields."""
