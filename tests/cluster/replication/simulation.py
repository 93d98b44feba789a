"""A cluster in trouble: complete nodes on a virtual clock, clients on all of them, and faults at random, all from one seed.

    assert not Simulation(17).run()

Nodes are killed, stopped for a while, cut off from each other, joined and sent away; connections are lost. Others
learn of it when they would: each at its own time. How much may go wrong at once follows from the number of copies; where more
did, or both sides of a split have served, less is asked of the outcome.
"""

import itertools
import random
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from respcache.cluster.membership.member import State
from respcache.cluster.membership.outputs import Happened, Kind
from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.pair import World
from tests.cluster.bus.peer import Peer
from tests.cluster.bus.wires import RECONNECT_S, Caller
from tests.cluster.replication.invariants import faults_at_rest
from tests.cluster.replication.ledger import Asked, Ledger

STEP_S: Final = 0.02
SECONDS: Final = 10.0
STILL_S: Final = 0.5
"""As in ``app/clustering.py``: who has stood still for longer doubts that it serves still."""

DETECTED_S: Final = (2.5, 4.0)
"""When each node takes one for dead that is silent."""

HEARD_S: Final = (0.3, 3.0)
"""When each node hears that one has been killed."""

TIDY_S: Final = 7.0
"""For copies that nobody knows of to be found and let go: see ``strays.py``."""

LOST = ErrorReply("LOST", "the node was killed")


class Sea(World):
    """A world in which nobody dials whom he takes for dead."""

    def connect(self, one: Peer, other: Peer, index: int) -> None:
        if believes_dead(one, other) and not other.is_dead:
            self.after(RECONNECT_S, lambda: self.connect(one, other, index))
        else:
            super().connect(one, other, index)


def believes_dead(one: Peer, other: Peer) -> bool:
    return one.hub.swim.members[other.id].state is State.DEAD


class User:
    """A client that sends one command after the other."""

    def __init__(self, number: int, peer: Peer, caller: Caller) -> None:
        self.number = number
        self.peer = peer
        self.caller = caller
        self.asked: Asked | None = None


class Simulation:
    """See the file's docstring."""

    def __init__(
        self, seed: int, *, seconds: float = SECONDS, trace: Callable[[str], None] | None = None
    ) -> None:
        self.seed = seed
        self.chance = chance = random.Random(seed)
        self.trace = trace or (lambda text: None)
        self.seconds = seconds
        nodes = chance.randrange(3, 6)
        self.copies = chance.choice((1, 2, 2, 2, 3))
        self.has_splits = chance.random() < 0.3
        self.is_wild = chance.random() < 0.3
        """More than the copies are made for may be stopped at once; nothing is lost then, but counted twice."""
        self.is_exact = True
        absent = chance.randrange(2) if nodes > 3 else 0
        self.active = set(range(nodes - absent))
        self.leaving: set[int] = set()
        self.world = Sea(
            nodes,
            seed=seed,
            copies=self.copies,
            cuts=True,
            active=self.active,
            timeout_s=chance.choice((1.0, 2.0)),
        )
        self.trace(f"{nodes} nodes, {self.copies} copies, splits {self.has_splits}, wild {self.is_wild}")
        self.ledger = Ledger(chance, has_flushes=chance.random() < 0.3)
        self.users = [
            User(number, peer, self.world.client(peer.number))
            for number, peer in enumerate(self.world.peers * 2)
        ]
        self.killed = self.stopped = 0
        """Since everything was as it should be."""
        self.least_active = len(self.active)
        """Nodes that could have copies, since then."""
        self.pending = 0
        """News that not everybody has heard, and faults that are not over."""

    # -- the run -----------------------------------------------------------------------

    def run(self) -> list[str]:
        """Return what is wrong in the end; each line says of which seed."""
        world, chance = self.world, self.chance
        until_s = world.now_s + self.seconds
        next_s = world.now_s + 0.2
        while world.now_s < until_s:
            world.run(STEP_S)
            self._talk()
            if world.now_s >= next_s:
                next_s = world.now_s + chance.choice((0.05, 0.3, 1.0))
                self._look_for_rest()
                self._trouble()
        return [f"seed {self.seed}: {fault}" for fault in self._end()]

    def _end(self) -> list[str]:
        world = self.world
        for _ in range(1000):
            if not (self.pending or world.cuts_between):
                break
            world.run(STEP_S)
            self._talk(is_last=True)
        for _ in range(300):
            world.run(STEP_S)
            self._talk(is_last=True)
            if not any(user.asked for user in self.users):
                break
        world.rest(20.0)
        world.run(TIDY_S)
        found = self._read_all()
        world.settle()
        faults = [
            f"user {user.number} got no answer to {user.asked.words}" for user in self.users if user.asked
        ]
        if self.pending:
            faults.append("the simulation did not come to its end")
        return faults + faults_at_rest(world) + list(self.ledger.faults(found, is_exact=self.is_exact))

    def _read_all(self) -> dict[str, Any]:
        caller = self.world.client(self.chance.choice(self._live()).number)
        asked = list(self.ledger.keys())
        replies = caller.ask(*[words for _, words in asked])
        assert len(replies) == len(asked), (
            f"seed {self.seed}: {len(asked) - len(replies)} keys cannot be read"
        )
        return {key: reply for (key, _), reply in zip(asked, replies, strict=True)}

    def _live(self) -> list[Peer]:
        return [peer for peer in self.world.peers if not peer.is_dead]

    # -- clients -----------------------------------------------------------------------

    def _talk(self, *, is_last: bool = False) -> None:
        for user in self.users:
            if user.asked is not None and user.peer.is_dead:
                self.ledger.answered(user.asked, LOST, "")
                user.asked = None
            if user.peer.is_stopped:
                continue
            for reply in user.caller.replies():
                asked, user.asked = user.asked, None
                assert asked is not None
                self.trace(f"{self.world.now_s:.3f} {user.number}: {asked.words} = {reply}")
                self.ledger.answered(asked, reply, f"{self.world.now_s:.3f} user {user.number}")
            if user.asked is None and not is_last and self.chance.random() < 0.5:
                self._ask(user)

    def _ask(self, user: User) -> None:
        asked = user.asked = self.ledger.next(user.number, self.world.now_s)
        for other in self.users:
            if other.asked is not None and other.asked.kind.startswith("get"):
                self.ledger.overlap(asked, other.asked)
        user.caller.send(asked.words)

    # -- trouble -----------------------------------------------------------------------

    @property
    def spare(self) -> int:
        """How many more nodes the copies are made to do without."""
        return min(self.copies, self.least_active) - 1 - self.killed - self.stopped

    def _look_for_rest(self) -> None:
        if not self.pending and self.world.is_at_rest:
            self.killed = self.stopped = 0
            self.least_active = len(self.active)
            self.trace(f"{self.world.now_s:.3f} rest")

    def _trouble(self) -> None:
        faults = [self._lose, self._lose, self._stop, self._stop, self._kill, self._join, self._leave]
        self.chance.choice([*faults, self._split] if self.has_splits else faults)()

    def _lose(self) -> None:
        if self.world.wires:
            one, other, index = self.chance.choice(sorted(self.world.wires))
            self.trace(f"{self.world.now_s:.3f} lose {one}-{other}")
            self.world.lose(one, other, index)

    def _pick(self) -> Peer | None:
        """Return a node that something may happen to."""
        peers = [peer for peer in self._live() if not peer.is_stopped]
        return self.chance.choice(peers) if len(peers) > 2 else None

    def _later(self, range_s: tuple[float, float], act: Callable[[], None]) -> None:
        self.pending += 1

        def done() -> None:
            self.pending -= 1
            act()

        self.world.after(self.chance.uniform(*range_s), done)

    def _news(self, range_s: tuple[float, float], peer: Peer, act: Callable[[], None]) -> None:
        self._later(range_s, partial(self._tell, peer, act))

    def _tell(self, peer: Peer, act: Callable[[], None]) -> None:
        """Let a node hear of something; one that is stopped hears of it when it goes on."""
        if peer.is_stopped and not peer.is_dead:
            self._later((0.2, 0.5), lambda: self._tell(peer, act))
        elif not peer.is_dead:
            act()
            self.world.serve()

    def _kill(self) -> None:
        peer = self._pick()
        if peer is None or self.spare < 1 or self.world.cuts_between:
            return
        if len(self._live()) < 3 or not self.active - {peer.number}:
            return
        self.killed += 1
        self.active.discard(peer.number)
        self.trace(f"{self.world.now_s:.3f} kill {peer.number}")
        self.world.kill(peer.number, is_known=False)
        for other in self._live():
            self._news(HEARD_S, other, partial(self._bury, other, peer))

    def _bury(self, one: Peer, dead: Peer) -> None:
        if believes_dead(one, dead):
            return
        self.trace(f"{self.world.now_s:.3f} {one.number} takes {dead.number} for dead")
        one.bury(dead)
        self.world.lose(one.number, dead.number)

    def _stop(self) -> None:
        peer = self._pick()
        for_s = self.chance.choice((0.1, 0.4, 1.0, 3.5, 6.0))
        is_long = for_s > 0.2
        if peer is None or self.world.cuts_between:
            return
        if is_long and self.spare < 1:
            if not self.is_wild or self.killed:
                return
            self.is_exact = False
        self.stopped += is_long
        self.trace(f"{self.world.now_s:.3f} stop {peer.number} for {for_s}")
        peer.stop()
        for other in self._live():
            if other is not peer and for_s > DETECTED_S[0]:
                self._later(DETECTED_S, partial(self._detect, other, peer))
        self._later((for_s, for_s), lambda: self._go_on(peer, for_s))

    def _detect(self, one: Peer, other: Peer) -> None:
        if other.is_stopped and not one.is_stopped and not one.is_dead:
            self._bury(one, other)

    def _go_on(self, peer: Peer, after_s: float) -> None:
        self.trace(f"{self.world.now_s:.3f} {peer.number} goes on")
        if after_s > STILL_S:
            peer.hub.replication.doubt(was_dead=False)
        peer.hub.tick()  # commands that are too old end before anything can be dialled anew
        peer.go_on()
        if any(believes_dead(other, peer) for other in self._live() if other is not peer):
            self._news((0.02, 1.5), peer, partial(self._refute, peer))

    def _refute(self, peer: Peer) -> None:
        """Let a node hear that it was taken for dead, and the others that it is not."""
        self.trace(f"{self.world.now_s:.3f} {peer.number} refutes")
        peer.hub.happened(Happened(Kind.REFUTED, peer.hub.swim.me, None, State.DEAD))
        for other in self._live():
            if other is not peer:
                self._news((0.02, 0.5), other, partial(self._revive, other, peer))

    def _revive(self, one: Peer, other: Peer) -> None:
        member = one.hub.swim.members[other.id]
        if member.state is State.DEAD and not other.is_dead:
            self.trace(f"{self.world.now_s:.3f} {one.number} hears that {other.number} lives")
            member.state = State.ALIVE
            one.hub.happened(Happened(Kind.JOINED, member, None, State.DEAD))

    # -- splits ------------------------------------------------------------------------

    def _split(self) -> None:
        if self.pending or self.world.cuts_between or self.killed + self.stopped:
            return
        peers = self._live()
        self.chance.shuffle(peers)
        cut = self.chance.randrange(1, len(peers))
        sides = peers[:cut], peers[cut:]
        self.is_exact = False
        self.killed += self.copies  # nobody is killed before all is well again
        self.trace(f"{self.world.now_s:.3f} split {[[peer.number for peer in side] for side in sides]}")
        self.world.split(*[[peer.number for peer in side] for side in sides], is_known=False)
        for one, other in itertools.product(*sides):
            self._later(DETECTED_S, partial(self._part, one, other))
            self._later(DETECTED_S, partial(self._part, other, one))
        self._later((1.0, 8.0), self._heal)

    def _part(self, one: Peer, other: Peer) -> None:
        if self.world.cuts_between and not (one.is_dead or one.is_stopped):
            self._bury(one, other)

    def _heal(self) -> None:
        self.trace(f"{self.world.now_s:.3f} heal")
        self.world.cuts_between.clear()
        for peer in self._live():
            if any(believes_dead(other, peer) for other in self._live()):
                self._news((0.1, 1.0), peer, partial(self._refute, peer))

    # -- coming and going --------------------------------------------------------------

    def _see(self) -> None:
        for peer in self._live():
            self._news((0.0, 0.5), peer, partial(peer.see, self.active))

    def _join(self) -> None:
        away = [peer for peer in self._live() if peer.number not in self.active | self.leaving]
        if away:
            peer = self.chance.choice(away)
            self.trace(f"{self.world.now_s:.3f} {peer.number} joins")
            self.active.add(peer.number)
            self._see()

    def _leave(self) -> None:
        peer = self._pick()
        if peer is None or peer.number not in self.active or len(self.active) < 3 or self.leaving:
            return
        if self.killed + self.stopped and len(self.active) <= self.copies:
            return  # there would be fewer copies than are needed to make up for that
        self.least_active = min(self.least_active, len(self.active) - 1)
        self.trace(f"{self.world.now_s:.3f} {peer.number} leaves")
        self.active.discard(peer.number)
        self.leaving.add(peer.number)
        self._see()
        self._later((1.0, 1.0), lambda: self._go(peer, 20))

    def _go(self, peer: Peer, tries: int) -> None:
        """End a node that has given away everything; one that cannot stays, or comes back."""
        self.leaving.discard(peer.number)
        if peer.is_dead:
            return
        is_free = not (peer.is_stopped or self.pending or self.world.cuts_between)
        if is_free and peer.hub.has_given_all and len(self._live()) > 2 and self.chance.random() < 0.5:
            self.trace(f"{self.world.now_s:.3f} {peer.number} has left")
            self.world.kill(peer.number, is_known=True)
        elif tries and not peer.hub.has_given_all:
            self.leaving.add(peer.number)
            self._later((0.3, 0.3), lambda: self._go(peer, tries - 1))
