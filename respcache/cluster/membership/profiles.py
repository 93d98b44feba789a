"""All timers and formulas of membership under three names: for one machine, one data centre, several.

Periods are seconds. `LAN` is the default; `LOCAL` and `WAN` are LAN plus changes. N is the number of live members,
oneself included. Whoever changes a number changes it on all nodes.
"""

import math
from typing import Final

import msgspec


class Profile(msgspec.Struct, frozen=True):
    """A consistent set of timers. Each says what moving it costs."""

    name: str

    probe_period_s: float = 0.5
    """One member is probed per period. Halved: deaths are found in half the time for twice the packets
    (two and two replies per second and node, whatever N), and false suspicions double under loss."""

    ack_timeout_s: float = 0.25
    """Then others are asked to probe, and TCP is tried. Must exceed the 99th percentile of a round trip and
    leave as much again before the period ends, or indirect probes come too late to help."""

    gossip_period_s: float = 0.1
    """News leaves this often, to `gossip_fanout` members. It takes about log(N) / log(fanout + 1) periods to reach all."""

    gossip_fanout: int = 3
    """More: faster by a logarithm, dearer in proportion, and only while there is news."""

    indirect_probes: int = 3
    """Members asked to probe in one's stead. With 5 % loss three leave 0.6 % of the failures of the direct probe."""

    retransmit_multiplier: int = 4
    """Each node tells a piece of news multiplier * ceil(log10(N + 1)) times. Lower: push/pull must repair more."""

    suspicion_multiplier: int = 4
    """Shortest suspicion = multiplier * max(1, log10 N) * probe period. Lower: faster deaths, more false ones."""

    suspicion_maximum_factor: int = 6
    """Longest suspicion = factor * shortest; that long waits who finds nobody to confirm. Higher: safer when it
    is oneself who is cut off."""

    push_pull_period_s: float = 15.0
    """Whole views are compared with a random member, over TCP; bytes grow with N, so the period does too."""

    gossip_to_dead_s: float = 30.0
    """The dead are told so that long: who was wrongly declared dead refutes within a probe period or two."""

    knock_for_s: float = 600.0
    """So long one dead member, at random, is asked per probe period whether it lives after all: the halves of a split that is not
    older find together within 5 s (simulated, 5 nodes, 60 s: p99 0.6 s instead of 7 to 14). It costs two packets per second
    and node, whatever N, for so long after each death. Longer than what a network mends by itself (spanning trees, routes,
    a switch that restarts); for the rare rest there is the redial."""

    redial_period_s: float = 15.0
    """After that one dead member or seed per period is dialled over TCP, so that the halves of a long split find together."""

    redial_for_s: float = 24 * 3600.0
    """After that the dead are forgotten. Longer heals longer splits, and remembers more pods that never return."""

    lag_ceiling_s: float = 0.25
    """While one's own event loop is later than this, one suspects nobody: the replies are waiting unread.
    Higher than the ack timeout would be of no use."""

    max_health: int = 7
    """Worst local health (Lifeguard); timeouts of probes stretch by health + 1."""

    def suspicion_minimum_s(self, members: int) -> float:
        """Return how long a suspicion lasts that enough others confirm."""
        return self.suspicion_multiplier * max(1.0, math.log10(max(1, members))) * self.probe_period_s

    def suspicion_maximum_s(self, members: int) -> float:
        """Return how long a suspicion lasts that nobody else confirms."""
        return self.suspicion_maximum_factor * self.suspicion_minimum_s(members)

    def expected_confirmations(self, members: int) -> int:
        """Return how many confirmations bring a suspicion down to its minimum; 0 if there are too few to give them."""
        expected = self.suspicion_multiplier - 2
        return expected if members - 2 >= expected else 0

    def transmissions(self, members: int) -> int:
        """Return how often a node tells a piece of news."""
        return self.retransmit_multiplier * math.ceil(math.log10(members + 1))

    def push_pull_interval_s(self, members: int) -> float:
        """Return the period of push/pull, which grows by itself with each doubling beyond 32 members.

        Each compares N members, so a fixed period would cost N * N bytes in the whole cluster.
        """
        doublings = math.ceil(math.log2(members / PUSH_PULL_MEMBERS)) if members > PUSH_PULL_MEMBERS else 0
        return self.push_pull_period_s * (1 + doublings)


PUSH_PULL_MEMBERS: Final = 32  # up to here a view is a few packets of TCP

LAN: Final = Profile("lan")
LOCAL: Final = msgspec.structs.replace(
    LAN,
    name="local",
    probe_period_s=0.2,
    ack_timeout_s=0.1,
    gossip_period_s=0.05,
    push_pull_period_s=5.0,
    gossip_to_dead_s=15.0,
    redial_period_s=5.0,
    lag_ceiling_s=0.1,
)
WAN: Final = msgspec.structs.replace(
    LAN,
    name="wan",
    probe_period_s=5.0,
    ack_timeout_s=3.0,
    gossip_period_s=0.5,
    gossip_fanout=4,
    suspicion_multiplier=6,
    push_pull_period_s=60.0,
    gossip_to_dead_s=60.0,
    redial_period_s=30.0,
    lag_ceiling_s=1.5,
)
PROFILES: Final = {profile.name: profile for profile in (LOCAL, LAN, WAN)}
