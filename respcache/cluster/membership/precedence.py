"""Which news about a member overrides which: the rules of SWIM, as memberlist refined them.

- The higher incarnation wins, and only the member itself raises it.
- At equal incarnation SUSPECT overrides ALIVE, and DEAD overrides both.
- Who hears itself accused refutes with a higher incarnation. A member's own DEAD means LEFT.
- A new id at the address of a live member supersedes it at once, if the new one itself says so: in its own packet, or
  in answer to a probe. Hearsay is not enough, or old gossip about a predecessor would displace its successor.
"""

from functools import partial
from typing import Final

from respcache.cluster.membership.core import Core, alive_of, dead_of
from respcache.cluster.membership.member import Address, Member, Phase, State, decode_meta, is_numeric_host
from respcache.cluster.membership.messages import Alive, Dead, Ping, Suspect
from respcache.cluster.membership.outputs import Kind
from respcache.cluster.membership.schedule import Alarm
from respcache.cluster.membership.suspicion import Patience, Suspicion

MOST_CLAIMS: Final = (
    64  # addresses in doubt at once; each costs one probe, and is claimed again by the next gossip
)


class Precedence:
    """Applies news to the roster, and passes on what was new."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._suspicions: dict[bytes, tuple[Suspicion, Alarm]] = {}
        self._declared_dead = 0  # the last incarnation of oneself that others declared dead
        self._claims: dict[bytes, tuple[Alive, float]] = {}

    # ALIVE

    def alive(self, now: float, news: Alive, source: Address | None) -> None:
        """Apply ALIVE; `source` is where it came from if its sender is known to speak for that address."""
        core = self._core
        if news.id == core.me.id:
            self._alive_about_me(news)
            return
        member = core.roster.members.get(news.id)
        if member is not None and news.incarnation <= member.incarnation:
            return
        if member is not None and member.address != news.address:
            core.counts["address_conflicts"] += 1  # an id is one process at one address
            return
        if self._may_stand_there(now, news, source):
            self._renew(now, member, news)

    def _alive_about_me(self, news: Alive) -> None:
        me = self._core.me
        is_echo = news.incarnation == me.incarnation and news.meta == me.meta_bytes
        if news.incarnation >= me.incarnation and not is_echo and not self._core.has_departed:
            self._refute(news.incarnation, None, State.ALIVE)

    def _may_stand_there(self, now: float, news: Alive, source: Address | None) -> bool:
        """Whether the address is free for this id; if somebody else holds it, superseded or asked for proof."""
        core = self._core
        if news.address == core.me.address:
            # I am at this address, so whoever was before me is gone.
            core.tell(news.id, Dead(news.incarnation, news.id, core.me.id))
            return False
        holder = core.roster.at(news.address)
        if holder is None or holder.id == news.id:
            return True
        if source == news.address:
            self.supersede(now, holder)
            return True
        self._ask_for_proof(now, news)
        return False

    def _ask_for_proof(self, now: float, news: Alive) -> None:
        _, asked_at = self._claims.pop(news.id, (None, float("-inf")))
        if now - asked_at >= self._core.profile.probe_period_s:
            asked_at = now
            self._core.send(news.address, Ping(0, news.id, self._core.me.id))
        if len(self._claims) >= MOST_CLAIMS:
            del self._claims[next(iter(self._claims))]
        self._claims[news.id] = news, asked_at

    def proven(self, now: float, id: bytes, source: Address) -> None:
        """Note that this id answered from this address, which settles who stands there."""
        if id in self._claims and self._claims[id][0].address == source:
            self.alive(now, self._claims.pop(id)[0], source)

    def supersede(self, now: float, holder: Member) -> None:
        """Declare a member dead because another process answers at its address."""
        self._core.counts["superseded"] += 1
        self._bury(now, holder, self._core.me.id)

    def _renew(self, now: float, member: Member | None, news: Alive) -> None:
        core = self._core
        meta = decode_meta(news.meta)
        if meta is None or not is_numeric_host(news.host):
            core.counts["malformed"] += 1
            return
        if member is None:
            if not core.roster.has_room():
                core.counts["members_refused"] += 1
                return
            member = Member(news.id, news.address, news.incarnation, State.LEFT, meta, now, news.meta)
            before, was = None, None
        else:
            before, was = member.meta, member.state
        self._drop_suspicion(news.id)
        member.incarnation, member.meta, member.meta_bytes = news.incarnation, meta, news.meta
        if member.state is not State.ALIVE:
            member.changed_at = now
            is_back = not member.is_live
            member.state = State.ALIVE
            if is_back:
                core.roster.add_live(member)
        core.tell(news.id, news)
        self._say_alive(member, was, before is not None and before.phase is Phase.ACTIVE, before != meta)

    def _say_alive(self, member: Member, was: State | None, was_active: bool, is_changed: bool) -> None:
        core = self._core
        is_new = was is None or was >= State.DEAD
        if is_new:
            core.happened(Kind.JOINED, member, None, was)
        elif was is State.SUSPECT:
            core.happened(Kind.REFUTED, member, None, was)
        if member.meta.phase is Phase.ACTIVE and (is_new or not was_active):
            core.happened(Kind.ACTIVE, member, None, was)
        elif is_changed and not is_new:
            core.happened(Kind.UPDATED, member, None, was)

    def correct(self, news: Suspect | Dead, source: Address) -> None:
        """Answer an accusation that was refuted already with the refutation.

        The accuser may have missed it, and all the times that it was to be told may be over: two nodes that
        speak much with each other use them up between them.
        """
        member = self._core.roster.members.get(news.id)
        if member is not None and member.state is State.ALIVE and news.incarnation < member.incarnation:
            self._core.counts["corrections"] += 1
            self._core.send(source, alive_of(member), besides=member.id)

    # SUSPECT

    def suspect(self, now: float, news: Suspect) -> None:
        core = self._core
        member = core.roster.members.get(news.id)
        if member is None or news.incarnation < member.incarnation:
            return
        if member is core.me:
            self._refute(news.incarnation, news.by, State.SUSPECT)
        elif news.id in self._suspicions:
            self._confirm(now, member, news)
        elif member.state is State.ALIVE:
            self._start(now, member, news)

    def long_suspected(self, before: float) -> list[Member]:
        """Return whom this node has suspected since before then: it may have missed their refutation."""
        members = self._core.roster.members
        return [members[id_] for id_ in self._suspicions if members[id_].changed_at < before]

    def _confirm(self, now: float, member: Member, news: Suspect) -> None:
        suspicion, alarm = self._suspicions[news.id]
        if suspicion.confirm(news.by, news.refused and self._core.fast_path):
            alarm.cancel()
            self._suspicions[news.id] = suspicion, self._arm(member, max(now, suspicion.deadline()))
            self._core.tell(news.id, news)

    def _start(self, now: float, member: Member, news: Suspect) -> None:
        core = self._core
        member.state, member.incarnation, member.changed_at = State.SUSPECT, news.incarnation, now
        self._begin(now, member, news.by, refused=news.refused and core.fast_path)
        core.counts["suspicions"] += 1
        core.tell(news.id, news)
        core.happened(Kind.SUSPECTED, member, news.by, State.ALIVE)

    def _begin(self, now: float, member: Member, by: bytes, *, refused: bool) -> None:
        """Set the clock of a suspicion, anew if there is one."""
        profile, count = self._core.profile, self._core.roster.live_count
        self._drop_suspicion(member.id)
        patience = Patience(
            profile.suspicion_minimum_s(count),
            profile.suspicion_maximum_s(count),
            profile.expected_confirmations(count),
            profile.probe_period_s,
            count <= 2,
        )
        suspicion = Suspicion(now, by, refused, patience)
        self._suspicions[member.id] = suspicion, self._arm(member, suspicion.deadline())

    def _arm(self, member: Member, when: float) -> Alarm:
        return self._core.schedule.at(when, partial(self._expire, member))

    def _expire(self, member: Member, now: float) -> None:
        core = self._core
        if core.is_lagging(now):
            # The refutation may lie unread in the socket's buffer.
            suspicion, _ = self._suspicions[member.id]
            self._suspicions[member.id] = suspicion, self._arm(member, now + core.profile.probe_period_s)
            core.counts["excused"] += 1
            return
        self._bury(now, member, core.me.id)

    def _drop_suspicion(self, id: bytes) -> None:
        if id in self._suspicions:
            self._suspicions.pop(id)[1].cancel()

    # DEAD and LEFT

    def dead(self, now: float, news: Dead) -> None:
        core = self._core
        member = core.roster.members.get(news.id)
        if member is core.me:
            self._dead_about_me(now, news)
        elif member is None or news.incarnation < member.incarnation:
            return
        elif member.is_live:
            member.incarnation = news.incarnation
            self._bury(now, member, news.by)
        elif member.state is State.DEAD and news.by == news.id:
            member.state = State.LEFT  # it went by itself after all: nobody need dial it again
            core.tell(news.id, news)

    def _dead_about_me(self, now: float, news: Dead) -> None:
        """Refute, and say so even if a later suspicion was refuted before: others took over what was mine.

        It was this node that was cut off, so it takes back what it has said and begins its suspicions anew:
        confirmed by the others' view they would end at once, before the accused can object.
        """
        core, me = self._core, self._core.me
        if core.has_departed or news.incarnation <= self._declared_dead:
            return
        self._declared_dead = news.incarnation
        core.counts["declared_dead"] += 1
        for suspect in list(self._suspicions):
            core.broadcasts.forget(suspect)
            self._begin(now, core.roster.members[suspect], core.me.id, refused=False)
        if news.incarnation >= me.incarnation:
            self._refute(news.incarnation, news.by, State.DEAD)
        else:
            core.happened(Kind.REFUTED, me, news.by, State.DEAD)

    def _bury(self, now: float, member: Member, by: bytes) -> None:
        core, was = self._core, member.state
        self._drop_suspicion(member.id)
        member.state = State.LEFT if by == member.id else State.DEAD
        member.changed_at = now
        core.roster.set_gone(member)
        core.tell(member.id, dead_of(member, by))
        if member.state is State.LEFT:
            core.happened(Kind.LEFT, member, by, was)
        else:
            core.counts["deaths"] += 1
            core.happened(Kind.DIED, member, by, was)

    def _refute(self, accused: int, by: bytes | None, was: State) -> None:
        """Say that one lives, with an incarnation above the one accused. To be accused is a sign of being slow."""
        core, me = self._core, self._core.me
        if core.has_departed:
            return
        me.incarnation = max(me.incarnation, accused) + 1
        core.awareness.add(1)
        core.counts["refutations"] += 1
        core.tell(me.id, alive_of(me))
        core.happened(Kind.REFUTED, me, by, was)
