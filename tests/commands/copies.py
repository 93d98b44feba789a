"""A second server that is told what the first one does, as a replica would be.

Its clock reads zero for ever: an effect that depends on the time at which it is
applied, rather than on the time at which it was sent, cannot come out right.
"""

from respcache.keyspace.entry import Value
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness
from tests.commands.listeners import Deaf
from tests.commands.snapshots import Snapshot, snapshot


class Copy(Deaf):
    """Receives the leader's effects, and a DEL for each key that expires there or is evicted."""

    def __init__(self, leader: Harness) -> None:
        super().__init__(leader)
        self._harness = Harness()
        self._harness.clock.now_ms = 0
        self._client = self._harness.client()
        leader.dispatcher.on_effect = self.follow
        leader.dispatcher.refresh()

    def follow(self, words: list[bytes]) -> None:
        reply = self._client(*words)
        assert not isinstance(reply, ErrorReply), (words, reply)

    def snapshot(self) -> Snapshot:
        return snapshot(self._harness.node.keyspace)

    def expired(self, db: int, key: bytes, value: Value) -> None:
        self._client("SELECT", str(db))
        self.follow([b"DEL", key])
        self._client("SELECT", "0")  # effects do not say their database, so leaders stay in the first

    def evicted(self, db: int, key: bytes, value: Value) -> None:
        self.expired(db, key, value)
