"""What every way of finding peers has in common.

A source is asked again and again for as long as a node lives, never only at its start: so nodes that started at the
same moment, or on two sides of a broken network, find each other in the end whatever one question came to.

A class of the operator's own has the same four methods, and is named ``package.module:Class`` in the settings; it
may derive from ``ReadOnly`` and bring only ``peers``. Whatever a source raises is logged and its last
list stays; the cluster goes on. How often and how long it is asked is the business of ``polling``.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class DiscoverySettingsError(Exception):
    """The settings ask for something that cannot be; the text is one sentence for the operator."""


class SourceError(Exception):
    """A source has no answer now; the text says why, in one line."""


class Announcement(msgspec.Struct, frozen=True):
    """What a node tells of itself."""

    id: str
    """The node's id, 40 hex digits."""
    bus: str
    """``host:port`` where its bus can be reached. A host of 0.0.0.0 or :: means: wherever this was heard from."""
    name: str
    """``host:port`` of its client port, for people."""
    cluster: str
    """The cluster's name; nodes of another one are not peers."""


class Discovery(Protocol):
    """One way of finding peers."""

    async def peers(self) -> Sequence[str]:
        """Return all peers known now, ourselves among them or not.

        Each is ``host:port``, where the host may be a name, or only ``host``, and then the port is our own bus port.
        """

    async def register(self, me: Announcement) -> None:
        """Tell where we are. Called before every ``peers``, so it renews what would expire."""

    async def deregister(self, me: Announcement) -> None:
        """Take that back: we are leaving."""

    async def run(self) -> None:
        """Do what goes on in the background, such as listening; return at once if there is nothing."""


class ReadOnly:
    """The rest of a source that nobody registers with and that only answers when asked."""

    async def register(self, me: Announcement) -> None:
        """Do nothing: others find us by what somebody else has written."""

    async def deregister(self, me: Announcement) -> None:
        """Do nothing, as for ``register``."""

    async def run(self) -> None:
        """Do nothing: all work is in ``peers``."""
