"""How healthy this node believes itself to be (Lifeguard's local health multiplier).

A node whose probes fail although others vouch for nobody being dead is probably slow itself, so it gives others more
time. From 0 (well) to the profile's worst, 7.
"""


class Awareness:
    """A saturating counter of one's own troubles."""

    __slots__ = ("_worst", "health")

    def __init__(self, worst: int) -> None:
        self._worst = worst
        self.health = 0

    def add(self, delta: int) -> None:
        self.health = min(max(self.health + delta, 0), self._worst)

    def stretch(self, timeout_s: float) -> float:
        return timeout_s * (self.health + 1)
