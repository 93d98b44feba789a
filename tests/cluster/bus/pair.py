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
from collections.abc import Callable, Iterable
from typing import Final

from respcache.cluster.hub import Options
from tests.cluster.bus.peer import Peer, place_of
from tests.cluster.bus.wires import RECONNECT_S, ROUNDS, Caller, Endpoint, Wire
from tests.commands.harness import START_MS

TICK_S: Final = 0.02
SWEPT: Final = 500
"""Keys that expire at a tick at most."""


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
        is_strict: bool = False,
        min_members: int = 1,
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
        self.digest = 0
        """Of all that has arrived, and when: the same in two runs that are the same."""
        self.before_delivery: Callable[[int], None] = lambda number: None
        self.stirred: dict[Endpoint, None] = {}
        self._callers: list[Caller] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._next_tick_s = self.now_s + TICK_S
        self._is_serving = False
        options = Options(
            copies,
            lanes,
            timeout_s,
            is_synchronous=is_synchronous,
            is_strict=is_strict,
            min_members=min_members,
        )
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

    def until(self, is_so: Callable[[], bool], most_s: float = 5.0) -> None:
        """Let time pass up to the very moment at which something is so."""
        self.serve()
        until_s = self.now_s + most_s
        while not is_so():
            assert self._step(until_s), "it never comes to that"

    def move(self, *active: int) -> None:
        """Let every node believe that these may own; partitions move there later, by and by."""
        for peer in self.peers:
            if not peer.is_dead:
                peer.see(active)

    def hand_over(self, keys: Iterable[str], *active: int, count: int = 1) -> list[str]:
        """Let these nodes own, up to the moment at which so many of the keys are given away and nobody has heard of it.

        Return those that are: what is sent to them now goes to a server that serves them no more.
        """
        served = [(key, self.server_of(key).hub.directory.owned, place_of(key)) for key in keys]

        def given() -> list[str]:
            return [key for key, owned, place in served if not owned[place]]

        self.move(*active)
        self.until(lambda: len(given()) >= count)
        return given()

    def server_of(self, key: str) -> Peer:
        """Return the node that serves a key, as it believes itself."""
        [server] = [peer for peer in self.peers if not peer.is_dead and peer.owns(key)]
        return server

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
                    peer.node.keyspace.sweep(SWEPT)
                    peer.hub.tick()
        self.serve()
        return True

    def _set_time(self, now_s: float) -> None:
        self.now_s = now_s
        now_ms = START_MS + round((now_s - 100.0) * 1000)
        for peer in self.peers:
            peer.harness.clock.now_ms = now_ms

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

    def connect(self, one: Peer, other: Peer, index: int) -> None:
        """Let one node dial another."""
        if one.is_dead or other.is_dead or (one.number, other.number, index) in self.wires:
            return
        if frozenset({one.number, other.number}) in self.cuts_between:
            self.after(RECONNECT_S, lambda: self.connect(one, other, index))
            return
        wire = self.wires[one.number, other.number, index] = Wire(self, one, other, index)
        wire.start()
        self.serve()

    def wire(self, one: int, other: int, index: int = 0) -> Wire:
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

    def client(self, number: int = 0, protocol: int = 3, *, is_redirected: bool = False) -> Caller:
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
        cleaner = Caller(self, self.peers[0], 3, is_redirected=False)
        is_empty = cleaner("FLUSHALL") == b"OK"
        cleaner.close()
        self.run(0.2)
        count = len(self.peers)
        is_joined = len(self.wires) == count * (count - 1) * self.lanes
        return is_empty and is_joined and self.is_at_rest and not any(peer.leftovers() for peer in self.peers)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anybody."""
        return all(peer.is_dead or peer.is_stopped or peer.is_idle for peer in self.peers)


_used: dict[tuple[int, int, int], World] = {}


def world_of(nodes: int, *, copies: int = 1, lanes: int = 1) -> World:
    """Return a world of nodes that are well; the last test's, if that has left it so, as making one takes 50 ms."""
    kind = nodes, copies, lanes
    world = _used.get(kind)
    if world is None or not world.clean():
        world = _used[kind] = World(nodes, copies=copies, lanes=lanes)
    return world
