"""Nodes with mandates that contend for one partition, on a virtual clock and a network that comes apart.

Each node believes alive whom it has heard within some seconds. It asks for confirmations, and where it knows of no server it promotes
itself as `replication/promotion.py` does: asks all, waits for a majority's promises and then for old leases to run out. The first of
those it sees does so at once, the others now and then, as if their tables differed.
The same seed gives the same run.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from random import Random

from respcache.cluster.modes.frames import (
    decode_confirm,
    decode_confirmed,
    encode_confirm,
    encode_confirmed,
)
from respcache.cluster.modes.mandate import Mandate

TICK_S = 0.02
DEAD_AFTER_S = 3.0
TRY_AGAIN_S = 0.7
RIVALRY = 0.05
GIVE_UP_S = 2.0


def id_of(number: int) -> bytes:
    return bytes([number]) * 20


class Node:
    """One process; `serves` is the epoch in which it serves the partition, or 0."""

    def __init__(self, company: "Company", number: int) -> None:
        self.company = company
        self.id = id_of(number)
        self.number = number
        self.mandate = Mandate(self.id, strict=True, min_members=company.min_members)
        self.heard: dict[bytes, float] = {}
        self.paused_until = 0.0
        self.is_up = True
        self.least = 0  # the lowest epoch that it obeys
        self.serves = 0
        self.server = b""  # who serves, as far as it knows
        self.promises: set[bytes] = set()
        self.promised_at: float | None = None  # the last promise of this round
        self.asks_for = 0  # the epoch that it wants to serve in
        self.tries_at = company.now + 1 + company.chance.random()  # not before it has heard of the others

    @property
    def alive(self) -> frozenset[bytes]:
        now = self.company.now
        return frozenset(one for one, at in self.heard.items() if now - at < self.company.dead_after_s) | {
            self.id
        }

    @property
    def may_serve(self) -> bool:
        """Whether a command that came now would be run: asked with a clock that was read now."""
        return bool(self.serves) and self.mandate.is_valid(self.company.now)

    def tick(self) -> None:
        now = self.company.now
        self.mandate.observe(now, self.alive)
        question = self.mandate.due(now)
        if question is not None:
            wire = encode_confirm(question)
            self.company.broadcast(self, lambda to: to.take_question(self, wire))
        self.promote()
        if self.serves:
            epoch = self.serves
            self.company.broadcast(self, lambda to: to.take_served(self, epoch))

    def take_served(self, server: "Node", epoch: int) -> None:
        """Hear who serves, unless a later one was promised."""
        if epoch >= self.least:
            self.obey(epoch)
            self.server = server.id

    def take_question(self, asker: "Node", wire: bytes) -> None:
        company = self.company
        answer = self.mandate.asked(company.now, asker.id, decode_confirm(wire), [(0, self.least)])
        reply = encode_confirmed(answer)
        company.send(self, asker, lambda: asker.take_answer(self, reply))

    def take_answer(self, peer: "Node", wire: bytes) -> None:
        answer = decode_confirmed(wire)
        for _, epoch in answer.newer:
            self.obey(epoch)
        self.mandate.answered(self.company.now, peer.id, answer)

    def obey(self, epoch: int) -> None:
        if epoch > self.least:
            self.least, self.server = epoch, b""
        if self.serves < self.least:
            self.serves = 0

    # Promotion

    def promote(self) -> None:
        now, company = self.company.now, self.company
        if self.serves:
            self.promised_at = None
        elif self.promised_at is not None:
            self._finish(self.promised_at)
        elif now >= self.tries_at:
            self.tries_at = now + TRY_AGAIN_S * company.chance.uniform(1, 2)
            is_first = min(self.alive) == self.id or company.chance.random() < RIVALRY
            if is_first and (company.is_hostile or self.server not in self.alive):
                self.ask_for_promises()

    def ask_for_promises(self) -> None:
        self.obey(self.least + 1)
        epoch = self.asks_for = self.least
        self.promises, self.promised_at = {self.id}, self.company.now
        self.company.broadcast(self, lambda to: to.take_status(self, epoch))

    def _finish(self, promised_at: float) -> None:
        now, mandate = self.company.now, self.mandate
        if self.asks_for != self.least or now > promised_at + GIVE_UP_S:
            self.promised_at = None
        elif mandate.has_majority(self.promises) and now >= promised_at + mandate.promotion_wait_s:
            self.serves, self.promised_at = self.asks_for, None

    def take_status(self, asker: "Node", epoch: int) -> None:
        """Promise to obey nothing older, unless the same or more was promised to another."""
        is_promised = epoch > self.least
        self.obey(epoch)
        least = self.least
        self.company.send(self, asker, lambda: asker.take_promise(self, epoch, is_promised, least))

    def take_promise(self, peer: "Node", epoch: int, is_promised: bool, least: int) -> None:
        if self.promised_at is None or epoch != self.asks_for:
            return
        if is_promised:
            self.promises.add(peer.id)
            self.promised_at = self.company.now
        else:
            self.obey(max(least, epoch + 1))


class Company:
    """The clock, the network and the nodes."""

    def __init__(self, seed: int, count: int, min_members: int = 0) -> None:
        self.now = 0.0
        self.chance = Random(seed)
        self.min_members = min_members
        self.delay_s = 0.001
        self.dead_after_s = DEAD_AFTER_S
        self.is_hostile = False  # promotes although somebody serves
        self.nodes: list[Node] = []
        self.on_step: Callable[[], None] = lambda: None
        self._cut: set[frozenset[int]] = set()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        for _ in range(count):
            self.start()

    def start(self) -> Node:
        node = Node(self, len(self.nodes) + 1)
        self.nodes.append(node)
        self.at(self.now + self.chance.random() * TICK_S, partial(self._tick, node))
        self.at(self.now, partial(self._greet, node))
        return node

    def at(self, when: float, action: Callable[[], None]) -> None:
        self._order += 1
        heappush(self._heap, (when, self._order, action))

    def _tick(self, node: Node) -> None:
        if node.is_up:
            self.at(self.now + TICK_S, partial(self._tick, node))
            if node.paused_until <= self.now:
                node.tick()

    def _greet(self, node: Node) -> None:
        """Let the others hear that it lives, as membership does."""
        if node.is_up:
            self.at(self.now + self.dead_after_s / 6, partial(self._greet, node))
            if node.paused_until <= self.now:
                self.broadcast(node, lambda to: to.heard.__setitem__(node.id, self.now))

    def broadcast(self, sender: Node, action: Callable[[Node], None]) -> None:
        for node in self.nodes:
            if node is not sender:
                self.send(sender, node, partial(action, node))

    def send(self, sender: Node, receiver: Node, action: Callable[[], None]) -> None:
        delay_s = self.delay_s * self.chance.uniform(0.5, 1.5)
        self.at(self.now + delay_s, partial(self._arrive, sender, receiver, action))

    def _arrive(self, sender: Node, receiver: Node, action: Callable[[], None]) -> None:
        if not receiver.is_up or frozenset((sender.number, receiver.number)) in self._cut:
            return
        if receiver.paused_until > self.now:  # it lies in the socket's buffer meanwhile
            self.at(receiver.paused_until, partial(self._arrive, sender, receiver, action))
        else:
            action()

    def split(self, *groups: list[Node]) -> None:
        for number, group in enumerate(groups):
            for other in groups[number + 1 :]:
                self._cut |= {frozenset((one.number, two.number)) for one in group for two in other}

    def heal(self) -> None:
        self._cut.clear()

    def pause(self, node: Node, for_s: float) -> None:
        node.paused_until = max(node.paused_until, self.now + for_s)

    def kill(self, node: Node) -> None:
        node.is_up = False
        node.serves = 0

    def leave(self, node: Node) -> None:
        for one in self.up():
            one.mandate.left(node.id)

    def up(self) -> list[Node]:
        return [node for node in self.nodes if node.is_up]

    def servers(self) -> list[Node]:
        return [node for node in self.nodes if node.serves and node.is_up and node.may_serve]  # at every step

    def run_for(self, seconds: float) -> None:
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            self.now, _, action = heappop(self._heap)
            action()
            self.on_step()
        self.now = end

    def run_until(self, is_done: Callable[[], bool], at_most_s: float) -> float | None:
        start = self.now
        while self.now < start + at_most_s:
            if is_done():
                return self.now - start
            self.run_for(TICK_S)
        return None
