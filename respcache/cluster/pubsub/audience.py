"""Who listens to what at the other nodes, as they have told.

The numbers answer PUBLISH at once; which node listens to what decides where events of the cache are sent.
"""

from typing import Final

from ...commands.broker import World
from ...keyspace.glob import Matcher, compile_glob
from .interest import NAMES
from .news import Interest

NODE_NAMES: Final = 2 * NAMES
"""Kept of one node: a node says 'everything' long before, unless it means harm."""

Listeners = dict[bytes, int]
"""Node ids, and how many subscribers each has."""


class Audience:
    """Subscribers at other nodes, by name and by node."""

    def __init__(self) -> None:
        self.worlds: tuple[dict[bytes, Listeners], ...] = ({}, {}, {})
        self.everything: set[bytes] = set()
        """Nodes that listen to more than they could tell."""
        self._matchers: dict[bytes, Matcher] = {}
        self._names: dict[bytes, set[tuple[World, bytes]]] = {}

    def __bool__(self) -> bool:
        return bool(self.everything) or any(self.worlds)

    def take(self, node: bytes, interest: Interest) -> None:
        """Take what a node tells."""
        if interest.is_full:
            self.forget(node)
        if interest.is_everything:
            self.forget(node)
            self.everything.add(node)
            return
        told = (interest.channels, interest.patterns, interest.shard_channels)
        for world in World:
            for name, count in told[world].items():
                self._set(node, world, name, count)
        if len(self._names.get(node, ())) > NODE_NAMES:
            self.forget(node)
            self.everything.add(node)

    def forget(self, node: bytes) -> None:
        """Take it that a node listens to nothing."""
        self.everything.discard(node)
        for world, name in tuple(self._names.get(node, ())):
            self._set(node, world, name, 0)

    def count(self, channel: bytes) -> int:
        """Return how many copies of a message the others will send to their clients."""
        total = 0
        listeners = self.worlds[World.CHANNELS].get(channel)
        if listeners is not None:
            total += sum(listeners.values())
        for pattern, matches in self._matchers.items():
            if matches(channel):
                total += sum(self.worlds[World.PATTERNS][pattern].values())
        return total

    def count_shard(self, channel: bytes) -> int:
        return sum(self.worlds[World.SHARD_CHANNELS].get(channel, {}).values())

    def listeners(self, channel: bytes) -> set[bytes]:
        """Return the nodes that have a subscriber for a message on ``channel``."""
        found = set(self.everything)
        found.update(self.worlds[World.CHANNELS].get(channel, ()))
        for pattern, matches in self._matchers.items():
            if matches(channel):
                found.update(self.worlds[World.PATTERNS][pattern])
        return found

    def has_listeners_under(self, prefix: bytes) -> bool:
        """Say whether a channel that begins so may have a subscriber; a pattern is not looked at beyond its first star."""
        if self.everything or any(name.startswith(prefix) for name in self.worlds[World.CHANNELS]):
            return True
        return any(_may_begin(pattern, prefix) for pattern in self._matchers)

    def _set(self, node: bytes, world: World, name: bytes, count: int) -> None:
        by_name = self.worlds[world]
        names = self._names.setdefault(node, set())
        if count > 0:
            if name not in by_name:
                by_name[name] = {}
                if world is World.PATTERNS:
                    self._matchers[name] = compile_glob(name)
            by_name[name][node] = count
            names.add((world, name))
            return
        names.discard((world, name))
        if not names:
            del self._names[node]
        listeners = by_name.get(name, {})
        listeners.pop(node, None)
        if not listeners and by_name.pop(name, None) is not None and world is World.PATTERNS:
            del self._matchers[name]


def _may_begin(pattern: bytes, prefix: bytes) -> bool:
    literal = pattern
    for mark in (b"*", b"?", b"[", b"\\"):
        literal = literal.partition(mark)[0]
    return literal.startswith(prefix) or (literal != pattern and prefix.startswith(literal))
