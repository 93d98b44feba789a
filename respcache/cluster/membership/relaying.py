"""Probing on behalf of others: the helper's side of an indirect probe."""

from functools import partial
from typing import Final

from respcache.cluster.membership.core import Core
from respcache.cluster.membership.member import Address
from respcache.cluster.membership.messages import Ack, Nack, Ping, PingRequest
from respcache.cluster.membership.probing import Prober

MOST_RELAYS: Final = 256
"""Open at once. A dead member of 100 makes some six per second here; more comes from somebody who is mad."""

NACK_SHARE: Final = 0.8
"""Of the ack timeout (Lifeguard): so the NACK arrives before the asker's period, twice that timeout, is over."""


class Relay:
    """Probes others' targets and passes the answers on."""

    def __init__(self, core: Core, prober: Prober) -> None:
        self._core = core
        self._prober = prober
        self._asked_by: dict[int, tuple[Address, PingRequest]] = {}

    def request(self, now: float, request: PingRequest, source: Address) -> None:
        """Probe the target; after a while say that it does not answer. An answer is passed on even later."""
        core = self._core
        target = core.roster.members.get(request.target)
        if target is None or target is core.me or len(self._asked_by) >= MOST_RELAYS:
            core.send(source, Nack(request.sequence))
            return
        sequence = self._prober.next_sequence()
        self._asked_by[sequence] = source, request
        core.send(target.address, Ping(sequence, target.id, core.me.id))
        core.schedule.at(now + NACK_SHARE * core.profile.ack_timeout_s, partial(self._say_no, sequence))
        core.schedule.at(now + core.profile.probe_period_s, partial(self._give_up, sequence))

    def acknowledged(self, ack: Ack) -> None:
        asked = self._asked_by.get(ack.sequence)
        if asked is not None and ack.sender == asked[1].target:
            del self._asked_by[ack.sequence]
            self._core.send(asked[0], Ack(asked[1].sequence, ack.sender))

    def _say_no(self, sequence: int, now: float) -> None:
        asked = self._asked_by.get(sequence)
        if asked is not None:
            self._core.send(asked[0], Nack(asked[1].sequence))

    def _give_up(self, sequence: int, now: float) -> None:
        self._asked_by.pop(sequence, None)
