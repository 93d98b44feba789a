"""SWIM with Lifeguard: who is there, as a state machine without clock, chance or network of its own.

Hand it what arrives and wake it at `next_deadline`; every call returns what to send and what happened. It runs
the same under trio, under trio's test clock, and a hundred at a time in a simulator. Nothing that arrives
from the network raises; what makes no sense is counted in `statistics`. `now` must never go back.

Sources: SWIM (Das, Gupta, Motivala, DSN 2002), Lifeguard (Dadgar, Phillips, Currey, arXiv 1707.00788), and the rules of
HashiCorp's memberlist. Ours are: no suspicions while one's own event loop is late, the fast path for closed and
refused connections, and a new id that supersedes the old one at its address.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from random import Random
from typing import Final

from respcache.cluster.membership.core import Core, alive_of, dead_of
from respcache.cluster.membership.exchanges import Exchanges
from respcache.cluster.membership.gossip import Gossip
from respcache.cluster.membership.member import Address, Member, Meta, Phase, State, encode_meta
from respcache.cluster.membership.messages import (
    Ack,
    Alive,
    Dead,
    Message,
    Nack,
    Ping,
    PingRequest,
    Suspect,
    unpack,
)
from respcache.cluster.membership.outputs import Kind, Output
from respcache.cluster.membership.precedence import Precedence
from respcache.cluster.membership.probing import Prober
from respcache.cluster.membership.profiles import Profile
from respcache.cluster.membership.relaying import Relay

PACKET_BYTES: Final = 1300  # leaves 100 of the 1400 of a datagram for its seal
MOST_ADDRESSES: Final = 1024  # looked at in one call of `join`: as many as a name server could answer


def no_lag() -> float:
    return 0.0


class Swim:
    """One node's view of the group."""

    def __init__(  # noqa: PLR0917  # who, where, what, how, chance and time: everything a node begins with
        self,
        id: bytes,
        address: Address,
        meta: Meta,
        profile: Profile,
        chance: Random,
        now: float,
        *,
        loop_lag_s: Callable[[], float] = no_lag,
        packet_bytes: int = PACKET_BYTES,
        fast_path: bool = True,
    ) -> None:
        me = Member(id, address, 1, State.ALIVE, meta, now, encode_meta(meta))
        self._core = Core(
            me, profile, chance, loop_lag_s=loop_lag_s, packet_bytes=packet_bytes, fast_path=fast_path
        )
        self._gossip = Gossip(self._core, now)
        self._precedence = Precedence(self._core)
        self._prober = Prober(self._core, self._precedence, now)
        self._relay = Relay(self._core, self._prober)
        self._exchanges = Exchanges(self._core, self._precedence, self._prober, now)
        self._core.tell(id, alive_of(me))

    @property
    def me(self) -> Member:
        return self._core.me

    @property
    def members(self) -> Mapping[bytes, Member]:
        """Everyone known, oneself and those who went lately included. Not to be changed."""
        return self._core.roster.members

    @property
    def health(self) -> int:
        """Lifeguard's local health: 0 is well, 7 is worst."""
        return self._core.awareness.health

    @property
    def has_left(self) -> bool:
        """Whether `leave` has been told often enough to end the process."""
        core = self._core
        return core.has_departed and (not core.roster.live or core.me.id not in core.broadcasts)

    # Time

    def next_deadline(self) -> float:
        """Return when `tick` is to be called next. Any other call may bring it forward."""
        return self._core.schedule.next_when()

    def tick(self, now: float) -> list[Output]:
        """Do what is due. A tick that comes too late excuses everybody: this process was paused, or is overloaded."""
        core = self._core
        if now - core.schedule.next_when() > core.profile.lag_ceiling_s:
            core.excuse(now)
        self._gossip.set_time(now)
        core.schedule.run(now)
        return core.take_outputs()

    # Packets

    def receive(self, now: float, payload: bytes, source: Address) -> list[Output]:
        """Take one datagram, already opened and authenticated."""
        core = self._core
        self._gossip.set_time(now)
        declared_dead = core.counts["declared_dead"]
        messages, malformed = unpack(payload)
        core.counts["packets_received"] += 1
        core.counts["malformed"] += malformed
        pings = []
        for message in messages:
            if type(message) is Ping:
                pings.append(message)
            else:
                self._apply(now, message, source)
        # Answered last, so that the refutation of what else the packet says goes along.
        for ping in pings:
            self._prober.answer(ping, source)
        if core.counts["declared_dead"] > declared_dead:
            # This node was cut off, and believes the others dead as they believed it. One view tells them all.
            self._exchanges.dial(now, source)
        return core.take_outputs()

    def _apply(self, now: float, message: Message, source: Address) -> None:
        match message:
            case Alive():
                self._precedence.alive(now, message, source)
            case Suspect():
                self._precedence.correct(message, source)
                self._precedence.suspect(now, message)
            case Dead():
                self._precedence.correct(message, source)
                self._precedence.dead(now, message)
            case Ack():
                self._prober.acknowledged(now, message, source)
                self._relay.acknowledged(message)
                self._precedence.proven(now, message.sender, source)
            case Nack():
                self._prober.refused_help(message)
            case PingRequest():
                self._relay.request(now, message, source)

    # Exchanges

    def join(self, now: float, addresses: Iterable[Address]) -> list[Output]:
        """Exchange views with those addresses where no live member is known. Call it whenever discovery answers."""
        self._gossip.set_time(now)
        self._exchanges.join(now, list(islice(addresses, MOST_ADDRESSES)))
        return self._core.take_outputs()

    def answer_exchange(self, now: float, payload: bytes, source: Address) -> tuple[bytes, list[Output]]:
        """Return the reply to an exchange that somebody else began; empty if it made no sense."""
        self._gossip.set_time(now)
        reply = self._exchanges.answer(now, payload)
        return reply, self._core.take_outputs()

    def exchange_done(self, now: float, token: int, payload: bytes | None) -> list[Output]:
        """Take the reply to an `Exchange` of one's own; None if it failed."""
        self._gossip.set_time(now)
        self._exchanges.done(now, token, payload)
        return self._core.take_outputs()

    # Oneself

    def update_meta(self, now: float, meta: Meta) -> list[Output]:
        """Tell everyone something new about oneself. ValueError if it is too much to tell."""
        core, me = self._core, self._core.me
        encoded = encode_meta(meta)
        if encoded == me.meta_bytes or core.has_departed:
            return core.take_outputs()
        self._gossip.set_time(now)
        is_activated = meta.phase is Phase.ACTIVE and me.meta.phase is not Phase.ACTIVE
        me.meta, me.meta_bytes = meta, encoded
        me.incarnation += 1
        core.tell(me.id, alive_of(me))
        core.happened(Kind.ACTIVE if is_activated else Kind.UPDATED, me, None, State.ALIVE)
        return core.take_outputs()

    def leave(self, now: float) -> list[Output]:
        """Tell everyone that this node is gone for good. Go on until `has_left`, or until patience ends."""
        core, me = self._core, self._core.me
        if not core.has_departed:
            self._gossip.set_time(now)
            me.state, me.changed_at = State.LEFT, now
            core.tell(me.id, dead_of(me, me.id))
            core.happened(Kind.LEFT, me, me.id, State.ALIVE)
            self._gossip.spread(now)
        return core.take_outputs()

    # The fast path

    def connection_lost(self, now: float, id: bytes) -> list[Output]:
        """Probe a member at once whose connection ended: a killed process is noticed so, a restarted link is not."""
        core = self._core
        member = core.roster.members.get(id)
        if core.fast_path and member is not None and member is not core.me and member.is_live:
            self._gossip.set_time(now)
            self._prober.probe(now, member)
        return core.take_outputs()

    def connection_refused(self, now: float, id: bytes) -> list[Output]:
        """Accuse a member at whose port nobody listens, and say so at once; it is asked, too, and may object."""
        core = self._core
        member = core.roster.members.get(id)
        if not core.fast_path or member is None or member is core.me or not member.is_live:
            return core.take_outputs()
        self._gossip.set_time(now)
        self._prober.probe(now, member)
        if not core.is_lagging(now) and not core.has_departed:
            self._prober.accuse(now, member, member.incarnation, refused=True)
            self._gossip.spread(now)
        return core.take_outputs()

    # Figures

    def statistics(self) -> dict[str, int | float]:
        """Return counters since the start, and the state of things."""
        core = self._core
        suspects = sum(member.state is State.SUSPECT for member in core.roster.live)
        return {
            "members": core.roster.live_count,
            "suspects": suspects,
            "gone": len(core.roster.gone),
            "health": core.awareness.health,
            "incarnation": core.me.incarnation,
            "news": len(core.broadcasts),
            "news_dropped": core.broadcasts.dropped,
            "timers": len(core.schedule),
            **{name: core.counts[name] for name in COUNTERS},
        }


COUNTERS: Final = (
    "packets_sent",
    "packets_received",
    "bytes_sent",
    "exchanges",
    "failed_exchanges",
    "probes",
    "indirect_probes",
    "answered_over_tcp_only",
    "failed_probes",
    "suspicions",
    "refutations",
    "corrections",
    "declared_dead",
    "deaths",
    "superseded",
    "excused",
    "late_ticks",
    "malformed",
    "members_refused",
    "address_conflicts",
)
