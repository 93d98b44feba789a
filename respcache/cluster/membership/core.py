"""What the parts of the state machine share: who I am, whom I know, what to tell, when, and the way out.

The parts (`precedence`, `probing`, `gossip`, `exchanges`) know this and little of each other; `swim.py` puts them together.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

from respcache.cluster.membership.awareness import Awareness
from respcache.cluster.membership.broadcasts import Broadcasts
from respcache.cluster.membership.member import Address, Member, State
from respcache.cluster.membership.messages import (
    PACKET_HEADER_BYTES,
    Alive,
    Dead,
    MemberState,
    Message,
    Suspect,
    encode,
    pack,
)
from respcache.cluster.membership.outputs import Exchange, Happened, Kind, Output, Packet
from respcache.cluster.membership.profiles import Profile
from respcache.cluster.membership.roster import Roster
from respcache.cluster.membership.schedule import Schedule


class Core:
    """The state of one node's membership, and its outputs until they are taken."""

    def __init__(
        self,
        me: Member,
        profile: Profile,
        chance: Random,
        *,
        loop_lag_s: Callable[[], float],
        packet_bytes: int,
        fast_path: bool,
    ) -> None:
        self.me = me
        self.profile = profile
        self.chance = chance
        self.fast_path = fast_path
        self.roster = Roster(me, chance)
        self.broadcasts = Broadcasts()
        self.awareness = Awareness(profile.max_health)
        self.schedule = Schedule()
        self.counts: Counter[str] = Counter()
        self.on_news: Callable[[], None] = lambda: None  # set by gossip
        self._loop_lag_s = loop_lag_s
        self._excused_until = float("-inf")
        self._packet_bytes = packet_bytes
        self._outputs: list[Output] = []

    @property
    def has_departed(self) -> bool:
        """Whether this node has said that it leaves; from then on it does not object to being called gone."""
        return self.me.state is State.LEFT

    def excuse(self, now: float) -> None:
        """Note that this node was late: what it should have heard meanwhile lies unread, so nobody is to blame yet."""
        self._excused_until = now + self.profile.probe_period_s
        self.counts["late_ticks"] += 1

    def is_lagging(self, now: float) -> bool:
        """Whether this node is too late itself to suspect anybody."""
        return now < self._excused_until or self._loop_lag_s() > self.profile.lag_ceiling_s

    def take_outputs(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def send(self, address: Address, *messages: Message, besides: bytes = b"") -> None:
        """Send messages, and fill the packet up with news. `besides` names a member whose news is among them."""
        self._send_encoded(address, [encode(message) for message in messages], besides)

    def send_news(self, address: Address) -> bool:
        """Send as much news as fits; whether there was any."""
        return self._send_encoded(address, [], b"")

    def _send_encoded(self, address: Address, pieces: list[bytes], besides: bytes) -> bool:
        if self.broadcasts:
            room_bytes = self._packet_bytes - PACKET_HEADER_BYTES - sum(map(len, pieces))
            pieces += self.broadcasts.take(
                room_bytes, self.profile.transmissions(self.roster.live_count), besides
            )
        if pieces:
            payload = pack(pieces)
            self.counts["packets_sent"] += 1
            self.counts["bytes_sent"] += len(payload)
            self._outputs.append(Packet(address, payload))
        return bool(pieces)

    def exchange(self, address: Address, payload: bytes, token: int) -> None:
        self.counts["exchanges"] += 1
        self._outputs.append(Exchange(address, payload, token))

    def happened(self, kind: Kind, member: Member, by: bytes | None = None, was: State | None = None) -> None:
        self._outputs.append(Happened(kind, replace(member), by, was))

    def tell(self, about: bytes, message: Message) -> None:
        """Spread news about a member, instead of older news about it."""
        self.broadcasts.put(about, encode(message))
        self.on_news()


def alive_of(member: Member) -> Alive:
    return Alive(member.incarnation, member.id, *member.address, member.meta_bytes)


def dead_of(member: Member, by: bytes) -> Dead:
    """Return the news that a member is gone, in its own name if it left."""
    return Dead(member.incarnation, member.id, member.id if member.state is State.LEFT else by)


def accusation_of(member: Member, by: bytes) -> Suspect | Dead:
    """Return what this node holds against a member that it does not believe alive."""
    if member.state is State.SUSPECT:
        return Suspect(member.incarnation, member.id, by)
    return dead_of(member, by)


def state_of(member: Member) -> MemberState:
    return MemberState(member.incarnation, member.id, *member.address, member.meta_bytes, member.state)
