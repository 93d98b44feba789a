"""Everyone this node knows, by id and by address, and whose turn it is to be probed.

Those who are gone are remembered for a while: old news must not revive them, and after a split they are dialled again.
The number of members is bounded, and only the gone make room: a flood of invented members cannot
push out real ones, and is probed, found dead and forgotten.
"""

from collections.abc import Iterator
from random import Random
from typing import Final

from respcache.cluster.membership.member import Address, Member, State

MOST_MEMBERS: Final = 2048
"""Live and gone together. Ten times the largest cluster that was simulated; each takes about a kilobyte."""


class Roster:
    """Members by id, the live ones also as a list, the gone ones in the order of their going."""

    def __init__(self, me: Member, chance: Random, most: int = MOST_MEMBERS) -> None:
        self.me = me
        self.members: dict[bytes, Member] = {me.id: me}
        self.live: list[Member] = []  # without oneself
        self.gone: dict[bytes, Member] = {}
        self._at: dict[Address, Member] = {}
        self._chance = chance
        self._most = most
        self._ring: list[Member] = []
        self._turn = 0

    @property
    def live_count(self) -> int:
        return len(self.live) + 1

    def at(self, address: Address) -> Member | None:
        """Return the live member with this address, if it is not oneself."""
        return self._at.get(address)

    def has_room(self) -> bool:
        """Make room for one more member if need be; whether there is some."""
        if len(self.members) >= self._most and self.gone:
            self._forget(next(iter(self.gone)))
        return len(self.members) < self._most

    def add_live(self, member: Member) -> None:
        """Take in a new member, or one that was gone. It is probed in this round, at a random turn."""
        self.gone.pop(member.id, None)
        self.members[member.id] = member
        self.live.append(member)
        self._at[member.address] = member
        if member not in self._ring:
            self._ring.insert(self._chance.randint(self._turn, len(self._ring)), member)

    def set_gone(self, member: Member) -> None:
        """Move a live member to those who are gone. The ring drops it when its turn comes."""
        self.live.remove(member)
        self.gone[member.id] = member
        if self._at.get(member.address) is member:
            del self._at[member.address]

    def next_to_probe(self) -> Member | None:
        """Return whose turn it is.

        Every round is shuffled: each is probed within two rounds, at times that differ between nodes, so that
        few probe the same one at once (SWIM, 4.3).
        """
        for _ in range(2):
            while self._turn < len(self._ring):
                member = self._ring[self._turn]
                self._turn += 1
                if member.is_live:
                    return member
            self._ring = self.live.copy()
            self._chance.shuffle(self._ring)
            self._turn = 0
        return None

    def recently_dead(self, since: float) -> Iterator[Member]:
        """Yield the dead, the last first. Those who left by themselves need not be told."""
        for member in reversed(self.gone.values()):
            if member.changed_at < since:
                return
            if member.state is State.DEAD:
                yield member

    def recently_gone(self, since: float) -> Iterator[Member]:
        for member in reversed(self.gone.values()):
            if member.changed_at < since:
                return
            yield member

    def pick(self, count: int, besides: bytes = b"", also: tuple[Member, ...] = ()) -> list[Member]:
        """Return some live members at random, or of `also`."""
        pool = [*self.live, *also] if also else self.live
        drawn = self._chance.sample(pool, min(len(pool), count + 1 if besides else count))
        return [member for member in drawn if member.id != besides][:count]

    def pick_alive(self, count: int, besides: bytes = b"") -> list[Member]:
        """Return some members at random that nobody suspects: they are asked for help."""
        drawn = self._chance.sample(self.live, min(len(self.live), DRAWN_PER_HELPER * count))
        return [m for m in drawn if m.state is State.ALIVE and m.id != besides][:count]

    def reap(self, before: float) -> None:
        """Forget those who went before this time."""
        while self.gone:
            oldest = next(iter(self.gone.values()))
            if oldest.changed_at >= before:
                return
            self._forget(oldest.id)

    def _forget(self, id: bytes) -> None:
        del self.gone[id]
        del self.members[id]


DRAWN_PER_HELPER: Final = (
    3  # as memberlist: a third being suspect still leaves enough, and all are not looked at
)
