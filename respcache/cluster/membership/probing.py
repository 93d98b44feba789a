"""Failure detection: one member is probed per period, by oneself, then through others and over TCP.

A probe that fails accuses its target, unless this node is itself too late to judge. What the helpers say (NACK: "I am
here, it does not answer me either") tells a dead target from a sick self. `relaying.py` is the helper's side.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from respcache.cluster.membership.core import Core, accusation_of, alive_of
from respcache.cluster.membership.member import Address, Member, State
from respcache.cluster.membership.messages import Ack, Nack, Ping, PingRequest, Suspect, encode
from respcache.cluster.membership.precedence import Precedence
from respcache.cluster.membership.schedule import Alarm

SEQUENCES = 1 << 32


@dataclass(slots=True, eq=False)
class Probe:
    """A question that is not answered yet."""

    sequence: int
    target: Member
    incarnation: int  # what is accused if the probe fails: the target may have refuted meanwhile
    ack_alarm: Alarm
    end_alarm: Alarm
    is_scheduled: bool  # its end is waited for before the next member's turn
    helpers: int = 0
    nacks: int = 0
    token: int | None = None  # of the probe over TCP


class Prober:
    """Sends probes and judges their outcome. At most one per member is open, which bounds them."""

    def __init__(self, core: Core, precedence: Precedence, now: float) -> None:
        self._core = core
        self._precedence = precedence
        self._open: dict[int, Probe] = {}
        self._of_member: dict[bytes, Probe] = {}
        self._sequence = core.chance.randrange(SEQUENCES)
        self._is_probing = False  # the scheduled probe is open
        self._is_overdue = False  # and the next turn has come
        core.schedule.at(now + core.chance.random() * core.profile.probe_period_s, self._take_turn)

    def next_sequence(self) -> int:
        """Return a number for a question. 0 is left for questions whose answer needs no remembering."""
        self._sequence = self._sequence % (SEQUENCES - 1) + 1
        return self._sequence

    def _take_turn(self, now: float) -> None:
        core = self._core
        if core.has_departed:
            return
        core.schedule.at(now + core.profile.probe_period_s, self._take_turn)
        self._knock(now)
        if self._is_probing:
            self._is_overdue = True
        else:
            self._probe_next(now)

    def _probe_next(self, now: float) -> None:
        self._is_overdue = False
        target = self._core.roster.next_to_probe()
        if target is not None and target.id not in self._of_member:
            self._is_probing = True
            self.probe(now, target, is_scheduled=True)

    def _knock(self, now: float) -> None:
        """Tell one of the recently dead that it is dead: if it lives after all, its answer brings the refutation.

        Without this the halves of a split would meet again only at the next redial, which is made by TCP to one of them in a
        quarter of a minute. The same goes for those who are suspected for longer than the shortest suspicion: this node may have missed their refutation.
        """
        core, profile = self._core, self._core.profile
        shortest_s = profile.suspicion_minimum_s(core.roster.live_count)
        accused = [
            *self._maybe_alive(now),
            *self._precedence.long_suspected(now - shortest_s),
        ]
        if accused:
            member = core.chance.choice(accused)
            core.send(
                member.address,
                accusation_of(member, core.me.id),
                Ping(0, member.id, core.me.id),
                besides=member.id,
            )

    def _maybe_alive(self, now: float) -> Iterator[Member]:
        """Yield the dead that may have been cut off only; where another process stands now, nobody can come back."""
        roster, profile = self._core.roster, self._core.profile
        for member in roster.recently_dead(now - profile.knock_for_s):
            if roster.at(member.address) is None:
                yield member

    def probe(self, now: float, target: Member, *, is_scheduled: bool = False) -> None:
        """Ask a member whether it is there, unless it is being asked already. A suspect is told of the suspicion."""
        core = self._core
        if target.id in self._of_member:
            return
        sequence = self.next_sequence()
        at, stretch = core.schedule.at, core.awareness.stretch
        ack_alarm = at(now + stretch(core.profile.ack_timeout_s), partial(self._ask_others, sequence))
        end_alarm = at(now + stretch(core.profile.probe_period_s), partial(self._fail, sequence))
        probe = Probe(sequence, target, target.incarnation, ack_alarm, end_alarm, is_scheduled)
        self._open[sequence] = self._of_member[target.id] = probe
        core.counts["probes"] += 1
        ping = Ping(sequence, target.id, core.me.id)
        if target.state is State.SUSPECT:
            accusation = Suspect(target.incarnation, target.id, core.me.id)
            core.send(target.address, accusation, ping, besides=target.id)
        else:
            core.send(target.address, ping)

    def _ask_others(self, sequence: int, now: float) -> None:
        core, probe = self._core, self._open[sequence]
        target = probe.target
        core.counts["indirect_probes"] += 1
        helpers = core.roster.pick_alive(core.profile.indirect_probes, besides=target.id)
        probe.helpers = len(helpers)
        for helper in helpers:
            core.send(helper.address, PingRequest(sequence, target.id, core.me.id))
        probe.token = sequence
        core.exchange(target.address, encode(Ping(sequence, target.id, core.me.id)), sequence)

    # Answers

    def acknowledged(self, now: float, ack: Ack, source: Address | None) -> None:
        """Close the probe. An answer by another id from the target's address means that the target is gone."""
        probe = self._open.get(ack.sequence)
        if probe is None:
            return
        target = probe.target
        if ack.sender == target.id:
            self._close(probe)
            self._core.awareness.add(-1)
            self._continue(now, probe)
        elif target.is_live and source in {target.address, None}:
            self._close(probe)
            self._precedence.supersede(now, target)
            self._continue(now, probe)

    def refused_help(self, nack: Nack) -> None:
        probe = self._open.get(nack.sequence)
        if probe is not None:
            probe.nacks = min(probe.nacks + 1, probe.helpers)

    def tcp_done(self, now: float, token: int, answer: Ack | None) -> bool:
        """Take the outcome of a probe over TCP; whether the token was one's own."""
        probe = self._open.get(token)
        if probe is None or probe.token != token:
            return False
        if answer is not None and answer.sequence == probe.sequence:
            self._core.counts["answered_over_tcp_only"] += 1
            self.acknowledged(now, answer, None)
        return True

    # The end

    def _fail(self, sequence: int, now: float) -> None:
        core, probe = self._core, self._open[sequence]
        self._close(probe)
        core.counts["failed_probes"] += 1
        if core.is_lagging(now):
            core.counts["excused"] += 1
            core.awareness.add(1)
        elif probe.target.is_live:
            core.awareness.add(probe.helpers - probe.nacks if probe.helpers else 1)
            self.accuse(now, probe.target, probe.incarnation)
        self._continue(now, probe)

    def accuse(self, now: float, target: Member, incarnation: int, *, refused: bool = False) -> None:
        """Suspect a member, and tell it so at once if that is new: it has the more time to object."""
        was = target.state
        accusation = Suspect(incarnation, target.id, self._core.me.id, refused)
        self._precedence.suspect(now, accusation)
        if was is State.ALIVE and target.state is State.SUSPECT:
            self._core.send(target.address, accusation, besides=target.id)

    def _close(self, probe: Probe) -> None:
        del self._open[probe.sequence]
        del self._of_member[probe.target.id]
        probe.ack_alarm.cancel()
        probe.end_alarm.cancel()

    def _continue(self, now: float, probe: Probe) -> None:
        if probe.is_scheduled:
            self._is_probing = False
            if self._is_overdue and not self._core.has_departed:
                self._probe_next(now)

    # Being asked

    def answer(self, ping: Ping, source: Address) -> None:
        """Answer a probe. Who asks for another id learns who is here; who is accused here learns that, to refute it."""
        core = self._core
        asker = core.roster.members.get(ping.sender)
        ack = Ack(ping.sequence, core.me.id)
        if ping.target != core.me.id:
            core.send(source, ack, alive_of(core.me), besides=core.me.id)
        elif asker is not None and asker.state is not State.ALIVE:
            core.send(source, ack, accusation_of(asker, core.me.id), besides=asker.id)
        else:
            core.send(source, ack)
