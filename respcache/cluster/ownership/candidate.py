"""What ownership must know of a member: who it is, how much it can take, and where it stands."""

import math

import msgspec


class Candidate(msgspec.Struct, frozen=True, order=True):
    """A member that may own partitions. Who is one, is membership's business."""

    id: bytes
    weight: float = 1.0
    """Its share beside the others': with 2.0 it owns twice what one with 1.0 does."""
    machine: str = ""
    """Whatever is lost together with it, so that copies go elsewhere; empty: nobody is known to share it."""
    zone: str = ""

    @property
    def may_own(self) -> bool:
        """Whether it takes part: a weight of zero keeps a member empty, and one that is no number must not disturb the rest."""
        return 0.0 < self.weight < math.inf
