"""What runs at this node although it was on its way to another, and what waits here for a busy key.

A command that waits here is known as a batch of one, as if it were on its way: when its partition goes to another node, what
comes later waits in a room until it is answered there. It is not run here then (``let_go``), and goes on.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

from ...commands.client import Client
from ...commands.cluster_errors import STRAYED
from ...commands.nobody import NOBODY
from ...commands.pending import Pending
from ...keyspace.slots import key_partition
from ...protocol.replies import Raw, Reply
from .batch import WATCHED, Batch, Sink, TransactionBatch, WatchBatch
from .rooms import accepted, partitions_of, take_rooms
from .runner import Runner


class Ways(Protocol):
    """The directory, as far as it is needed here."""

    my_id: bytes

    def single(self, client: Client, sink: Sink, argv: list[bytes], place: int) -> Batch: ...
    def strayed(self, number: int, batch: Batch) -> None:
        """Send a command to the new owner of its key."""

    def completed(self) -> None: ...


class Here:
    """The commands of this node's clients that run here and have no answer yet, but for most that never had to wait."""

    def __init__(self, runner: Runner, ways: Ways) -> None:
        self.lost: set[int] = set()
        """Partitions that have gone to another node since ``let_go``, perhaps with commands that wait for their keys."""
        self.answered_before: Callable[[int, int], bytes | None] = lambda number, position: None
        """Returns what another node has answered to an operation of ours, as its copies were told."""
        self._runner: Final = runner
        self._ways: Final = ways
        self._waiting: dict[Batch, None] = {}

    def run(self, number: int, batch: Batch) -> None:
        """Run what was on its way to another node; ``number`` is that of its channel."""
        if isinstance(batch, WatchBatch):
            # Whoever watches was told that the partition has moved: its EXEC runs nothing.
            self._fill(batch, WATCHED)
            return
        if batch.is_resent and (wire := self.answered_before(batch.number, batch.first)) is not None:
            self._fill(batch, wire)
            return
        self._waiting[batch] = None
        context = self._runner.context(NOBODY, batch.db, batch.protocol)
        fill = self._runner.held_back(partial(self._fill, batch))
        if isinstance(batch, TransactionBatch):
            self._runner.run_transaction(context, batch.commands, fill, is_dirty=batch.is_watching)
        else:
            self._runner.run(context, batch.commands[0], fill, partial(self._stray, number, batch))
            if batch in self._waiting and not self._runner.is_held:
                accepted(batch, self._ways.my_id)

    def run_part(self, client: Client, sink: Sink, words: list[bytes], partition: int) -> None:
        """Run a part of a client's command."""
        batch = self._ways.single(client, sink, words, partition)
        self._waiting[batch] = None
        self._runner.run_for(
            client, words, partial(self._fill, batch), partial(self._stray, client.id, batch)
        )

    def wait(
        self,
        client: Client,
        argv: Sequence[bytes],
        partition: int,
        pending: Pending,
        note: Callable[[], None],
    ) -> Pending:
        """Return the reply to a command that waits here; where it is sent on, ``note`` is called."""
        late = Late()
        batch = self._ways.single(client, late, list(argv), partition)
        self._waiting[batch] = None

        def finish(reply: Reply) -> None:
            if reply is STRAYED:
                note()
                self._stray(client.id, batch)
                return
            del self._waiting[batch]
            rooms = take_rooms(batch)
            late.pending.resolve(reply)
            for room in rooms:
                room.note_answer()
            if rooms:
                self._ways.completed()

        pending.when_done(finish)
        return late.pending

    def waiting_for(self, partitions: Collection[int]) -> Iterator[Batch]:
        """Yield what waits here and concerns any of these."""
        for batch in list(self._waiting):
            if not partitions_of(batch, 0).isdisjoint(partitions):
                yield batch

    def let_go(self) -> None:
        """Let whoever waits here for keys that are another node's wait no more."""
        if self.lost:
            lost, self.lost = self.lost, set()
            self._runner.node.owners.dismiss(lambda key: key_partition(key) in lost, STRAYED)

    def _fill(self, batch: Batch, wire: bytes) -> None:
        self._waiting.pop(batch, None)
        sink = batch.sinks[0]  # only now: rooms may have begun to wait for it
        assert sink is not None, "an answer comes once"
        sink.fill(wire)

    def _stray(self, number: int, batch: Batch) -> bool:
        """Send a command on; if it concerns several partitions, say that it cannot be: some may be ours still."""
        if len(partitions_of(batch, 0)) != 1:
            return False
        del self._waiting[batch]
        self._ways.strayed(number, batch)
        return True


class Late:
    """Where the answer arrives of a command that waits."""

    __slots__ = ("pending",)

    def __init__(self) -> None:
        self.pending = Pending()

    def fill(self, wire: bytes) -> None:
        self.pending.resolve(Raw(wire))
