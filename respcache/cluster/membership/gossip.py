"""Spreading news to random members, on a grid of time that differs between nodes; silent while there is none."""

from respcache.cluster.membership.core import Core
from respcache.cluster.membership.schedule import Alarm


class Gossip:
    """Sends what `Core.tell` queued, to a few members per period, the recently dead among them."""

    def __init__(self, core: Core, now: float) -> None:
        self._core = core
        self._grid_start = now + core.chance.random() * core.profile.gossip_period_s
        self._now = now  # of the input that is being worked on
        self._alarm: Alarm | None = None
        core.on_news = self._wake

    def set_time(self, now: float) -> None:
        self._now = now

    def _wake(self) -> None:
        if self._alarm is None:
            period_s = self._core.profile.gossip_period_s
            passed = max(0.0, (self._now - self._grid_start) // period_s + 1)
            self._alarm = self._core.schedule.at(self._grid_start + passed * period_s, self._spread_on_time)

    def _spread_on_time(self, now: float) -> None:
        self._alarm = None
        if self.spread(now):
            self._wake()

    def spread(self, now: float) -> bool:
        """Tell a few members; whether there may be more to tell. The last member alone has nobody to tell."""
        core = self._core
        dead = tuple(core.roster.recently_dead(now - core.profile.gossip_to_dead_s))
        targets = core.roster.pick(core.profile.gossip_fanout, also=dead)
        for target in targets:
            if not core.send_news(target.address):
                return False
        return bool(targets) and bool(core.broadcasts)
