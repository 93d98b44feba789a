"""Publish and subscribe: who gets which message.

Channels, patterns and shard channels are three separate worlds, as in Redis.
A message is encoded once per protocol version and then sent to as many as want
it. Patterns are matched one by one, each compiled when its first subscriber
comes: their number is the cost of a PUBLISH.
"""

from collections.abc import Callable, Iterable

from ..keyspace.glob import Matcher, compile_glob
from ..protocol.encoder import encode
from ..protocol.replies import Push
from .client import Client, Names

Subscribers = dict[bytes, dict[int, Client]]


class Broker:
    """All subscriptions of a node. Clients note their own as well: see ``Client.channels``."""

    def __init__(self) -> None:
        self.channels: Subscribers = {}
        self.patterns: Subscribers = {}
        self.shard_channels: Subscribers = {}
        self.on_interest: Callable[[], None] = lambda: None
        """Called when a channel or pattern gains its first or loses its last subscriber."""
        self._matchers: dict[bytes, Matcher] = {}

    def subscribe(self, client: Client, channel: bytes) -> bool:
        """Add a subscription; say whether it is new."""
        return self._join(self.channels, client.channels, client, channel)

    def unsubscribe(self, client: Client, channel: bytes) -> bool:
        """End a subscription; say whether there was one."""
        return self._leave(self.channels, client.channels, client, channel)

    def subscribe_pattern(self, client: Client, pattern: bytes) -> bool:
        return self._join(self.patterns, client.patterns, client, pattern)

    def unsubscribe_pattern(self, client: Client, pattern: bytes) -> bool:
        return self._leave(self.patterns, client.patterns, client, pattern)

    def subscribe_shard(self, client: Client, channel: bytes) -> bool:
        return self._join(self.shard_channels, client.shard_channels, client, channel)

    def unsubscribe_shard(self, client: Client, channel: bytes) -> bool:
        return self._leave(self.shard_channels, client.shard_channels, client, channel)

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
            receivers += _send(subscribers.values(), [b"message", channel, message])
        for pattern, matches in self._matchers.items():
            if matches(channel):
                followers = self.patterns[pattern].values()
                receivers += _send(followers, [b"pmessage", pattern, channel, message])
        return receivers

    def publish_shard(self, channel: bytes, message: bytes) -> int:
        subscribers = self.shard_channels.get(channel)
        return _send(subscribers.values(), [b"smessage", channel, message]) if subscribers else 0

    def has_listeners(self, channel: bytes) -> bool:
        """Say whether a message to ``channel`` would reach anybody."""
        return channel in self.channels or any(matches(channel) for matches in self._matchers.values())

    def _join(self, world: Subscribers, own: Names, client: Client, name: bytes) -> bool:
        if name in own:
            return False
        own[name] = None
        subscribers = world.setdefault(name, {})
        subscribers[client.id] = client
        if len(subscribers) == 1:
            if world is self.patterns:
                self._matchers[name] = compile_glob(name)
            self.on_interest()
        return True

    def _leave(self, world: Subscribers, own: Names, client: Client, name: bytes) -> bool:
        if name not in own:
            return False
        del own[name]
        del world[name][client.id]
        if not world[name]:
            del world[name]
            if world is self.patterns:
                del self._matchers[name]
            self.on_interest()
        return True


def _send(clients: Iterable[Client], words: list[bytes]) -> int:
    wires: dict[int, bytes] = {}
    count = 0
    for client in tuple(clients):  # a client over its output limit leaves while we send
        wire = wires.get(client.protocol)
        if wire is None:
            wire = wires[client.protocol] = encode(Push(list(words)), client.protocol)
        client.connection.push(wire)
        count += 1
    return count
