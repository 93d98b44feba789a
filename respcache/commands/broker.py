"""Publish and subscribe: who gets which message.

Channels, patterns and shard channels are three separate worlds, as in Redis.
A message is encoded once per protocol version and then sent to as many as want
it, by compiled code where there is any. Patterns are matched one by one, each compiled when its first subscriber
comes: their number is the cost of a PUBLISH.

In a cluster there are subscribers ``elsewhere``, too. Clients' messages go to all of them
(``publish_everywhere``), the cache's own to nodes that listen (``announce``), and what another node
has sent goes to the subscribers here (``publish``).
"""

import enum
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from .._speedups import FanOut
from ..keyspace.glob import Matcher, compile_glob
from ..protocol.encoder import encode
from ..protocol.replies import Push, Reply
from .client import Client, Names
from .pending import Pending

Subscribers = dict[bytes, dict[int, Client]]

UNLIMITED_BYTES: Final = 1 << 62
"""Stands for no limit of output at all."""


class World(enum.IntEnum):
    """What a name is the name of."""

    CHANNELS = 0
    PATTERNS = 1
    SHARD_CHANNELS = 2


class Elsewhere(Protocol):
    """The other nodes of a cluster; see the cluster package. Nothing here waits for them."""

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send a client's message to them; return how many of their clients will get it, as far as is known."""

    def publish_shard(self, channel: bytes, message: bytes) -> int: ...
    def announce(self, channel: bytes, message: bytes) -> None:
        """Send a message to those of them that have said that they listen."""

    def has_listeners(self, channel: bytes) -> bool: ...
    def has_listeners_under(self, prefix: bytes) -> bool: ...
    def note(self, world: World, name: bytes, more: int) -> None:
        """Be told that a name has other subscribers here: its first (1), no more (-1), or another number (0)."""

    def confirmation(self, reply: Reply) -> Reply | Pending:
        """Return the reply to a subscription, or its place where they must hear of it first."""


class Broker:
    """All subscriptions of a node. Clients note their own as well: see ``Client.channels``."""

    def __init__(self) -> None:
        self.channels: Subscribers = {}
        self.patterns: Subscribers = {}
        self.shard_channels: Subscribers = {}
        self.worlds = (self.channels, self.patterns, self.shard_channels)
        """By ``World``."""
        self.on_interest: Callable[[], None] = lambda: None
        """Called when a channel or pattern gains its first or loses its last subscriber, here or elsewhere."""
        self.elsewhere: Elsewhere | None = None
        """Set where the node is part of a cluster."""
        self._matchers: dict[bytes, Matcher] = {}
        self.fan_out = FanOut(_encode)
        """How one message comes to many; see ``allow``."""

    def allow(self, limits_bytes: Sequence[int]) -> None:
        """Be told how much output may wait for the clients of each class; 0 is no limit."""
        self.fan_out.surely_allowed_bytes = min(
            (limit for limit in limits_bytes if limit), default=UNLIMITED_BYTES
        )

    def subscribe(self, client: Client, channel: bytes) -> bool:
        """Add a subscription; say whether it is new."""
        return self._join(World.CHANNELS, client.channels, client, channel)

    def unsubscribe(self, client: Client, channel: bytes) -> bool:
        """End a subscription; say whether there was one."""
        return self._leave(World.CHANNELS, client.channels, client, channel)

    def subscribe_pattern(self, client: Client, pattern: bytes) -> bool:
        return self._join(World.PATTERNS, client.patterns, client, pattern)

    def unsubscribe_pattern(self, client: Client, pattern: bytes) -> bool:
        return self._leave(World.PATTERNS, client.patterns, client, pattern)

    def subscribe_shard(self, client: Client, channel: bytes) -> bool:
        return self._join(World.SHARD_CHANNELS, client.shard_channels, client, channel)

    def unsubscribe_shard(self, client: Client, channel: bytes) -> bool:
        return self._leave(World.SHARD_CHANNELS, client.shard_channels, client, channel)

    def forget(self, client: Client) -> None:
        """End all subscriptions of a client that has gone."""
        for channel in tuple(client.channels):
            self.unsubscribe(client, channel)
        for pattern in tuple(client.patterns):
            self.unsubscribe_pattern(client, pattern)
        for channel in tuple(client.shard_channels):
            self.unsubscribe_shard(client, channel)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send to the channel's subscribers and to those of matching patterns; return how many got it."""
        receivers = 0
        subscribers = self.channels.get(channel)
        if subscribers:
            receivers += self.fan_out.send(subscribers, [b"message", channel, message])
        for pattern, matches in tuple(self._matchers.items()):  # who is too slow may leave while we send
            if matches(channel) and (followers := self.patterns.get(pattern)):
                receivers += self.fan_out.send(followers, [b"pmessage", pattern, channel, message])
        return receivers

    def publish_shard(self, channel: bytes, message: bytes) -> int:
        subscribers = self.shard_channels.get(channel)
        return self.fan_out.send(subscribers, [b"smessage", channel, message]) if subscribers else 0

    def publish_everywhere(self, channel: bytes, message: bytes) -> int:
        """Send to the subscribers here and elsewhere; return how many get it, as far as is known."""
        receivers = self.publish(channel, message)
        return receivers if self.elsewhere is None else receivers + self.elsewhere.publish(channel, message)

    def publish_shard_everywhere(self, channel: bytes, message: bytes) -> int:
        receivers = self.publish_shard(channel, message)
        return (
            receivers
            if self.elsewhere is None
            else receivers + self.elsewhere.publish_shard(channel, message)
        )

    def announce(self, channel: bytes, message: bytes) -> int:
        """Send what the cache itself has to say; return how many got it here."""
        if self.elsewhere is not None:
            self.elsewhere.announce(channel, message)
        return self.publish(channel, message)

    def has_listeners_here(self, channel: bytes) -> bool:
        """Say whether a message to ``channel`` would reach any client of this node."""
        return channel in self.channels or any(matches(channel) for matches in self._matchers.values())

    def has_listeners(self, channel: bytes) -> bool:
        """Say whether a message to ``channel`` would reach anybody."""
        return self.has_listeners_here(channel) or (
            self.elsewhere is not None and self.elsewhere.has_listeners(channel)
        )

    def may_have_listeners_under(self, prefix: bytes) -> bool:
        """Say whether anybody may listen to channels that begin so."""
        return bool(self.channels or self.patterns) or (
            self.elsewhere is not None and self.elsewhere.has_listeners_under(prefix)
        )

    def confirmation(self, client: Client, reply: Reply) -> Reply | Pending:
        """Return the reply to a subscription, or its place where other nodes must hear of it before the client does."""
        if self.elsewhere is None or client.transaction is not None:
            return reply  # the replies of a transaction are one, and cannot wait for each other
        return self.elsewhere.confirmation(reply)

    def _join(self, world: World, own: Names, client: Client, name: bytes) -> bool:
        if name in own:
            return False
        own[name] = None
        subscribers = self.worlds[world].setdefault(name, {})
        subscribers[client.id] = client
        is_first = len(subscribers) == 1
        if is_first and world is World.PATTERNS:
            self._matchers[name] = compile_glob(name)
        self._tell(world, name, int(is_first))
        return True

    def _leave(self, world: World, own: Names, client: Client, name: bytes) -> bool:
        if name not in own:
            return False
        del own[name]
        by_name = self.worlds[world]
        del by_name[name][client.id]
        is_last = not by_name[name]
        if is_last:
            del by_name[name]
            if world is World.PATTERNS:
                del self._matchers[name]
        self._tell(world, name, -int(is_last))
        return True

    def _tell(self, world: World, name: bytes, more: int) -> None:
        if self.elsewhere is not None:
            self.elsewhere.note(world, name, more)
        if more:
            self.on_interest()


def _encode(words: list[bytes], protocol: int) -> bytes:
    return encode(Push(words), protocol)
