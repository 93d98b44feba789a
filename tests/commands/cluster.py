"""A view of a cluster that a test makes up: some members, and who owns which slots."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from respcache.commands.cluster_view import Held, Link, PartitionState, Peer
from respcache.keyspace.slots import slots_of


def peer(
    number: int,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    cluster_port: int = 0,
    bus_host: str = "127.0.0.1",
    state: str = "alive",
    phase: str = "active",
    incarnation: int = 0,
    is_self: bool = False,
    partitions: int = 0,
) -> Peer:
    """Make a member whose id is ``number`` in 40 digits, and whose ports follow from it."""
    return Peer(
        id=f"{number:040x}",
        host=host,
        port=port or 7000 + number,
        cluster_port=cluster_port,
        bus_port=17000 + number,
        bus_host=bus_host,
        machine="machine",
        zone="zone",
        weight=1.0,
        state=state,
        phase=phase,
        incarnation=incarnation,
        loop_lag_ms=0,
        is_self=is_self,
        partitions=partitions,
    )


@dataclass
class FakeCluster:
    """A cluster in which nothing happens. It takes ranges as they come, whether or not they are of whole partitions."""

    members: list[Peer]
    spans: list[tuple[int, int, tuple[Peer, ...]]]
    is_ok: bool = True
    version: int = 3
    name: str = "test"
    told: dict[str, int | float | str] = field(default_factory=dict)
    connections: list[Link] = field(default_factory=list)
    digest: bytes = b"digest.."
    set_aside: int = 0
    accepted: int = 0
    copies_bytes: int = 0
    unacknowledged_bytes: int = 0
    states: list[PartitionState] = field(default_factory=list)
    stored: list[Held] = field(default_factory=list)

    @property
    def my_id(self) -> str:
        return next(one.id for one in self.members if one.is_self)

    def peers(self) -> list[Peer]:
        return self.members

    def owners_of(self, partition: int) -> Sequence[Peer]:
        slot = slots_of(partition)[0]
        return next((owners for first, last, owners in self.spans if first <= slot <= last), ())

    def ranges(self) -> list[tuple[int, int, tuple[Peer, ...]]]:
        return self.spans

    def shares(self) -> Sequence[tuple[Peer, int]]:
        found = {owners[0].id: owners[0] for _, _, owners in self.spans if owners}
        slots: Counter[str] = Counter()
        for first, last, owners in self.spans:
            slots.update({owners[0].id: last - first + 1} if owners else {})
        return [(found[owner], count) for owner, count in slots.items()]

    def partitions(self) -> Iterable[PartitionState]:
        return self.states

    def standing(self) -> Mapping[str, int]:
        return Counter(one.state for one in self.states)

    def accept_loss(self) -> int:
        self.accepted += 1
        return 7

    def held(self, partition: int | None = None) -> Iterable[Held]:
        return [one for one in self.stored if partition in (None, one.partition)]

    def links(self) -> Sequence[Link]:
        return self.connections

    def figures(self) -> Mapping[str, int | float | str]:
        return self.told


def cluster_of_two() -> FakeCluster:
    """Make a whole cluster: this node has the first half of the slots, another has the rest, and each backs the other up."""
    me, other = (
        peer(1, is_self=True, incarnation=4, partitions=512),
        peer(2, cluster_port=8002, partitions=512),
    )
    return FakeCluster([me, other], [(0, 8191, (me, other)), (8192, 16383, (other, me))])
