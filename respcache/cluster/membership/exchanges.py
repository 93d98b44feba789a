"""Comparing whole views over TCP: on joining, from time to time, and to find the other half after a split.

Gossip is fast but may miss somebody; this repairs what it missed. What a peer believes dead is only suspected here: the peer
may have been the one that was cut off, and the accused can still object.
"""

from typing import Final

from respcache.cluster.membership.core import Core, dead_of, state_of
from respcache.cluster.membership.member import Address, Member, State, is_numeric_host
from respcache.cluster.membership.messages import (
    Ack,
    Alive,
    Dead,
    MemberState,
    Ping,
    PushPull,
    Suspect,
    decode_exchange,
    encode,
)
from respcache.cluster.membership.precedence import Precedence
from respcache.cluster.membership.probing import SEQUENCES, Prober

MOST_IN_FLIGHT: Final = 16
"""Views being exchanged at once. A joiner that is given hundreds of addresses needs a few that answer."""

MOST_SEEDS: Final = 64  # remembered of the last call of `join`, to be dialled again
MOST_ALIASES: Final = 256  # addresses that led to a member known by another; more only costs exchanges

PATIENCE_S: Final = 30.0
"""After this an exchange counts as failed even if nobody said so."""


class Exchanges:
    """Starts and answers push/pull, and answers probes over TCP."""

    def __init__(self, core: Core, precedence: Precedence, prober: Prober, now: float) -> None:
        self._core = core
        self._precedence = precedence
        self._prober = prober
        self._in_flight: dict[int, tuple[Address, float]] = {}
        self._token = SEQUENCES  # tokens of probes are below
        self._seeds: tuple[Address, ...] = ()
        self._alias_of: dict[Address, bytes] = {}
        random = core.chance.random
        core.schedule.at(now + random() * core.profile.push_pull_period_s, self._push_pull_on_time)
        core.schedule.at(now + random() * core.profile.redial_period_s, self._redial_on_time)

    # Starting

    def join(self, now: float, addresses: list[Address]) -> None:
        """Exchange views with those addresses at which no live member is known."""
        self._expire(now)
        absent = [address for address in addresses if self._is_absent(address)]
        self._seeds = tuple(addresses[:MOST_SEEDS])
        self._core.chance.shuffle(absent)
        for address in absent:
            self.dial(now, address)

    def _is_absent(self, address: Address) -> bool:
        core = self._core
        if address == core.me.address or core.roster.at(address) is not None:
            return False
        member = core.roster.members.get(self._alias_of.get(address, b""))
        return (member is None or not member.is_live) and is_numeric_host(address[0])

    def dial(self, now: float, address: Address) -> None:
        """Exchange views with whoever is at this address, unless too many are being exchanged."""
        is_dialled = any(address == other for other, _ in self._in_flight.values())
        if is_dialled or len(self._in_flight) >= MOST_IN_FLIGHT or self._core.has_departed:
            return
        self._token += 1
        self._in_flight[self._token] = address, now
        self._core.exchange(address, encode(self._view(now, ())), self._token)

    def _expire(self, now: float) -> None:
        for token in [t for t, (_, since) in self._in_flight.items() if now - since > PATIENCE_S]:
            del self._in_flight[token]

    def _push_pull_on_time(self, now: float) -> None:
        core = self._core
        core.schedule.at(
            now + core.profile.push_pull_interval_s(core.roster.live_count), self._push_pull_on_time
        )
        self._expire(now)
        for member in core.roster.pick_alive(1):
            self.dial(now, member.address)

    def _redial_on_time(self, now: float) -> None:
        """Forget those who are gone for long; dial one of the others, or a seed where nobody is."""
        core, profile = self._core, self._core.profile
        core.schedule.at(now + profile.redial_period_s, self._redial_on_time)
        core.roster.reap(now - profile.gossip_to_dead_s - profile.redial_for_s)
        dead = core.roster.recently_dead(now - profile.redial_for_s)
        absent = sorted({a for a in (*(m.address for m in dead), *self._seeds) if self._is_absent(a)})
        if absent:
            self.dial(now, core.chance.choice(absent))

    # Answering

    def answer(self, now: float, payload: bytes) -> bytes:
        """Return the reply to what came over TCP; nothing if it made no sense."""
        message = decode_exchange(payload)
        if isinstance(message, Ping):
            return encode(Ack(message.sequence, self._core.me.id))
        if isinstance(message, PushPull):
            # Merged first, so that the reply brings one's own refutation along.
            disputed = self._merge(now, message)
            return encode(self._view(now, disputed))
        self._core.counts["malformed"] += 1
        return b""

    def done(self, now: float, token: int, payload: bytes | None) -> None:
        """Take the reply to an exchange of one's own; None if it failed."""
        message = None if payload is None else decode_exchange(payload)
        if payload is not None and not isinstance(message, PushPull | Ack):
            self._core.counts["malformed"] += 1
        if self._prober.tcp_done(now, token, message if isinstance(message, Ack) else None):
            return
        if token not in self._in_flight:
            return
        address, _ = self._in_flight.pop(token)
        if isinstance(message, PushPull):
            self._note_alias(address, message.sender)
            for member in self._merge(now, message):
                self._object(address, member)
        else:
            self._core.counts["failed_exchanges"] += 1

    def _note_alias(self, address: Address, id: bytes) -> None:
        """Remember who answers at an address that it does not announce, or it would be dialled for ever."""
        self._alias_of.pop(address, None)
        if len(self._alias_of) >= MOST_ALIASES:
            del self._alias_of[next(iter(self._alias_of))]
        self._alias_of[address] = id

    def _object(self, address: Address, member: Member) -> None:
        """Tell a peer that somebody whom it believes alive is gone for us; as a suspicion, so it is looked into."""
        core = self._core
        if member.state is State.LEFT:
            core.send(address, dead_of(member, core.me.id), besides=member.id)
        else:
            core.send(address, Suspect(member.incarnation, member.id, core.me.id), besides=member.id)

    # Views

    def _view(self, now: float, disputed: tuple[Member, ...]) -> PushPull:
        """Return what is worth telling: the living, those who went lately, and those gone whom the peer believes alive."""
        core = self._core
        roster, profile = core.roster, core.profile
        window_s = profile.gossip_to_dead_s + 2 * profile.push_pull_interval_s(roster.live_count)
        latest = now - window_s
        gone = {member.id: member for member in (*roster.recently_gone(latest), *disputed)}
        members = (core.me, *roster.live, *gone.values())
        return PushPull(core.me.id, [state_of(member) for member in members])

    def _merge(self, now: float, view: PushPull) -> tuple[Member, ...]:
        """Apply a peer's view; return whom it believes alive although they are gone for us."""
        if view.sender == self._core.me.id:
            return ()
        members = self._core.roster.members
        disputed = []
        # The sender first: it speaks for its own address, and knowing it helps to judge the rest.
        for state in sorted(view.states, key=lambda state: state.id != view.sender):
            self._merge_one(now, state, is_sender=state.id == view.sender)
            member = members.get(state.id)
            if member is not None and not member.is_live and state.state <= State.SUSPECT:
                disputed.append(member)
        return tuple(disputed)

    def _merge_one(self, now: float, state: MemberState, *, is_sender: bool) -> None:
        core, precedence = self._core, self._precedence
        if state.state <= State.SUSPECT:
            news = Alive(state.incarnation, state.id, state.host, state.port, state.meta)
            precedence.alive(now, news, news.address if is_sender else None)
        if state.state is State.LEFT:
            precedence.dead(now, Dead(state.incarnation, state.id, state.id))
        elif state.state is not State.ALIVE and (state.id == core.me.id or not core.is_lagging(now)):
            precedence.suspect(now, Suspect(state.incarnation, state.id, core.me.id))
