"""Asks all sources for peers, for ever, and hands on the addresses that they know between them.

Each source has its own rhythm, so that a slow one holds up nobody. For two seconds after a start the pauses are short, then they double up to the
period: nodes that start together find nobody at the first question, and need not wait a whole
period for the second. Every pause is drawn a little shorter or longer, or a cluster that was started by one command would
ask its registry at the same instant for ever.

What is found goes to membership at every round, changed or not: it alone knows whom it misses, and who we are ourselves.
"""

import logging
import random
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final

import trio

from .endpoints import Address
from .protocol import Announcement, Discovery
from .resolving import Lookup, SystemLookup
from .watch import Watch, described

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 5.0
"""For each step of one question. The resolvers of most systems give up on a silent server after this long, and take the next."""

FIRST_PAUSE_S: Final = 0.25
"""So short that nobody waits for a seed that is a moment later than we are."""

SHORT_PAUSES: Final = 8
"""Pauses before they begin to double: two seconds. Of ten processes started by one command on two cores the first may
be ready a second and a half before its seed; with pauses that doubled at once it found the seed half a second late."""

JITTER: Final = 0.2
"""Part of a pause by which it may be shorter or longer: two nodes in step are apart after a few rounds."""

FAREWELL_S: Final = 1.0
"""Leaving must not wait for a registry that is gone; its entry for us expires by itself."""


async def poll(
    discoveries: Sequence[Discovery],
    me: Announcement,
    found: Callable[[list[Address]], None],
    *,
    period_s: float,
    chance: random.Random,
    timeout_s: float = TIMEOUT_S,
    lookup: Lookup | None = None,
) -> None:
    """Ask until cancelled. ``found`` gets all addresses of all sources, each once, after every answer of any of them.

    Sources never make this raise; ``found`` may, and that ends it.
    """
    lookup = lookup or SystemLookup()
    watches = [Watch(discovery, me, lookup, timeout_s) for discovery in discoveries]
    async with trio.open_nursery() as nursery:
        for watch in watches:
            nursery.start_soon(watch.keep_running, period_s)
            nursery.start_soon(_ask_for_ever, watch, watches, found, period_s, chance)
        await trio.sleep_forever()


async def deregister(discoveries: Sequence[Discovery], me: Announcement) -> None:
    """Tell all sources that we leave, before ``poll`` is cancelled. Takes FAREWELL_S at most, and never raises."""
    with trio.move_on_after(FAREWELL_S):
        async with trio.open_nursery() as nursery:
            for discovery in discoveries:
                nursery.start_soon(_deregister_one, discovery, me)


async def _ask_for_ever(
    watch: Watch,
    watches: Sequence[Watch],
    found: Callable[[list[Address]], None],
    period_s: float,
    chance: random.Random,
) -> None:
    pause_s = min(FIRST_PAUSE_S, period_s)
    for number in count(1):
        await watch.ask()
        found(_all_addresses(watches))
        await trio.sleep(pause_s * chance.uniform(1 - JITTER, 1 + JITTER))
        if number >= SHORT_PAUSES:
            pause_s = min(2 * pause_s, period_s)


async def _deregister_one(discovery: Discovery, me: Announcement) -> None:
    try:
        await discovery.deregister(me)
    except Exception as error:  # the operator's class may raise anything, and what it missed will expire
        log.debug("a source did not take our leave: %s", described(error))


def _all_addresses(watches: Sequence[Watch]) -> list[Address]:
    return list({address: None for watch in watches for address in watch.addresses})
