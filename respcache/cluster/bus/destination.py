"""Another node, as commands see it: some channels, of which each client always takes the same."""

from collections.abc import Sequence

from ...commands.client import Client
from .batch import Batch, Sink
from .channel import Channel


class Destination:
    """Another node, and the channels to it."""

    __slots__ = ("channels", "id")

    def __init__(self, id: bytes, channels: Sequence[Channel]) -> None:
        self.id = id
        self.channels = channels

    def channel_of(self, client: Client) -> Channel:
        """Return the channel that a client's commands always take."""
        return self.channels[client.id % len(self.channels)]

    def add(self, client: Client, sink: Sink, argv: list[bytes], place: int) -> None:
        """Queue a command on the client's own channel."""
        self.channels[client.id % len(self.channels)].add(client, sink, argv, place)

    def append(self, client: Client, batch: Batch) -> None:
        """Queue a batch of one command there."""
        self.channel_of(client).append(batch)
