"""Many nodes' membership on one virtual clock: a network with faults, from a seed.

Datagrams are lost, delayed, duplicated and cut off by partitions (in one direction, too). Exchanges go over a model of
TCP: loss only delays them. Nodes can be killed, paused (what arrives meanwhile waits in a buffer) and slowed
down (an event loop that is late by so much). The same seed gives the same run, event by event.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Final

from respcache.cluster.membership.member import Address, Meta, Phase, State
from respcache.cluster.membership.outputs import Exchange, Happened, Kind, Output, Packet
from respcache.cluster.membership.profiles import LAN, Profile
from respcache.cluster.membership.swim import Swim

SOCKET_BUFFER_PACKETS: Final = 256  # Linux' default of 208 KiB holds about as many small datagrams
TCP_RETRANSMIT_S: Final = 0.2  # Linux' least
TCP_TIMEOUT_S: Final = 3.0  # of dialling, where packets go nowhere
MOST_TCP_TRIES: Final = 5
SETTLING_PERIODS: Final = 20  # of probing: by then the news of a hundred joiners has died down


def meta_of(number: int, phase: Phase = Phase.ACTIVE) -> Meta:
    host = f"10.0.{number >> 8}.{number & 255}"
    return Meta(f"{host}:6379", host, 6379, 0, 16379, 0, f"machine-{number}", "", 1.0, phase, (1, 1), 0)


def address_of(number: int) -> Address:
    return (meta_of(number).host, 16379)


@dataclass(slots=True)
class Network:
    """How datagrams fare. Chances are per packet, delays in seconds and one way."""

    loss: float = 0.0
    delay_s: float = 0.0005
    jitter_s: float = 0.0005
    duplication: float = 0.0


@dataclass(slots=True, eq=False)
class Node:
    """One simulated process."""

    number: int
    swim: Swim = field(init=False)
    is_up: bool = True
    paused_until: float = 0.0
    lag_s: float = 0.0
    busy_until: float = 0.0  # a slow node's loop works on nothing before this
    wakes_at: float = float("inf")
    inbox: int = 0
    events: list[tuple[float, Happened]] = field(default_factory=list)
    packets_sent: int = 0
    bytes_sent: int = 0
    exchange_bytes: int = 0

    @property
    def address(self) -> Address:
        return self.swim.me.address


class Simulator:
    """A virtual clock, a network and its nodes."""

    def __init__(self, seed: int, profile: Profile = LAN, *, fast_path: bool = True) -> None:
        self.now = 0.0
        self.chance = Random(seed)
        self.profile = profile
        self.network = Network()
        self.nodes: list[Node] = []
        self.counts: Counter[Kind] = Counter()
        self._fast_path = fast_path
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0
        self._at: dict[Address, Node] = {}
        self._cut: set[tuple[int, int]] = set()

    # Nodes

    def start(self, number: int, phase: Phase = Phase.ACTIVE) -> Node:
        """Start a process at the address of this number; a second one there takes over the address."""
        chance = Random(self.chance.getrandbits(64))
        node = Node(number)
        node.swim = Swim(
            chance.randbytes(20),
            address_of(number),
            meta_of(number, phase),
            self.profile,
            chance,
            self.now,
            loop_lag_s=lambda: node.lag_s,
            fast_path=self._fast_path,
        )
        self.nodes.append(node)
        self._at[node.address] = node
        self._plan_tick(node)
        return node

    def start_all(self, count: int) -> list[Node]:
        """Start so many nodes that know each other already, as in a cluster that has run for long."""
        nodes = [self.start(number) for number in range(count)]
        for node in nodes[1:]:
            self.call(node, node.swim.join, [nodes[0].address])
        self.run_for(0.2)
        for node in nodes:
            self.call(node, node.swim.join, [other.address for other in nodes])
        self.run_for(SETTLING_PERIODS * self.profile.probe_period_s)
        return nodes

    def keep_joining(self, node: Node, seeds: Sequence[Address], period_s: float = 1.0) -> None:
        """Tell a node of the seeds for ever, as discovery does."""
        if node.is_up:
            self.call(node, node.swim.join, seeds)
            self.at(self.now + period_s, partial(self.keep_joining, node, seeds, period_s))

    def kill(self, node: Node, *, connections_end: bool = False) -> None:
        """End a process. With `connections_end` its machine tells the others, as it does on kill -9."""
        node.is_up = False
        if self._at.get(node.address) is node:
            del self._at[node.address]
        if connections_end:
            for other in self.nodes:
                if other is not node:
                    self.at(self.now + self._delay_s(), partial(self._notice_end, other, node))

    def _notice_end(self, node: Node, dead: Node) -> None:
        self.call(node, node.swim.connection_lost, dead.swim.me.id)
        delay_s = 2 * self._delay_s()
        refused = partial(self.call, node, node.swim.connection_refused, dead.swim.me.id)
        self.at(self.now + delay_s, refused)

    def pause(self, node: Node, for_s: float) -> None:
        node.paused_until = self.now + for_s

    # The network's faults

    def cut(self, senders: Iterable[Node], receivers: Iterable[Node]) -> None:
        """Let nothing pass from senders to receivers; the other direction stays open."""
        receivers = list(receivers)
        self._cut |= {(sender.number, receiver.number) for sender in senders for receiver in receivers}

    def split(self, some: Sequence[Node], others: Sequence[Node]) -> None:
        self.cut(some, others)
        self.cut(others, some)

    def heal(self) -> None:
        self._cut.clear()

    # Running

    def at(self, when: float, action: Callable[[], object]) -> None:
        self._order += 1
        heappush(self._heap, (when, self._order, action))

    def run_for(self, seconds: float) -> None:
        self.run_until(lambda: False, seconds)

    def run_until(self, is_done: Callable[[], bool], at_most_s: float) -> float | None:
        """Run until something is so, at most so long; return how long it took, or None."""
        start, end = self.now, self.now + at_most_s
        while self._heap and self._heap[0][0] <= end:
            self.now, _, action = heappop(self._heap)
            action()
            if is_done():
                return self.now - start
        self.now = end
        return None

    def call(self, node: Node, method: Callable[..., list[Output]], *arguments: object) -> None:
        """Call a node's state machine, as soon as its process gets round to it, and do what it asks for."""
        ready_at = self._ready_at(node)
        if ready_at > self.now:
            self.at(ready_at, partial(self.call, node, method, *arguments))
        elif node.is_up:
            self._perform(node, method(self.now, *arguments))

    def _ready_at(self, node: Node) -> float:
        return max(node.paused_until, node.busy_until)

    def _plan_tick(self, node: Node) -> None:
        when = max(node.swim.next_deadline(), self.now)
        if when < node.wakes_at:
            node.wakes_at = when
            self.at(when, partial(self._tick, node, when))

    def _tick(self, node: Node, when: float) -> None:
        if not node.is_up or when != node.wakes_at:
            return
        ready_at = self._ready_at(node)
        if ready_at > self.now:
            node.wakes_at = ready_at
            self.at(ready_at, partial(self._tick, node, ready_at))
            return
        node.wakes_at = float("inf")
        if node.swim.next_deadline() <= self.now:
            self._perform(node, node.swim.tick(self.now))
            self._spend(node)
        else:
            self._plan_tick(node)

    def _spend(self, node: Node) -> None:
        """Let a slow node's loop be busy with other things after each turn."""
        if node.lag_s:
            node.busy_until = self.now + node.lag_s * self.chance.uniform(0.5, 1.5)

    def _perform(self, node: Node, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Packet():
                    self._send(node, output)
                case Exchange():
                    self._exchange(node, output)
                case Happened():
                    node.events.append((self.now, output))
                    self.counts[output.kind] += 1
        self._plan_tick(node)

    # Datagrams

    def _delay_s(self) -> float:
        return self.network.delay_s + self.chance.random() * self.network.jitter_s

    def _send(self, node: Node, packet: Packet) -> None:
        node.packets_sent += 1
        node.bytes_sent += len(packet.payload)
        copies = 1 + (self.chance.random() < self.network.duplication)
        for _ in range(copies):
            if self.chance.random() >= self.network.loss:
                self.at(self.now + self._delay_s(), partial(self._arrive, node, packet))

    def _arrive(self, sender: Node, packet: Packet) -> None:
        receiver = self._at.get(packet.address)
        if receiver is None or (sender.number, receiver.number) in self._cut:
            return
        ready_at = self._ready_at(receiver)
        if ready_at > self.now:
            if receiver.inbox < SOCKET_BUFFER_PACKETS:
                receiver.inbox += 1
                self.at(ready_at, partial(self._arrive_late, receiver, sender, packet))
            return
        if receiver.is_up:
            self._perform(receiver, receiver.swim.receive(self.now, packet.payload, sender.address))

    def _arrive_late(self, receiver: Node, sender: Node, packet: Packet) -> None:
        receiver.inbox -= 1
        if receiver.is_up:
            self._perform(receiver, receiver.swim.receive(self.now, packet.payload, sender.address))

    # Exchanges

    def _exchange(self, node: Node, exchange: Exchange) -> None:
        node.exchange_bytes += len(exchange.payload)
        fail = partial(self.call, node, node.swim.exchange_done, exchange.token, None)
        peer = self._at.get(exchange.address)
        if peer is None:
            self.at(self.now + 2 * self._delay_s(), fail)  # refused
        elif {(node.number, peer.number), (peer.number, node.number)} & self._cut:
            self.at(self.now + TCP_TIMEOUT_S, fail)
        else:
            self.at(self.now + self._tcp_delay_s(), partial(self._answer, peer, node, exchange))

    def _tcp_delay_s(self) -> float:
        """Return how long bytes take one way: each loss costs a retransmission."""
        delay_s, wait_s = self._delay_s(), TCP_RETRANSMIT_S
        for _ in range(MOST_TCP_TRIES):
            if self.chance.random() >= self.network.loss:
                break
            delay_s, wait_s = delay_s + wait_s, wait_s * 2
        return delay_s

    def _answer(self, peer: Node, node: Node, exchange: Exchange) -> None:
        ready_at = self._ready_at(peer)
        if ready_at > self.now:
            self.at(ready_at, partial(self._answer, peer, node, exchange))
            return
        reply = None
        if peer.is_up:
            reply, outputs = peer.swim.answer_exchange(self.now, exchange.payload, node.address)
            peer.exchange_bytes += len(reply)
            self._perform(peer, outputs)
        done = partial(self.call, node, node.swim.exchange_done, exchange.token, reply)
        self.at(self.now + self._tcp_delay_s(), done)

    # What the nodes believe

    def up(self) -> list[Node]:
        return [node for node in self.nodes if node.is_up]

    def have_equal_views(self) -> bool:
        """Whether every node that runs believes exactly those there that run, and suspects nobody."""
        view = {node.swim.me.id: State.ALIVE for node in self.up()}
        return all(view_of(node) == view for node in self.up())

    def events(self, kind: Kind) -> list[tuple[float, Node, Happened]]:
        return [
            (when, node, event) for node in self.nodes for when, event in node.events if event.kind is kind
        ]


def view_of(node: Node) -> dict[bytes, State]:
    """Return whom a node believes there."""
    return {member.id: member.state for member in node.swim.members.values() if member.is_live}
