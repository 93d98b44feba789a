"""The streams of one node: one to every other, made when first needed, carried by the first lane there."""

from collections.abc import Callable, Iterator, Mapping

from .bus.lane import Lane
from .mandating import Mandating
from .replication.replication import Replication
from .replication.stream import Stream


class Streams:
    """Makes streams, and lets whoever is concerned know what becomes of them."""

    def __init__(self, lanes: Mapping[tuple[bytes, int], Lane], now_s: Callable[[], float]) -> None:
        self._lanes = lanes
        self._now_s = now_s
        self._by_id: dict[bytes, Stream] = {}
        self.on_waited: Callable[[], None] = lambda: None
        """Called when somebody begins to wait for another node."""
        self._doubted_s: dict[bytes, tuple[float, float]] = {}
        """Since when nodes are silent, and when everybody was told that they may lack something (strict)."""

    def attach(self, replication: Replication, mandating: Mandating) -> None:
        """Say who is concerned."""
        self._replication = replication
        self._mandating = mandating

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._by_id.values())

    @property
    def lagging(self) -> frozenset[bytes]:
        """Return the nodes that are not waited for."""
        return frozenset([peer for peer, stream in self._by_id.items() if stream.is_lagging])

    def of(self, id: bytes) -> Stream:
        """Return the stream to another node, connected or not."""
        stream = self._by_id.get(id)
        return self._make(id) if stream is None else stream

    def _make(self, id: bytes) -> Stream:
        replication = self._replication
        # Later than any before, so that nobody takes it for one that has been.
        stream = self._by_id[id] = Stream(round(self._now_s() * 1000), self._now_s)
        stream.on_reset = lambda: replication.restarted(id)
        stream.on_forgotten = lambda: replication.disbelieved(id)
        stream.on_lag = lambda is_lagging: replication.serving.lag_changed(id)
        stream.on_room = replication.syncing.pump
        stream.on_waited = lambda: self.on_waited()  # noqa: PLW0108  # which may be set later
        stream.may_drop = lambda since_s: self._may_drop(id, since_s)
        lane = self._lanes.get((id, 0))
        if lane is not None:
            lane.carry(stream)
        return stream

    def disconnect(self, id: bytes) -> None:
        """Let a stream wait for the next lane."""
        if id in self._by_id:
            self._by_id[id].disconnect()

    def close(self, id: bytes) -> None:
        """End the stream to a node that is gone."""
        self._doubted_s.pop(id, None)
        stream = self._by_id.pop(id, None)
        if stream is not None:
            stream.close()

    def tick(self, now_s: float) -> None:
        """Look who is silent."""
        for stream in list(self._by_id.values()):
            stream.tick(now_s)

    def _may_drop(self, id: bytes, since_s: float) -> bool:
        """Say whether a follower that is silent need not be waited for.

        Not while this node does not know whether it serves still; and in strict mode once a majority knows that it does without.
        """
        serving = self._replication.serving
        if serving.suspended:
            return False
        if not self._mandating.mandate.is_strict:
            return True
        known_s, told_s = self._doubted_s.get(id, (0.0, 0.0))
        if known_s == since_s:
            return self._mandating.is_confirmed_since(told_s)
        self._doubted_s[id] = since_s, self._now_s()
        serving.outdate(id)
        serving.flush()
        return False
