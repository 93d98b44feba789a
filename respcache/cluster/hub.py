"""One node of a cluster: membership, ownership and forwarding joined. Does no I/O.

News of members come in by ``happened``; from them follows who may own, from that the table of who shall hold what. Who
serves a partition now is for ``replication`` to say, which brings the data to where the table wants it, and
from that follows where commands go. Connections are made and kept by others (``dialing.py``), which tell of them here.
"""

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from ..commands.node import Node
from ..keyspace.slots import key_partition
from .bus.directory import Directory
from .bus.frames import BrokenFrameError, Exchange, Refusal
from .bus.inlet import Inlet
from .bus.lane import Lane
from .bus.memory import Memories, Memory
from .bus.outbox import NEWS
from .bus.router import Router
from .bus.runner import Executor, Runner
from .complaints import Complaints
from .mandating import KINDS as CONFIRMATIONS
from .mandating import Mandating
from .membership.member import Address, Member, Meta, Phase, State
from .membership.outputs import Happened, Kind, Output
from .membership.profiles import Profile
from .membership.swim import Swim
from .modes.mandate import Mandate
from .modes.splits import Splits
from .ownership.candidate import Candidate
from .ownership.table import Ownership
from .pubsub.observer import Observer
from .pubsub.relay import Relay
from .replication.copy_reads import CopyReads
from .replication.replication import KINDS, Replication
from .replication.stream import Stream
from .streams import Streams

log = logging.getLogger(__name__)

GONE: Final = frozenset({State.DEAD, State.LEFT})

ANSWERS_KEPT_S: Final = 10.0
"""A node that was taken for dead may be back, and send again what it still waits for: beyond its time for a forward, this."""

LAG_STEPS_MS: Final = (1000, 100)
"""Less than a tenth of a second is nobody's concern."""


class Options(msgspec.Struct, frozen=True):
    """What the operator has chosen."""

    copies: int
    lanes: int
    forward_timeout_s: float
    is_synchronous: bool = True
    """Whether a write is acknowledged only once all copies that are in step have it."""
    transfer_bytes_s: float = 64 << 20
    """Of full copies, to all nodes together."""
    is_strict: bool = False
    """Whether only a majority may serve."""
    min_members: int = 1
    """So many must be there for this node to serve."""


class Hub:
    """See the file's docstring."""

    def __init__(
        self,
        node: Node,
        executor: Executor,
        *,
        id: bytes,
        address: Address,
        meta: Meta,
        profile: Profile,
        options: Options,
        chance: random.Random,
        now_s: Callable[[], float],
        loop_lag_s: Callable[[], float],
    ) -> None:
        self.node = node
        self.options = options
        self.id = id
        self.now_s = now_s
        self.runner = Runner(node, executor)
        self.directory = Directory(id, self.runner, now_s, options.lanes, options.forward_timeout_s)
        self.router = Router(node, self.directory, self.runner, self)
        self.relay = Relay(node, self.directory, now_s)
        self.ownership = Ownership(options.copies)
        self.observer = Observer(node.bus, meta.name, self.ownership, lambda: node.clock.now_ms)
        self.swim = Swim(id, address, meta, profile, chance, now_s(), loop_lag_s=loop_lag_s)
        self.memories = Memories()
        self._forgettable_s: dict[bytes, float] = {}
        """When the answers given to nodes that are gone may be forgotten."""
        self.lanes: dict[tuple[bytes, int], Lane] = {}
        self.inlets: list[Inlet] = []
        self._first: Sequence[int] = ()
        self.streams = Streams(self.lanes, now_s)
        self._keep_copies(options)
        self.refused_packets: Callable[[], int] = lambda: 0
        """Returns how many datagrams were not taken: forged, replayed, of another cluster."""
        self.complaints = Complaints(log, now_s)
        self.splits = Splits(id, self.observer.split)
        self.followers: list[Callable[[Happened], None]] = [
            self.observer.happened,
            lambda happened: self.splits.happened(now_s(), happened),
        ]
        """Told of everything that happens to members."""
        self.on_view: list[Callable[[Sequence[int]], None]] = [
            self.relay.view_changed,
            self.observer.view_changed,
        ]
        """Told which partitions have new owners."""
        self.on_members: Callable[[], None] = lambda: None
        """Called when there are others to connect to, or fewer."""
        self.act: Callable[[Sequence[Output]], None] = lambda outputs: None
        """Does what membership asks for: sends packets, asks over TCP."""
        self.answer: Callable[[Inlet, Exchange], None] = lambda inlet, exchange: None
        self._refresh()

    def _keep_copies(self, options: Options) -> None:
        node = self.node
        replication = self.replication = Replication(
            self,
            node.keyspace,
            node.clock,
            self.memories,
            self.directory,
            is_synchronous=options.is_synchronous,
            rate_bytes_s=options.transfer_bytes_s,
        )
        self.unwritten: Callable[[], Iterable[int]] = tuple
        """Returns the partitions with changes that wait for a database: none of them is given away."""
        self.hasten: Callable[[int], None] = lambda partition: None
        """Called for one of these, or of those with busy keys, that is to be given away."""
        observe = self.observer.partition
        replication.witness.tell = lambda change, *where: observe(change.value, *where)
        node.holds = replication.holds
        self.directory.answered_before = lambda *asked: self.memories.of(self.id).find(*asked)
        self.router.copies = CopyReads(node, replication.holdings.find, self._may_read_copy)
        mandate = Mandate(self.id, strict=options.is_strict, min_members=options.min_members)
        self.mandating = Mandating(self, mandate, replication, self.directory, self.now_s)
        self.streams.attach(replication, self.mandating)

    # -- members -------------------------------------------------------------------

    def happened(self, happened: Happened) -> None:
        """Take news of a member."""
        member = happened.member
        is_gone = happened.kind in {Kind.DIED, Kind.LEFT} and member.id != self.id
        if is_gone:
            if happened.kind is Kind.LEFT:
                self.mandating.mandate.left(member.id)
            self._bury(member.id)
        self._refresh()
        if is_gone:
            self._forget_answers(member.id)
            self.relay.gone(member.id)
        elif member.id == self.id and happened.kind is Kind.REFUTED and happened.was is State.DEAD:
            self.replication.doubt(was_dead=True)
        elif member.id != self.id and member.state not in GONE:
            self.relay.met(member.id)
        for follower in self.followers:
            follower(happened)
        self.on_members()

    def set_phase(self, phase: Phase) -> None:
        """Tell everybody whether this node may own."""
        meta = msgspec.structs.replace(self.swim.me.meta, phase=phase)
        self.act(self.swim.update_meta(self.now_s(), meta))
        if phase is Phase.LEAVING:
            self.replication.syncing.is_urgent = True
            self.mandating.mandate.left(self.id)
        self._refresh()

    def tell_lag(self, lag_ms: float) -> None:
        """Tell everybody how late this node's event loop is, in steps of ten: each change is news for all."""
        told_ms = next((step for step in LAG_STEPS_MS if lag_ms >= step), 0)
        if told_ms != self.swim.me.meta.loop_lag_ms:
            meta = msgspec.structs.replace(self.swim.me.meta, loop_lag_ms=told_ms)
            self.act(self.swim.update_meta(self.now_s(), meta))

    @property
    def others(self) -> list[Member]:
        """Return the other members that are there."""
        return [one for one in self.swim.members.values() if one.id != self.id and one.state not in GONE]

    @property
    def is_serving(self) -> bool:
        """Whether every partition has an owner."""
        return all(self.directory.owners)

    def _may_read_copy(self, partition: int) -> bool:
        """Say whether there is a whole copy here, and this node may serve at all."""
        return partition in self.replication.serving.whole and not self.directory.is_closed

    def _is_gone(self, id: bytes) -> bool:
        member = self.swim.members.get(id)
        return member is not None and member.state in GONE

    def _refresh(self) -> None:
        """Compute the table anew, and let partitions move to where it wants them."""
        changes = self.ownership.update(
            Candidate(one.id, one.meta.weight, one.meta.machine, one.meta.zone)
            for one in self.swim.members.values()
            if one.state not in GONE and one.meta.phase is Phase.ACTIVE
        )
        if changes:
            self._first = self.ownership.owned_by(self.id)
            self.aim(changes.partitions)
            self.replication.view_changed()

    def _bury(self, id: bytes) -> None:
        """Let nothing wait for a node that is gone."""
        if self.options.is_strict:
            self.replication.serving.outdate(id)
        self.replication.gone(id)
        self.streams.close(id)
        epochs = self.replication.epochs
        self._aim([p for p, server in enumerate(epochs.servers) if server == id], {id})
        self.directory.remove_node(id)

    @property
    def has_given_all(self) -> bool:
        """Whether nothing is here any more that this node should give away before it goes, or nobody can take it."""
        is_done = self.replication.is_empty and self.mandating.mandate.may_go
        return is_done or not any(self.ownership.owners)

    @property
    def owners(self) -> Sequence[tuple[bytes, ...]]:
        """For each partition, who serves it, and who else shall hold it; nothing where nobody serves it."""
        return self.directory.owners

    # -- for replication: Ground -----------------------------------------------------

    def table(self, partition: int) -> Sequence[bytes]:
        return self.ownership.owners[partition]

    def first_here(self) -> Sequence[int]:
        return self._first

    def is_there(self, id: bytes) -> bool:
        member = self.swim.members.get(id)
        return id == self.id or (member is not None and member.state not in GONE)

    def others_there(self) -> Iterable[bytes]:
        return [one.id for one in self.others]

    def stream(self, id: bytes) -> Stream:
        return self.streams.of(id)

    def is_connected(self, id: bytes) -> bool:
        return (id, 0) in self.lanes

    def send_to(self, id: bytes, data: bytes) -> None:
        lane = self.lanes.get((id, 0))
        if lane is not None:
            lane.send(data)

    def busy(self) -> set[int]:
        return {key_partition(key) for _, key in self.node.owners.awake}.union(self.unwritten())

    def aim(self, partitions: Iterable[int]) -> None:
        self._aim(partitions, set())

    def _aim(self, partitions: Iterable[int], gone: set[bytes]) -> None:
        """Let commands go to who serves these partitions now; nobody does while it is in doubt."""
        owners = list(self.directory.owners)
        servers, wanted = self.replication.epochs.servers, self.ownership.owners
        suspended = self.replication.serving.suspended
        known: dict[tuple[bytes, tuple[bytes, ...]], tuple[bytes, ...]] = {}
        for partition in partitions:
            way = servers[partition], wanted[partition]
            if way not in known:
                is_served = self.is_there(way[0])
                known[way] = (way[0], *[one for one in way[1] if one != way[0]]) if is_served else ()
            owners[partition] = () if partition in suspended else known[way]
        moved = self.directory.set_owners(owners, gone)
        for follow in self.on_view:
            follow(moved)

    # -- for the bus: Territory, LaneKeeper, Addresses -------------------------------

    @property
    def owned(self) -> bytearray:
        return self.directory.owned

    def serves(self, partition: int) -> bool:
        try:
            return bool(self.directory.owned[partition])
        except IndexError:
            raise BrokenFrameError(f"no partition {partition}") from None

    def owner_of(self, partition: int) -> bytes:
        owners = self.directory.owners[partition]
        return owners[0] if owners else b""

    def memory_of(self, origin: bytes) -> Memory:
        return self.memories.of(origin)

    def client_address(self, id: bytes) -> tuple[str, int]:
        member = self.swim.members.get(id)
        if member is None:
            return "", 0
        return member.meta.host or member.address[0], member.meta.cluster_port or member.meta.client_port

    def lane_opened(self, lane: Lane) -> None:
        self.lanes[lane.peer_id, lane.index] = lane
        if not self._is_gone(lane.peer_id):
            self.relay.lane_opened(lane)
            if lane.index == 0:
                lane.carry(self.stream(lane.peer_id))
                lane.taker = self.replication.confirmations_taker(lane.peer_id)
                self.replication.connected(lane.peer_id)

    def lane_closed(self, lane: Lane) -> None:
        if not lane.was_established:
            return
        self.relay.lane_closed(lane)
        if self.lanes.get((lane.peer_id, lane.index)) is lane:
            del self.lanes[lane.peer_id, lane.index]
            if lane.index == 0:
                self.streams.disconnect(lane.peer_id)
        self.router.connection_lost(lane.peer_id)
        self.act(self.swim.connection_lost(self.now_s(), lane.peer_id))

    def inlet_opened(self, inlet: Inlet) -> None:
        self.inlets.append(inlet)
        inlet.taker = self.replication.effects_taker(inlet.peer_id)

    def inlet_closed(self, inlet: Inlet) -> None:
        self.inlets.remove(inlet)
        self.relay.inlet_closed(inlet)
        self._forget_answers(inlet.peer_id)
        if inlet.peer_id not in self.swim.members:
            self.relay.gone(inlet.peer_id)
        self.act(self.swim.connection_lost(self.now_s(), inlet.peer_id))

    def _forget_answers(self, id: bytes) -> None:
        """Drop the answers given to a node that is gone, some time after the last that came from it."""
        if not self.is_there(id) and all(inlet.peer_id != id for inlet in self.inlets):
            self._forgettable_s[id] = self.now_s() + self.options.forward_timeout_s + ANSWERS_KEPT_S

    def _forget_old_answers(self, now_s: float) -> None:
        for gone in [one for one, due_s in self._forgettable_s.items() if due_s <= now_s]:
            del self._forgettable_s[gone]
            if not self.is_there(gone):
                self.memories.forget(gone)

    def refused(self, lane: Lane, refusal: Refusal) -> None:
        self.directory.refused(lane, refusal)

    def lane_frame(self, lane: Lane, data: bytes) -> None:
        if data[:1] in CONFIRMATIONS and data:
            self.mandating.answered(lane.peer_id, data)
        else:
            self.replication.answered(lane.peer_id, data)

    def completed(self) -> None:
        if self.directory.has_rooms:
            self.directory.completed()

    def exchange_asked(self, inlet: Inlet, exchange: Exchange) -> None:
        self.answer(inlet, exchange)

    def other_frame(self, inlet: Inlet, data: bytes) -> None:
        if data[:1] in CONFIRMATIONS and data:
            inlet.send(self.mandating.asked(inlet.peer_id, data))
            return
        if data[:1] in KINDS and data:
            inlet.send(self.replication.asked(inlet.peer_id, data))
            return
        if data[:1] != NEWS:
            raise BrokenFrameError(f"unknown kind of frame {data[:1]!r}")
        if not self._is_gone(inlet.peer_id):
            self.relay.met(inlet.peer_id)  # it may know us before we know it
        self.relay.take(inlet, data)

    # -- time ------------------------------------------------------------------------

    def tick(self) -> None:
        """Give up and try again what is due, and go on with what moves."""
        now_s = self.now_s()
        self.streams.tick(now_s)
        self.mandating.tick()
        self.replication.tick(now_s)
        self.directory.tick()
        self.relay.tick()
        self._forget_old_answers(now_s)
        merged, conflicts = self.replication.witness.take_merged()
        if merged:
            self.splits.merged(now_s, merged, conflicts)
        self.splits.tick(now_s, self.replication.offers.waiting)
        self.observer.flush()
