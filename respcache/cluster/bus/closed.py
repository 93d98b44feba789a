"""Stands where commands would go while this node may serve nobody: every one of them is refused at once."""

from ...commands.client import Client
from .batch import Batch, Sink


class Closed:
    """A destination that says why there is none."""

    __slots__ = ("_wire",)

    def __init__(self, wire: bytes) -> None:
        self._wire = wire

    def add(self, client: Client, sink: Sink, argv: list[bytes], place: int) -> None:
        """Refuse a command."""
        sink.fill(self._wire)

    def append(self, client: Client | None, batch: Batch) -> None:
        """Refuse whoever waits in a batch."""
        for sink in batch.sinks:
            if sink is not None:
                sink.fill(self._wire)
