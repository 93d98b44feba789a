"""Several complete servers in one process, joined by connections that exist only in memory, on one clock that is turned.

    world = World(3)
    client = world.client(0)
    assert client("SET a 1") == b"OK"

Bytes take their time, arrive cut at random points, and a connection can be lost at any moment; nodes can be stopped and
killed. All chance comes from a seed. Who owns what is said by the test (``Peer.see``) instead of gossip.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any, Final, cast

import msgspec

from respcache.cluster.bus.channel import Channel
from respcache.cluster.hub import Hub, Options
from respcache.cluster.membership.member import Member, Meta, Phase, State, encode_meta
from respcache.cluster.membership.outputs import Happened, Kind
from respcache.cluster.membership.profiles import LAN
from respcache.keyspace.slots import key_slot, partition_of
from tests.cluster.bus.wires import RECONNECT_S, ROUNDS, Caller, Endpoint, Wire
from tests.commands.harness import START_MS, Harness

TICK_S: Final = 0.02


class World:
    """The nodes, what is between them, and the time."""

    def __init__(
        self,
        nodes: int = 2,
        *,
        seed: int = 0,
        lanes: int = 1,
        delay_s: tuple[float, float] = (0.0005, 0.002),
        timeout_s: float = 1.0,
        cuts: bool = False,
        active: Iterable[int] | None = None,
        copies: int = 1,
        is_synchronous: bool = True,
        **settings: str,
    ) -> None:
        self.chance = random.Random(seed)
        self.now_s = 100.0
        self.delay_s = delay_s
        self.cuts = cuts
        self.lanes = lanes
        self.window_bytes = 1 << 30
        self.reconnects = True
        self.delivered = 0
        self.before_delivery: Callable[[int], None] = lambda number: None
        self.stirred: dict[Endpoint, None] = {}
        self._callers: list[Caller] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._next_tick_s = self.now_s + TICK_S
        self._is_serving = False
        options = Options(copies, lanes, timeout_s, is_synchronous=is_synchronous)
        self.peers = [Peer(self, number, options, settings) for number in range(nodes)]
        for peer in self.peers:
            peer.meet(self.peers)
            if active is None or list(active):
                peer.see(range(nodes) if active is None else active)
        self.wires: dict[tuple[int, int, int], Wire] = {}
        self.cuts_between: set[frozenset[int]] = set()
        for one, other in itertools.permutations(self.peers, 2):
            for index in range(lanes):
                self.connect(one, other, index)
        self.run(0.05)
        self.rest()

    # -- time ----------------------------------------------------------------------

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen later."""
        heapq.heappush(self._events, (self.now_s + seconds, next(self._numbers), act))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.serve()
        until_s = self.now_s + seconds
        while self._step(until_s):
            pass
        self._set_time(until_s)

    def rest(self, most_s: float = 10.0) -> None:
        """Let time pass until every partition is served where it shall be, with all copies, and nothing moves."""
        until_s = self.now_s + most_s
        while not self.is_at_rest and self.now_s < until_s:
            self.run(TICK_S)

    @property
    def is_at_rest(self) -> bool:
        there = [peer for peer in self.peers if not (peer.is_dead or peer.is_stopped)]
        return all(peer.is_at_rest for peer in there)

    def settle(self, most_s: float = 5.0) -> None:
        """Let time pass until nothing is on its way or waits."""
        self.serve()
        until_s = self.now_s + most_s
        while (self._events or not self.is_idle) and self._step(until_s):
            pass

    def _step(self, until_s: float) -> bool:
        """Do what comes next; say whether it came before that time."""
        event_s = self._events[0][0] if self._events else self._next_tick_s
        if min(event_s, self._next_tick_s) > until_s:
            return False
        if event_s < self._next_tick_s:
            _, _, act = heapq.heappop(self._events)
            self._set_time(event_s)
            act()
        else:
            self._set_time(self._next_tick_s)
            self._next_tick_s += TICK_S
            for peer in self.peers:
                if not peer.is_stopped:
                    peer.hub.tick()
        self.serve()
        return True

    def _set_time(self, now_s: float) -> None:
        self.now_s = now_s
        for peer in self.peers:
            peer.harness.clock.now_ms = START_MS + round((now_s - 100.0) * 1000)

    # -- the reactors' work -----------------------------------------------------------

    def serve(self) -> None:
        """Look after whoever was stirred, as reactors do at the end of a turn."""
        if self._is_serving:
            return
        self._is_serving = True
        for _ in range(ROUNDS):
            if not self.stirred:
                break
            stirred, self.stirred = self.stirred, {}
            for endpoint in stirred:
                if endpoint.peer.is_stopped:
                    endpoint.peer.inbox.append(endpoint.wake)
                else:
                    endpoint.finish()
        else:
            raise AssertionError("somebody is stirred for ever")
        self._is_serving = False

    # -- what is between the nodes ------------------------------------------------------

    def connect(self, one: "Peer", other: "Peer", index: int) -> None:
        """Let one node dial another."""
        if one.is_dead or other.is_dead or (one.number, other.number, index) in self.wires:
            return
        if frozenset({one.number, other.number}) in self.cuts_between:
            self.after(RECONNECT_S, lambda: self.connect(one, other, index))
            return
        wire = self.wires[one.number, other.number, index] = Wire(self, one, other, index)
        wire.start()
        self.serve()

    def wire(self, one: int, other: int, index: int = 0) -> "Wire":
        return self.wires[one, other, index]

    def lose(self, one: int, other: int, index: int = 0) -> None:
        """End a connection, with all that is on its way."""
        wire = self.wires.get((one, other, index))
        if wire is not None:
            wire.lose()
            self.serve()

    def split(self, *groups: Iterable[int], is_known: bool = True) -> None:
        """Let nodes of different groups not reach each other; where it is known, they take each other for dead."""
        sides = [set(group) for group in groups]
        for one, other in itertools.combinations(sides, 2):
            for a, b in itertools.product(one, other):
                self.cuts_between.add(frozenset({a, b}))
                for index in range(self.lanes):
                    self.lose(a, b, index)
                    self.lose(b, a, index)
                if is_known:
                    self.peers[a].bury(self.peers[b])
                    self.peers[b].bury(self.peers[a])
        self.serve()

    def heal(self) -> None:
        """Let all reach each other again, and know that they live."""
        self.cuts_between.clear()
        for peer, other in itertools.permutations(self.peers, 2):
            if not (peer.is_dead or other.is_dead):
                peer.unbury(other)
        self.run(2 * RECONNECT_S)

    def kill(self, number: int, *, is_known: bool = True) -> None:
        """End a node without warning; where it is known, the others hear of it at once."""
        dead = self.peers[number]
        dead.is_dead = dead.is_stopped = True
        for key, wire in list(self.wires.items()):
            if number in key[:2]:
                wire.lose()
        if is_known:
            for peer in self.peers:
                if not peer.is_dead:
                    peer.bury(dead)
        self.serve()

    # -- what tests ask -------------------------------------------------------------------

    def client(self, number: int = 0, protocol: int = 3, *, is_redirected: bool = False) -> "Caller":
        self._callers.append(Caller(self, self.peers[number], protocol, is_redirected))
        return self._callers[-1]

    def keys_of(self, number: int, count: int = 1, prefix: str = "key") -> list[str]:
        """Return names of keys that a node owns, as it believes itself."""
        owned = (f"{prefix}:{at}" for at in itertools.count())
        return list(itertools.islice((key for key in owned if self.peers[number].owns(key)), count))

    def key_of(self, number: int, prefix: str = "key") -> str:
        return self.keys_of(number, prefix=prefix)[0]

    def clean(self) -> bool:
        """Make it as new, for another test; say whether that can be done."""
        for caller in self._callers:
            caller.close()
        self._callers.clear()
        self.before_delivery = lambda number: None
        self.reconnects = True
        for peer in self.peers:
            if (
                peer.is_dead
                or peer.is_stopped
                or len(peer.active) < len(self.peers)
                or peer.node.pause.until_ms
            ):
                return False
            peer.node.keyspace.flush_all()
        self.run(0.2)
        return not any(peer.leftovers() for peer in self.peers)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anybody."""
        return all(peer.is_dead or peer.is_stopped or peer.is_idle for peer in self.peers)


_used: dict[int, World] = {}


def world_of(nodes: int) -> World:
    """Return a world of nodes that are well; the last test's, if that has left it so, as making one takes 50 ms."""
    world = _used.get(nodes)
    if world is None or not world.clean():
        world = _used[nodes] = World(nodes)
    return world


class Peer:
    """One node."""

    def __init__(self, world: World, number: int, options: Options, settings: dict[str, str]) -> None:
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
        self.harness.dispatcher.rebind()

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
        first = [p for p, owners in enumerate(hub.ownership.owners) if owners[:1] == (self.id,)]
        return (
            sorted(serving.served) == first
            and all(serving.is_safe(partition) for partition in first)
            and not hub.replication.offers.waiting
            and not hub.replication.promotion.is_busy
        )

    @staticmethod
    def world_id(number: int) -> bytes:
        return bytes([number + 1]) * 20

    def owns(self, key: str | bytes) -> bool:
        name = key.encode() if isinstance(key, str) else key
        return bool(self.hub.directory.owned[partition_of(key_slot(name))])

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
