"""A complete server without sockets: one of the nodes of a ``World``, and what tests do to it alone."""

import random
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import TYPE_CHECKING, Any, cast

import msgspec

from respcache.cluster.bus.channel import Channel
from respcache.cluster.hub import Hub, Options
from respcache.cluster.membership.member import Member, Meta, Phase, State, encode_meta
from respcache.cluster.membership.outputs import Happened, Kind
from respcache.cluster.membership.profiles import LAN
from respcache.keyspace.slots import PARTITIONS, key_partition
from tests.commands.harness import Harness

if TYPE_CHECKING:
    from tests.cluster.bus.pair import World  # it has these


class Peer:
    """One node."""

    def __init__(self, world: "World", number: int, options: Options, settings: dict[str, str]) -> None:
        self.world = world
        self.number = number
        self.id = bytes([number + 1]) * 20
        self.is_stopped = False
        self.is_dead = False
        self.active: set[bytes] = set()
        self.inbox: list[Callable[[], None]] = []
        """What has arrived while it was stopped."""
        self.harness = Harness(self._spawn, **{"enable_debug_command": "yes", **settings})
        self.node = self.harness.node
        self.harness.host.sleep = _sleep  # type: ignore[method-assign]
        self.meta = _meta(number)
        self.hub = Hub(
            self.node,
            self.harness.dispatcher,
            id=self.id,
            address=("127.0.0.1", self.meta.bus_port),
            meta=self.meta,
            profile=LAN,
            options=options,
            chance=random.Random(number),
            now_s=lambda: world.now_s,
            loop_lag_s=lambda: 0.0,
        )
        self.node.router = self.hub.router
        self.harness.dispatcher.also_release.append(self.hub.runner.release)
        self.harness.dispatcher.reroute()

    # -- who is there ------------------------------------------------------------------

    def meet(self, peers: "Iterable[Peer]") -> None:
        """Take all of them for members, whatever they say of themselves."""
        members = cast(dict[bytes, Member], self.hub.swim.members)
        for peer in peers:
            if peer is not self:
                address = ("127.0.0.1", peer.meta.bus_port)
                members[peer.id] = Member(
                    peer.id, address, 1, State.ALIVE, peer.meta, 0.0, encode_meta(peer.meta)
                )

    def see(self, active: Iterable[int]) -> None:
        """Believe that exactly these nodes may own."""
        wanted = self.active = {self.world_id(number) for number in active}
        for member in self.hub.swim.members.values():
            phase = Phase.ACTIVE if member.id in wanted else Phase.LEAVING
            member.meta = msgspec.structs.replace(member.meta, phase=phase)
        self.hub.happened(Happened(Kind.UPDATED, self.hub.swim.me, None))
        self.world.serve()

    def bury(self, peer: "Peer") -> None:
        """Believe that a node is dead."""
        member = self.hub.swim.members[peer.id]
        member.state = State.DEAD
        self.hub.happened(Happened(Kind.DIED, member, None))

    def unbury(self, peer: "Peer") -> None:
        """Hear that a node that was believed dead lives, and of oneself that others had believed so."""
        member = self.hub.swim.members[peer.id]
        if member.state is State.DEAD:
            member.state = State.ALIVE
            self.hub.happened(Happened(Kind.REFUTED, self.hub.swim.me, None, State.DEAD))
            self.hub.happened(Happened(Kind.JOINED, member, None))

    @property
    def is_at_rest(self) -> bool:
        hub = self.hub
        serving = hub.replication.serving
        first = hub.first_here()
        return (
            not hub.replication.promotion.is_busy
            and not hub.replication.offers.waiting
            and serving.served.keys() == set(first)
            and all(map(serving.is_safe, first))
        )

    @staticmethod
    def world_id(number: int) -> bytes:
        return bytes([number + 1]) * 20

    def owns(self, key: str | bytes) -> bool:
        return bool(self.hub.directory.owned[place_of(key)])

    # -- who serves ----------------------------------------------------------------------

    def sends_to(self, key: str) -> int | None:
        """Return the number of the node that commands for a key go to from here."""
        owner = self.hub.owner_of(place_of(key))
        return owner[0] - 1 if owner else None

    def remember(self, server: int) -> None:
        """Know of nothing but that another node served everything long ago: the oldest of views."""
        epochs = self.hub.replication.epochs
        for partition in range(PARTITIONS):
            if partition not in self.hub.replication.serving.served:
                epochs.epochs[partition], epochs.servers[partition] = 0, self.world_id(server)
        self.hub.aim(range(PARTITIONS))
        self.world.serve()

    def serve(self, key: str) -> None:
        """Serve a key's partition from now on, in a newer epoch, with what is here of it."""
        replication, partition = self.hub.replication, place_of(key)
        replication.serving.serve(partition, replication.epochs.least(partition) + 1, ())
        replication.serving.flush()
        self.world.serve()

    def be_replaced(self, key: str, by: int) -> None:
        """Hear that another node serves a key's partition in a newer epoch."""
        replication, partition = self.hub.replication, place_of(key)
        replication.serving.hear(partition, replication.epochs.least(partition) + 1, self.world_id(by))
        replication.serving.flush()
        self.world.serve()

    # -- faults --------------------------------------------------------------------------

    def stop(self) -> None:
        """Do nothing, like a process under SIGSTOP: what is sent here waits."""
        self.is_stopped = True

    def go_on(self) -> None:
        self.is_stopped = False
        inbox, self.inbox = self.inbox, []
        for act in inbox:
            act()
        self.world.serve()

    # -- what tests ask --------------------------------------------------------------------

    def channel(self, other: int, index: int = 0) -> Channel:
        return self.hub.directory.destinations[self.world_id(other)].channels[index]

    @property
    def waiting(self) -> int:
        """How many commands wait for other nodes."""
        destinations = self.hub.directory.destinations.values()
        return sum(channel.count for one in destinations for channel in one.channels)

    @property
    def is_idle(self) -> bool:
        directory = self.hub.directory
        memories = self.hub.memories._by_origin.values()
        return not (
            self.waiting
            or directory.has_rooms
            or directory.rooms.resting
            or directory.here._waiting
            or self.hub.runner.is_held
            or self.harness.composition.owners.awake
            or any(memory.late for memory in memories)
        )

    def leftovers(self) -> list[str]:
        """Name whatever is kept although nobody waits for anything."""
        channels = [c for one in self.hub.directory.destinations.values() for c in one.channels]
        return [
            *([] if self.is_idle else ["something waits"]),
            *["bytes are counted" for c in channels if c.size_bytes],
            *["batches are kept" for c in channels if c.sent or c.unsent or c.open],
            *["clients are jammed" for c in channels if c._jammed],
        ]

    @property
    def watched(self) -> int:
        """How many keys are watched here, for whomever."""
        return len(self.node.keyspace.journal._watchers)

    def _spawn(self, task: Callable[[], Coroutine[Any, Any, None]]) -> None:
        running = task()

        def step() -> None:
            if self.is_stopped:
                self.inbox.append(step)
                return
            try:
                seconds = running.send(None)
            except StopIteration:
                return
            self.world.after(seconds, step)

        self.world.after(0.0, step)


def place_of(key: str | bytes) -> int:
    """Return the partition of a key."""
    return key_partition(key.encode() if isinstance(key, str) else key)


class _Sleep:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self._seconds


async def _sleep(seconds: float) -> None:
    await _Sleep(seconds)


def _meta(number: int) -> Meta:
    port = 7001 + number
    return Meta(
        name=f"127.0.0.1:{port}",
        host="127.0.0.1",
        client_port=port,
        cluster_port=port + 1000,
        bus_port=port + 10000,
        http_port=0,
        machine=f"machine-{number}",
        zone="",
        weight=1.0,
        phase=Phase.JOINING,
        versions=(1, 1),
        loop_lag_ms=0,
    )
