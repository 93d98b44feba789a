"""The cluster as commands may see it: see ``commands/cluster_view.py``."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import groupby
from typing import Final

from ..commands.cluster_view import (
    COPYING,
    DEGRADED,
    IN_STEP,
    LAGGING,
    MOVING,
    SAFE,
    Following,
    Held,
    Link,
    PartitionState,
    Peer,
)
from ..keyspace.slots import PARTITIONS, SLOTS_PER_PARTITION
from .bus.inlet import Inlet
from .bus.lane import Lane
from .hub import GONE, Hub
from .membership.member import Member, Phase
from .replication import serving
from .replication.witness import Change

STATES: Final = {
    serving.Following.CHECKING: COPYING,
    serving.Following.WAITING: COPYING,
    serving.Following.COPYING: COPYING,
    serving.Following.IN_STEP: IN_STEP,
}


class View:
    """What one hub shows."""

    def __init__(self, hub: Hub, name: str) -> None:
        self._hub = hub
        self.name = name

    @property
    def my_id(self) -> str:
        return self._hub.id.hex()

    @property
    def version(self) -> int:
        return self._hub.ownership.version

    @property
    def is_ok(self) -> bool:
        return self._hub.is_serving

    def peers(self) -> list[Peer]:
        owned = self._owned()
        members = sorted(self._hub.swim.members.values(), key=lambda one: one.id)
        return [self._peer(member, owned.get(member.id, 0)) for member in members]

    def owners_of(self, partition: int) -> Sequence[Peer]:
        known = {peer.id: peer for peer in self.peers()}
        return [known[one.hex()] for one in self._hub.owners[partition] if one.hex() in known]

    def ranges(self) -> list[tuple[int, int, tuple[Peer, ...]]]:
        known = {bytes.fromhex(peer.id): peer for peer in self.peers()}
        # Where nobody serves, whoever shall: it knows the next server first, and lets commands wait for it. Clients give
        # up a cluster that leaves slots out, be it for the tenth of a second that a promotion takes.
        owners = [served or self._hub.table(p) for p, served in enumerate(self._hub.owners)]
        found = []
        for ids, partitions in groupby(range(PARTITIONS), key=owners.__getitem__):
            run = list(partitions)
            if ids:
                peers = tuple(known[one] for one in ids if one in known)
                last = (run[-1] + 1) * SLOTS_PER_PARTITION - 1
                found.append((run[0] * SLOTS_PER_PARTITION, last, peers))
        return found

    def shares(self) -> Sequence[tuple[Peer, int]]:
        known = {bytes.fromhex(peer.id): peer for peer in self.peers()}
        ways = Counter(
            served or table
            for served, table in zip(self._hub.owners, self._hub.ownership.owners, strict=True)
        )
        slots: Counter[bytes] = Counter()
        for ids, partitions in ways.items():
            for one in [one for one in ids if one in known][:1]:
                slots[one] += partitions * SLOTS_PER_PARTITION
        return [(known[one], count) for one, count in slots.items()]

    # -- copies ----------------------------------------------------------------------

    @property
    def copies_bytes(self) -> int:
        return self._hub.replication.holdings.used_bytes

    @property
    def unacknowledged_bytes(self) -> int:
        return sum(stream.kept_bytes for stream in self._hub.streams)

    @property
    def digest(self) -> bytes:
        return self._hub.ownership.digest

    @property
    def set_aside(self) -> int:
        return self._hub.replication.offers.waiting

    def partitions(self) -> Iterable[PartitionState]:
        hub, serving = self._hub, self._hub.replication.serving
        for partition, served in sorted(serving.served.items()):
            yield PartitionState(
                partition=partition,
                epoch=serving.epochs.epochs[partition],
                keys=serving.holdings.summary(partition)[0],
                server=self.my_id,
                wanted=tuple(one.hex() for one in hub.ownership.owners[partition]),
                followers=tuple(
                    Following(peer.hex(), LAGGING if hub.stream(peer).is_lagging else STATES[following])
                    for peer, following in served.followers.items()
                ),
                is_suspended=partition in serving.suspended or not hub.mandating.mandate.is_settled,
            )

    def standing(self) -> Mapping[str, int]:
        hub, replication = self._hub, self._hub.replication
        served, suspended = replication.serving.served, replication.serving.suspended
        is_settled, lagging, me = hub.mandating.mandate.is_settled, hub.streams.lagging, (hub.id,)
        counts = dict.fromkeys((SAFE, DEGRADED, MOVING), 0)
        for partition, wanted in enumerate(hub.ownership.owners):
            if partition in served:
                is_suspended = not is_settled or partition in suspended
                followers = served[partition].followers
                state = _state(wanted, followers, lagging, is_suspended=is_suspended)
                counts[state if wanted[:1] == me else MOVING] += 1
        return counts

    def accept_loss(self) -> int:
        return self._hub.replication.promotion.accept_loss(self._hub.now_s())

    def held(self, partition: int | None = None) -> Iterable[Held]:
        serving = self._hub.replication.serving
        for one in range(PARTITIONS) if partition is None else (partition,):
            if one in serving.served:
                role = "server"
            elif one in serving.set_aside:
                role = "aside"
            elif one in serving.whole or serving.holdings.holds(one):
                role = "copy"
            else:
                continue
            count = serving.holdings.summary(one)[0]
            digest = serving.holdings.content_digest(one)
            yield Held(one, role, serving.epochs.epochs[one], count, digest)

    def links(self) -> Sequence[Link]:
        connections: list[tuple[Lane | Inlet, bool]] = [(lane, True) for lane in self._hub.lanes.values()]
        connections += [(inlet, False) for inlet in self._hub.inlets]
        return [
            Link(one.peer_id.hex(), is_outgoing, one.client.created_ms, one.output_bytes)
            for one, is_outgoing in connections
        ]

    def figures(self) -> Mapping[str, int | float | str]:
        hub = self._hub
        members = hub.swim.members.values()
        present = [member for member in members if member.state not in GONE]
        channels = [channel for one in hub.directory.destinations.values() for channel in one.channels]
        gossip = hub.swim.statistics()
        return {
            "cluster_stats_messages_sent": gossip["packets_sent"],
            "cluster_stats_messages_received": gossip["packets_received"],
            "cluster_phase": hub.swim.me.meta.phase.name.lower(),
            "cluster_known_members": len(members),
            "cluster_live_members": len(present),
            "cluster_active_members": sum(one.meta.phase is Phase.ACTIVE for one in present),
            "cluster_partitions_owned": self._owned().get(hub.id, 0),
            "cluster_view_version": hub.ownership.version,
            "cluster_view_digest": hub.ownership.digest.hex(),
            "cluster_local_health": hub.swim.health,
            "cluster_lanes_open": len(hub.lanes),
            "cluster_inlets_open": len(hub.inlets),
            "cluster_commands_forwarded": sum(channel.forwarded for channel in channels),
            "cluster_commands_waiting": sum(channel.count for channel in channels),
            "cluster_packets_refused": hub.refused_packets(),
            **self._copies(),
            **hub.relay.figures(),
            **{f"cluster_gossip_{name}": value for name, value in gossip.items()},
        }

    def _copies(self) -> dict[str, int | float | str]:
        """Return the figures of copies; see ``commands/cluster_view.py`` for their names."""
        hub, replication = self._hub, self._hub.replication
        standing = self.standing()
        counts = replication.witness.counts
        streams = list(hub.streams)
        return {
            "cluster_mode": "strict" if hub.options.is_strict else "available",
            "cluster_replication_ack": "sync" if replication.holds.is_sync else "async",
            "cluster_is_refusing": int(hub.directory.is_closed),
            "cluster_partitions_served": len(replication.serving.served),
            "cluster_copies_held": len(replication.serving.whole),
            "cluster_partitions_degraded": standing[DEGRADED],
            "cluster_partitions_moving": standing[MOVING],
            "cluster_partitions_set_aside": self.set_aside,
            "cluster_copies_bytes": self.copies_bytes,
            "cluster_copies_staleness_ms": replication.receiving.staleness_ms(hub.now_s()),
            "cluster_replication_bytes": self.unacknowledged_bytes,
            "cluster_replication_lag_ms": max([stream.silent_ms for stream in streams], default=0),
            "cluster_records_sent": sum(stream.sent for stream in streams),
            "cluster_replies_held": replication.holds.waiting,
            "cluster_tombstones": len(replication.recorder.tombstones),
            "cluster_copied_bytes": replication.syncing.copied_bytes,
            "cluster_promotions": counts[Change.PROMOTED],
            "cluster_handovers": counts[Change.MOVED],
            "cluster_lost": counts[Change.LOST],
            "cluster_merged": replication.witness.merged,
            "cluster_conflicts": replication.witness.conflicts,
        }

    def _owned(self) -> dict[bytes, int]:
        owned: dict[bytes, int] = {}
        for ids in self._hub.owners:
            if ids:
                owned[ids[0]] = owned.get(ids[0], 0) + 1
        return owned

    def _peer(self, member: Member, partitions: int) -> Peer:
        meta = member.meta
        return Peer(
            id=member.id.hex(),
            host=meta.host,
            port=meta.client_port,
            cluster_port=meta.cluster_port,
            bus_port=member.address[1],
            bus_host=member.address[0],
            machine=meta.machine,
            zone=meta.zone,
            weight=meta.weight,
            state=member.state.name.lower(),
            phase=meta.phase.name.lower(),
            incarnation=member.incarnation,
            loop_lag_ms=meta.loop_lag_ms,
            is_self=member.id == self._hub.id,
            partitions=partitions,
        )


def _state(
    wanted: Sequence[bytes],
    followers: Mapping[bytes, serving.Following],
    lagging: Set[bytes],
    *,
    is_suspended: bool,
) -> str:
    """Return what ``PartitionState.state`` says of a partition that is served by the first of ``wanted``."""
    in_step = 0
    for peer, following in followers.items():
        if peer in lagging:
            continue
        if following is not serving.Following.IN_STEP:
            return MOVING
        in_step += peer in wanted
    if is_suspended or in_step < len(wanted) - 1:
        return DEGRADED
    return SAFE if len(followers) == len(wanted) - 1 else MOVING
