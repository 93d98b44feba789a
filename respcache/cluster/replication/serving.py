"""Which partitions this node serves, who follows each of them, and how serving begins and ends.

A *follower* is told every change. It begins by being asked whether it has the same (``CHECKING``); if not it waits for
a full copy, gets one, and is asked again. Once it is in step, writes wait for its acknowledgement, unless
it lags. What a follower is told, and whom a write waits for, are tables by partition (``recorder.routes``, ``holds.required``)
that are kept true here.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Final

from ..bus.frames import PLACE_BITS
from . import records
from .epochs import Epochs
from .ground import Ground
from .holdings import Holdings
from .holds import Holds
from .stream import Stream
from .versions import TAG_BITS, TAG_MASK
from .witness import Change, Witness


class Following(Enum):
    """How far a follower is."""

    CHECKING = "checking"
    """It was asked whether it has the same."""
    WAITING = "waiting"
    """For a full copy; it is told nothing until then."""
    COPYING = "copying"
    IN_STEP = "in step"


DOUBTFUL_S: Final = 2.0
"""After a standstill: what other nodes had on their way is read by then; it is 8 MiB at most from each."""

MOST_TUPLES: Final = 4096
"""Of those that are shared: the pairs of a cluster of sixty."""


class Served:
    """One partition that this node serves."""

    __slots__ = ("asked", "followers", "trusted", "was_degraded")

    def __init__(self) -> None:
        self.followers: dict[bytes, Following] = {}
        self.asked: dict[bytes, int] = {}
        """The last question to each of them. Only its answer counts: an older one may tell of a copy that was let go since."""
        self.trusted: set[bytes] = set()
        """Those who were in step with the last server, or in the last epoch: writes wait for them while they are asked."""
        self.was_degraded = False
        """Whether it was told that copies are missing."""


class Serving:
    """The partitions of one node."""

    def __init__(
        self,
        ground: Ground,
        epochs: Epochs,
        holdings: Holdings,
        holds: Holds,
        witness: Witness,
    ) -> None:
        self.ground = ground
        self.epochs = epochs
        self.holdings = holdings
        self.recorder = holdings.recorder
        self.holds = holds
        self.witness = witness
        self.on_inherited: Callable[[int], None] = lambda partition: None
        """Called when this node serves a partition whose last server has not given it away."""
        self.served: dict[int, Served] = {}
        self.handed: dict[int, bytes] = {}
        """Partitions that another node was told to serve and has not said that it does: nobody needs to look for a server."""
        self.suspended: set[int] = set()
        """Of these, those that must be confirmed before anything is run: this node was stopped, or taken for dead."""
        self._doubtful_until_s = 0.0
        """Until then, what is told to be served may have been told before this node stood still."""
        self._disowned: set[int] = set()
        """Of those, the ones that must be served in a new epoch: others believed that this node was dead."""
        self.whole: dict[int, int] = {}
        """Partitions of which the copy here was in step with its server, with the last epoch in which it was."""
        self.followed: dict[int, int] = {}
        """Partitions whose server knows of the copy here, with the epoch in which it has last said so."""
        self.set_aside: set[int] = set()
        """Partitions that were served here and were taken away unheard: what lies here may be missing elsewhere."""
        self.dirty: set[int] = set()
        """Partitions whose followers must be looked at, or that may be handed over; others as well."""
        self._questions = 0
        self._tuples: dict[tuple[Stream, ...], tuple[Stream, ...]] = {}
        self._recent: dict[int, float] = {}
        self._news: set[int] = set()
        self._moved: set[int] = set()

    # -- beginning and ending ---------------------------------------------------------

    def serve(self, partition: int, epoch: int, holders: Iterable[bytes]) -> None:
        """Begin to serve; the holders may have the same data."""
        self._enter(partition, epoch)
        self.holdings.adopt(partition)
        self.whole.pop(partition, None)
        self.set_aside.discard(partition)
        served = self.served[partition] = Served()
        for holder in holders:
            if holder != self.ground.id and self.ground.is_there(holder):
                served.trusted.add(holder)
                self.check(partition, served, holder)
        self._note(partition)
        self._news.add(partition)

    def outdate(self, peer: bytes) -> None:
        """See that a follower that is not waited for any more cannot pass for one that has everything.

        Everybody hears of a new epoch before anything is acknowledged without it.
        """
        for partition, served in self.served.items():
            if served.followers.get(peer) is Following.IN_STEP:
                self._enter(partition, self.epochs.least(partition) + 1)
                for other, following in served.followers.items():
                    if other != peer and following is Following.IN_STEP:
                        self.ask(partition, other)
                self._news.add(partition)

    def _enter(self, partition: int, epoch: int) -> None:
        self.handed.pop(partition, None)
        self.epochs.epochs[partition] = self.epochs.told[partition] = epoch
        self.epochs.servers[partition] = self.ground.id
        self.recorder.places[partition] = partition | epoch << PLACE_BITS

    def renew(self, partition: int, epoch: int) -> None:
        """Go on serving in a higher epoch."""
        self._enter(partition, epoch)
        self.suspended.discard(partition)
        self._disowned.discard(partition)
        served = self.served[partition]
        for holder, following in list(served.followers.items()):
            if following is Following.IN_STEP:
                served.trusted.add(holder)
            self.check(partition, served, holder)
        self._note(partition)
        self._news.add(partition)

    def stop(self, partition: int, *, is_handed: bool) -> None:
        """Serve no more; what is here stays as a copy. Not handed over: others may lack some of it."""
        del self.served[partition]
        self.suspended.discard(partition)
        self._disowned.discard(partition)
        self.recorder.routes[partition] = ()
        self.holds.required[partition] = ()
        self.holdings.release(partition)
        self.whole[partition] = self.recorder.places[partition] >> PLACE_BITS
        if not is_handed:
            self.set_aside.add(partition)
            self.holds.fail(partition)
        self._note(partition)

    def must_renew(self, partition: int) -> bool:
        """Say whether others may have been told not to obey this node in its epoch."""
        return partition in self._disowned

    def suspend(self, *, was_dead: bool) -> list[int]:
        """Run nothing until it is confirmed that this node serves still; return what it serves."""
        self._doubtful_until_s = self.ground.now_s() + DOUBTFUL_S
        self.suspended = set(self.served)
        if was_dead:
            self._disowned |= self.suspended
        for partition in self.suspended:
            self._note(partition)
        return list(self.served)

    def take_over(self, partition: int, epoch: int, holders: Iterable[bytes]) -> None:
        """Begin to serve because another node says so; where that may be old news, it must be confirmed first."""
        if partition in self.served:
            self.renew(partition, epoch)
        else:
            self.serve(partition, epoch, holders)
        if self.ground.now_s() < self._doubtful_until_s:
            self.suspended.add(partition)

    def resume(self, partition: int) -> None:
        """Go on as before."""
        if partition in self.suspended:
            self.suspended.discard(partition)
            self._note(partition)

    def hear(self, partition: int, epoch: int, server: bytes, *, is_told_to: bool = False) -> bool:
        """Take note of who serves a partition, or is told to; False where that is out of date."""
        epochs = self.epochs
        if epochs.is_current(partition, epoch, server) and (is_told_to or epochs.told[partition] == epoch):
            return True
        if not (epochs.hear if is_told_to else epochs.hear_itself)(partition, epoch, server):
            return False
        self.note_recent(partition)
        if not is_told_to:
            self.handed.pop(partition, None)
        if partition in self.served and server != self.ground.id:
            self.stop(partition, is_handed=False)
        self._note(partition)
        return True

    def note_recent(self, partition: int) -> None:
        """Note that a partition has another server, or was promised to one."""
        self._recent[partition] = self.ground.now_s()

    def recent(self, since_s: float) -> list[tuple[int, int]]:
        """Return the partitions of which that was noted since then, with the least epoch that is obeyed here."""
        return [(p, self.epochs.least(p)) for p, noted_s in self._recent.items() if noted_s >= since_s]

    def hand(self, partition: int, epoch: int, peer: bytes, holders: list[bytes]) -> None:
        """Tell another node to serve from now on; the holders may have the same data."""
        self.hear(partition, epoch, peer, is_told_to=True)
        self.handed[partition] = peer
        self.ground.stream(peer).add((records.HAND, partition | epoch << PLACE_BITS, holders))

    def took(self, partition: int, peer: bytes) -> None:
        """Take note that a node does what it was told."""
        if self.handed.get(partition) == peer:
            del self.handed[partition]

    def denied(self, partition: int, peer: bytes) -> None:
        """Take note that a node does not serve what we believed it did."""
        self.took(partition, peer)
        if self.epochs.servers[partition] == peer:
            self.epochs.servers[partition] = b""
            self._note(partition)

    def refused(self, partition: int, epoch: int) -> None:
        """Somebody knows better than that this node, or another, serves in its epoch."""
        if epoch < self.epochs.epochs[partition]:
            return
        if partition in self.served:
            self.stop(partition, is_handed=False)
        self.epochs.refused(partition, epoch)
        if self.epochs.servers[partition] == self.ground.id:
            self.epochs.servers[partition] = b""
        self._note(partition)

    # -- followers -----------------------------------------------------------------------

    def check(self, partition: int, served: Served, peer: bytes) -> None:
        """Ask a follower whether it has the same; from now on it is told what changes."""
        self._set(partition, served, peer, Following.CHECKING)
        self.ask(partition, peer)

    def recheck(self, peer: bytes) -> None:
        """Ask a node that has connected anew what it has: its last answers may have been lost with the connection."""
        for partition, served in self.served.items():
            if served.followers.get(peer) in {Following.CHECKING, Following.IN_STEP}:
                self.ask(partition, peer)
        self.dirty.update(self.served)

    def ask(self, partition: int, peer: bytes) -> None:
        """Ask a node whether it has the same of a partition as this one at this point of the stream."""
        self._ask(records.CHECK, partition, peer)

    def end_copy(self, partition: int, peer: bytes) -> None:
        """Tell a node that it has a full copy, if it has."""
        self._ask(records.END, partition, peer)
        self.set_following(partition, peer, Following.CHECKING)

    def _ask(self, kind: int, partition: int, peer: bytes) -> None:
        count, digest, latest = self.holdings.summary(partition)
        self._questions += 1
        self.served[partition].asked[peer] = self._questions
        place = self.recorder.places[partition]
        version = latest >> TAG_BITS, latest & TAG_MASK
        self.ground.stream(peer).add((kind, place, count, digest, self._questions, *version))

    def in_step(self, partition: int, peer: bytes, question: int) -> None:
        """Take note of an answer: a follower has the same."""
        served = self.served.get(partition)
        if served is None or served.asked.get(peer) != question:
            return
        if served.followers.get(peer) is Following.CHECKING:
            self._set(partition, served, peer, Following.IN_STEP)

    def set_following(self, partition: int, peer: bytes, following: Following | None) -> None:
        """Note how far a follower is; None: it follows no more."""
        served = self.served.get(partition)
        if served is not None:
            self._set(partition, served, peer, following)

    def _set(self, partition: int, served: Served, peer: bytes, following: Following | None) -> None:
        if following is None:
            served.followers.pop(peer, None)
            served.asked.pop(peer, None)
        else:
            served.followers[peer] = following
        if following is not Following.CHECKING:
            served.trusted.discard(peer)
        self.dirty.add(partition)
        self.aim_records(partition, served)

    def aim_records(self, partition: int, served: Served) -> None:
        """Set who is told of changes, and whom writes wait for."""
        ground = self.ground
        told: list[Stream] = []
        waited_for: list[Stream] = []
        # Between a change of server and the first answer nobody is known to be in step; a server that is killed then
        # must not have acknowledged what it alone has.
        for peer, following in served.followers.items():
            stream = ground.stream(peer)
            if following is not Following.WAITING:
                told.append(stream)
            if (following is Following.IN_STEP or peer in served.trusted) and not stream.is_lagging:
                waited_for.append(stream)
        self.recorder.routes[partition] = self._shared(told)
        self.holds.required[partition] = self._shared(waited_for)

    def _shared(self, streams: list[Stream]) -> tuple[Stream, ...]:
        """Return one and the same tuple for the same streams: replies that wait for them then wait together."""
        found = tuple(streams)
        if len(self._tuples) > MOST_TUPLES:
            self._tuples.clear()  # of nodes that have come and gone
        return self._tuples.setdefault(found, found)

    def lag_changed(self, peer: bytes) -> None:
        """Wait for a follower no more that does not answer any more, or wait for it again."""
        for partition, served in self.served.items():
            if peer in served.followers:
                self.aim_records(partition, served)
                self.dirty.add(partition)

    def lose(self, peer: bytes) -> None:
        """Let a node follow nothing: what was on its way to it is lost, or it is gone."""
        self.handed = {p: receiver for p, receiver in self.handed.items() if receiver != peer}
        for partition, served in self.served.items():
            if peer in served.followers:
                self._set(partition, served, peer, None)

    def is_following(self, partition: int) -> bool:
        """Say whether the server of a partition knows of the copy here."""
        return self.followed.get(partition) == self.epochs.epochs[partition]

    def forget_following(self, server: bytes) -> None:
        """Take note that a server begins anew with this node: it asks about every copy here that it knows of."""
        servers = self.epochs.servers
        self.followed = {p: epoch for p, epoch in self.followed.items() if servers[p] != server}

    # -- telling --------------------------------------------------------------------------

    def _note(self, partition: int) -> None:
        self._moved.add(partition)
        self.dirty.add(partition)

    def flush(self) -> None:
        """Let commands go where they are served now, and tell everybody what is served here."""
        if self._moved:
            moved, self._moved = self._moved, set()
            self.ground.aim(moved)
        if self._news:
            news, self._news = self._news, set()
            places = [self.recorder.places[partition] for partition in news if partition in self.served]
            for peer in self.ground.others_there():
                self.ground.stream(peer).add((records.SERVED, 0, places, False))

    def introduce(self, peer: bytes) -> None:
        """Tell a node that has just connected what is served here; what it follows it is asked about behind that."""
        places = [self.recorder.places[partition] for partition in self.served]
        self.ground.stream(peer).add((records.SERVED, 0, places, True))

    # -- how it stands ---------------------------------------------------------------------

    def wanted(self, partition: int) -> Sequence[bytes]:
        """Return the nodes beside this one that shall hold a copy."""
        table, me = self.ground.table(partition), self.ground.id
        return table[1:] if table and table[0] == me else [one for one in table if one != me]

    def is_complete(self, partition: int, served: Served) -> bool:
        """Say whether everybody who shall hold a copy is in step."""
        for peer in self.wanted(partition):
            if served.followers.get(peer) is not Following.IN_STEP or self.ground.stream(peer).is_lagging:
                return False
        return True

    def is_safe(self, partition: int) -> bool:
        """Say whether a partition is where it shall be, with all its copies, and nothing of it moves."""
        served = self.served.get(partition)
        table = self.ground.table(partition)
        return (
            served is not None
            and partition not in self.suspended
            and list(table[:1]) == [self.ground.id]
            and len(served.followers) == len(table) - 1
            and self.is_complete(partition, served)
        )

    def note_degraded(self, partition: int, served: Served) -> None:
        """Tell once that copies are missing, and once that they are there again."""
        is_degraded = not self.is_complete(partition, served)
        if is_degraded != served.was_degraded:
            served.was_degraded = is_degraded
            change = Change.DEGRADED if is_degraded else Change.RESTORED
            self.witness.saw(change, partition, self.ground.id)
