"""A split that heals while clients write, nodes stand still and connections are lost, all from one seed: how soon all is well again.

    assert not Healing(17).run()

The slow comparison of all copies is switched off (``anti_entropy.py``): whatever a merge leaves to it is a fault.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.cluster.bus.peer import Peer
from tests.cluster.replication.ledger import Ledger
from tests.cluster.replication.simulation import DETECTED_S, STEP_S, Simulation

WITHIN_S: Final = 10.0
"""Of the end of all trouble, everything is where it shall be, with all copies, and nothing is left to be offered."""

SPLIT_S: Final = (4.5, 9.0)
"""Longer than the others take to find each other dead."""

TROUBLE_S: Final = (0.0, 5.0)
"""After the healing."""

STALLS_S: Final = (0.1, 0.3, 0.6, 1.0, 1.5)
NEWS_S: Final = 3.0
"""In which everybody hears who lives, and the last who stands still goes on."""


class Healing(Simulation):
    """See the file's docstring."""

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        super().__init__(seed, trace=trace)
        self.is_exact = False
        self.ledger = Ledger(self.chance, has_flushes=self.chance.random() < 0.2, has_brief=True)
        self.stalls = self.chance.choice((0.0, 0.1, 0.5, 1.0))
        self.losses = self.chance.choice((0.0, 0.0, 0.2, 0.6))
        for peer in self.world.peers:
            peer.hub.replication.anti_entropy.tick = _never  # type: ignore[method-assign]

    def run(self) -> list[str]:
        """Return what is wrong in the end; each line says of which seed."""
        chance, world = self.chance, self.world
        self._work(chance.uniform(0.5, 2.0))
        self._cut()
        self._work(chance.uniform(*SPLIT_S))
        self._heal()
        until_s = world.now_s + chance.uniform(*TROUBLE_S)
        while world.now_s < until_s:
            self._work(chance.choice((0.05, 0.1, 0.3)))
            if chance.random() < self.stalls:
                self._stall()
            if chance.random() < self.losses:
                self._lose()
        self._work(NEWS_S)
        until_s = world.now_s + WITHIN_S
        while world.now_s < until_s and not world.is_at_rest:
            self._work(STEP_S)
        late = [] if world.is_at_rest else [f"seed {self.seed}: {fault}" for fault in self._unmerged()]
        return late + [f"seed {self.seed}: {fault}" for fault in self._end()]

    def _work(self, seconds: float) -> None:
        until_s = self.world.now_s + seconds
        while self.world.now_s < until_s:
            self.world.run(STEP_S)
            self._talk()

    def _unmerged(self) -> list[str]:
        waiting = {peer.number: peer.hub.replication.offers.waiting for peer in self._live()}
        return [f"not well after {WITHIN_S:g} s; by node, partitions that are not merged: {waiting}"]

    # -- trouble -----------------------------------------------------------------------

    def _cut(self) -> None:
        shapes = ("one", "minority", "majority", "ring")
        shape = self.chance.choice(shapes if len(self._live()) > 3 else shapes[:-1])
        pairs = self._pairs(shape)
        self.trace(f"{self.world.now_s:.3f} split, {shape}: {[(a.number, b.number) for a, b in pairs]}")
        for one, other in pairs:
            self.world.split([one.number], [other.number], is_known=False)
            self._later(DETECTED_S, partial(self._part, one, other))
            self._later(DETECTED_S, partial(self._part, other, one))

    def _pairs(self, shape: str) -> list[tuple[Peer, Peer]]:
        """Return who cannot reach each other; the shapes are those of ``tests/faults/scenarios.py``."""
        peers = self._live()
        self.chance.shuffle(peers)
        few = max(1, (len(peers) - 1) // 2)
        groups = {
            "one": [peers[:1], peers[1:]],
            "minority": [peers[:few], peers[few:]],
            "majority": [peers[:few], *([peer] for peer in peers[few:])],
        }
        if shape in groups:
            sides = itertools.combinations(groups[shape], 2)
            return [pair for one, other in sides for pair in itertools.product(one, other)]
        far = range(2, len(peers) - 1)
        return [(peers[i], peers[j]) for j in range(len(peers)) for i in range(j) if j - i in far]

    def _stall(self) -> None:
        """Let a node stand still, as on a machine that has too much to do; not so long that it is taken for dead."""
        peers = [peer for peer in self._live() if not peer.is_stopped]
        if len(peers) < 2:
            return
        peer, for_s = self.chance.choice(peers), self.chance.choice(STALLS_S)
        self.trace(f"{self.world.now_s:.3f} {peer.number} stands still for {for_s}")
        peer.stop()
        self._later((for_s, for_s), lambda: self._go_on(peer, for_s))


def _never(now_s: float) -> None:
    """Compare nothing."""
