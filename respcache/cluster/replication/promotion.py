"""Finding out who shall serve what nobody serves, and making it so.

The node that is first in the table for a partition asks all live members what they have of it. As long as one says that it
serves, there is nothing to do: it will hand over. Where nobody does, however often that has to be asked, it asks in
another way, and whoever answers that question has promised to obey nothing older: an old server that still lives finds nobody who confirms its writes. Then
the best holder serves in a higher epoch: the one whose copy is whole, of the newest epoch, with the latest write. It is not always
the one who asks; the partition is handed over later, once that has a copy.

Members who stay silent are passed over after half a second, but not the server that is known, as long as it is believed to
live: to be late is no reason to lose what it serves. In strict mode a majority must have answered.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from ..bus.frames import ANYWHERE, PARTITION_MASK, PLACE_BITS, BrokenFrameError, frame
from .offers import Offers
from .serving import Serving
from .versions import TAG_BITS, TAG_MASK, version_of
from .witness import Change

STATUS: Final = b"Q"
STATUS_ANSWER: Final = b"q"

SILENCE_S: Final = 0.5
"""Waited for answers: many times what a member takes that is well."""

STRANGER_S: Final = 2.0
"""Waited for members that there is no connection to: it is being made, or they are about to be found dead."""

PERIOD_S: Final = 0.29
"""Between looks at what should be served here and is not; a little less than three rare ticks (``pace.py``)."""

APPOINTED_S: Final = 1.0
"""For whom was told to serve to say that it does."""

UNSURE_S: Final = 1.0
"""Between looks whether somebody has come back who has what nobody else has."""

ACCEPTED_S: Final = 10.0
"""For so long losses are accepted once an operator has said so: several rounds of questions."""

NOTHING, PARTIAL, WHOLE, HANDS, SERVES = range(5)
"""What a member has of a partition, or that it has told another one to serve it and waits for word from there."""


Item: TypeAlias = tuple[int, int, int, int, int, int, int]


class Status(msgspec.Struct, array_like=True, gc=False):
    """What have you of these partitions? With ``is_fencing``, the answer is a promise."""

    token: int
    is_fencing: bool
    places: list[int]


class StatusAnswer(msgspec.Struct, array_like=True, gc=False):
    """What a member has of each partition: see ``_item``."""

    token: int
    items: list[Item]


class Held(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """What one member has of a partition, in the order of preference."""

    is_whole: bool
    epoch: int
    """In which it was in step."""
    latest: int
    is_asking: bool
    id: bytes
    role: int
    least: int
    """The lowest epoch that it obeys still."""
    told: int
    """The newest epoch of which a server has said that it serves in it."""

    def is_sure(self, told: int) -> bool:
        """Say whether it has everything that was ever acknowledged: it was in step in the newest epoch of all."""
        return not told or (self.is_whole and self.epoch >= told)


class Round:
    """One question to all."""

    def __init__(
        self, partitions: Iterable[int], waiting: set[bytes], now_s: float, *, is_fencing: bool
    ) -> None:
        self.partitions = list(partitions)
        self.epochs: dict[int, int] = {}
        """Those in which the partitions will be served, if everybody promises to obey nothing older (fencing)."""
        self.waiting = waiting
        self.began_s = now_s
        self.is_fencing = is_fencing
        self.answered: set[bytes] = set()
        self.held: dict[int, list[Held]] = {partition: [] for partition in self.partitions}
        self.fenced_s: float | None = None

    def wire(self, token: int) -> bytes:
        """Return the question as a frame."""
        places = [partition | self.epochs.get(partition, 0) << PLACE_BITS for partition in self.partitions]
        return frame(STATUS, Status(token, self.is_fencing, places))


class Promotion:
    """Promotions that one node takes care of."""

    def __init__(
        self,
        serving: Serving,
        offers: Offers,
    ) -> None:
        self._serving = serving
        self._epochs = serving.epochs
        self._ground = serving.ground
        self._offers = offers
        self.may_decide: Callable[[set[bytes]], bool] = lambda answered: True
        """Says whether those who have answered are enough."""
        self.is_strict = False
        """Whether a partition stays unserved while those who have all of it are not there."""
        self.unsure: set[int] = set()
        """Partitions that are unserved for that reason."""
        self._accepts_until_s = float("-inf")
        self.wait_s = 0.0
        """Between the promise of the others and the beginning: until an old server's lease has run out."""
        self._rounds: dict[int, Round] = {}
        self._busy: set[int] = set()
        self._last_token = 0
        self._next_s = 0.0
        self._not_before_s: dict[int, float] = {}
        self._unfound: dict[int, int] = {}
        """Partitions that nobody said to serve, though not all knew of the same servers, with the newest epoch that one knew of."""
        self._refused: dict[int, int] = {}
        """Partitions whose epoch somebody has not promised to obey, with the one that was."""
        self.begun = 0

    @property
    def is_busy(self) -> bool:
        return bool(self._rounds)

    # -- asking ------------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Give up waiting, and look whether something is to be served here."""
        for token, asked in list(self._rounds.items()):
            asked.waiting = {peer for peer in asked.waiting if self._is_awaited(peer, asked, now_s)}
            if not asked.waiting:
                self._finish(token, now_s)
        if now_s >= self._next_s:
            self._next_s = now_s + PERIOD_S
            self.look(now_s)

    def _is_awaited(self, peer: bytes, asked: Round, now_s: float) -> bool:
        if not self._ground.is_there(peer):
            return False
        if not self._ground.is_connected(peer):
            return now_s < asked.began_s + STRANGER_S
        return now_s < asked.began_s + SILENCE_S

    def look(self, now_s: float) -> None:
        """Ask about everything that this node should serve and nobody is known to, or that it serves in doubt."""
        self.unsure = {p for p in self.unsure if not self._epochs.server(p)}
        known = [partition for partition in self._serving.suspended if partition not in self._busy]
        gone: list[int] = []
        me, serving = self._ground.id, self._serving
        for partition in self._ground.first_here():
            if partition in serving.served or partition in self._busy:
                continue
            if self._not_before_s.get(partition, 0.0) > now_s:
                continue
            server = self._epochs.servers[partition]
            is_gone = bool(server) and server != me and not self._ground.is_there(server)
            (gone if is_gone else known).append(partition)
        if gone:
            self.ask(gone, now_s, is_fencing=True)
        if known:
            self.ask(known, now_s, is_fencing=False)

    def begin_anew(self) -> None:
        """Let no answer count that was on its way while this node stood still: who gave it may have promised more since."""
        self._rounds.clear()
        self._busy.clear()
        self._unfound.clear()

    def accept_loss(self, now_s: float) -> int:
        """Serve what is left of partitions that wait for others to come back; return how many wait."""
        self._accepts_until_s = now_s + ACCEPTED_S
        for partition in self.unsure:
            self._not_before_s.pop(partition, None)
        return len(self.unsure)

    def confirm(self, partitions: Iterable[int], now_s: float) -> None:
        """Ask whether anybody else serves what this node believes to serve itself."""
        free = [partition for partition in partitions if partition not in self._busy]
        if free:
            self.ask(free, now_s, is_fencing=False)

    def ask(self, partitions: list[int], now_s: float, *, is_fencing: bool) -> None:
        """Begin a round."""
        others = list(self._ground.others_there())
        self._last_token += 1
        asked = self._rounds[self._last_token] = Round(partitions, set(others), now_s, is_fencing=is_fencing)
        self._busy.update(partitions)
        self.begun += 1
        if is_fencing:
            for partition in partitions:
                epoch = self._epochs.next(partition, self._refused.pop(partition, 0))
                self._epochs.promise(partition, epoch)
                asked.epochs[partition] = epoch
        wire = asked.wire(self._last_token)
        for peer in others:
            self._ground.send_to(peer, wire)
        if not others:
            self._finish(self._last_token, now_s)

    def connected(self, peer: bytes) -> None:
        """Ask a node that can be asked only now."""
        for token, asked in self._rounds.items():
            if peer in asked.waiting:
                self._ground.send_to(peer, asked.wire(token))

    # -- answering -----------------------------------------------------------------------------

    def answer(self, asked: Status) -> bytes:
        """Return the frame that says what is here. Raises BrokenFrameError."""
        items = []
        for place in asked.places:
            partition, epoch = place & PARTITION_MASK, place >> PLACE_BITS
            if partition >= ANYWHERE:
                raise BrokenFrameError(f"no partition {partition}")
            item = self._item(partition)
            if asked.is_fencing and self._epochs.promise(partition, epoch):
                if partition in self._serving.served:
                    self._serving.stop(partition, is_handed=False)
                    self._epochs.servers[partition] = b""
                self._serving.note_recent(partition)
            items.append(item)
        return frame(STATUS_ANSWER, StatusAnswer(asked.token, items))

    def _item(self, partition: int) -> Item:
        """Return what is told: partition, lowest epoch obeyed, role, its epoch, its latest clock and tag, newest server's epoch."""
        role, copied, latest = self._role(partition)
        epochs = self._epochs
        clock, tag = latest >> TAG_BITS, latest & TAG_MASK
        return partition, epochs.least(partition), role, copied, clock, tag, epochs.told[partition]

    def _role(self, partition: int) -> tuple[int, int, int]:
        """Return what is here, of which epoch, and its latest version."""
        serving = self._serving
        part = serving.recorder.parts[partition]
        latest = part.latest
        if partition in serving.served:
            return SERVES, self._epochs.epochs[partition], latest
        if partition in serving.whole:
            return HANDS if partition in serving.handed else WHOLE, serving.whole[partition], latest
        return (PARTIAL if part.tables and len(part) else NOTHING), 0, latest

    def answered(self, peer: bytes, answer: StatusAnswer, now_s: float) -> None:
        """Take what a member says."""
        asked = self._rounds.get(answer.token)
        if asked is None or peer not in asked.waiting:
            return
        asked.waiting.discard(peer)
        asked.answered.add(peer)
        for partition, least, role, copied, clock, tag, told in answer.items:
            held = asked.held.get(partition)
            if held is not None:
                latest = version_of(clock, tag)
                held.append(Held(role >= WHOLE, copied, latest, False, peer, role, least, told))
        if not asked.waiting:
            self._finish(answer.token, now_s)

    # -- deciding --------------------------------------------------------------------------------

    def _finish(self, token: int, now_s: float) -> None:
        asked = self._rounds[token]
        if asked.is_fencing and not self._may_begin(asked, now_s):
            return
        del self._rounds[token]
        self._busy.difference_update(asked.partitions)
        unserved: dict[bool, list[int]] = {True: [], False: []}
        there = {peer for peer in asked.answered if self._ground.is_there(peer)}
        for partition in asked.partitions:
            if asked.is_fencing:
                self._decide(partition, asked, there, now_s)
            elif not (self._is_served(partition, asked.held[partition]) or self._is_silent(partition, asked)):
                unserved[self._is_settled(partition, asked.held[partition])].append(partition)
            else:
                self._unfound.pop(partition, None)
        for is_settled, partitions in unserved.items():
            if partitions:
                self.ask(partitions, now_s, is_fencing=is_settled)
        self._serving.flush()  # once: it looks at the whole table of owners

    def _is_silent(self, partition: int, asked: Round) -> bool:
        """Say whether a partition's server lives and has not answered: then it serves still, or will be found dead."""
        server = self._epochs.server(partition)
        return server not in asked.answered and server not in (b"", self._ground.id)

    def _is_settled(self, partition: int, held: list[Held]) -> bool:
        """Say whether it can be believed that nobody serves a partition, or everybody must be asked once more.

        Members answer at different times. One that is about to serve says that it does not yet; who has told it to may
        have had word that it does before he answers, and so says that he waits for nobody. But he knows of an epoch then
        that the other had not heard of. Where the newest that anybody knows of is the same twice, no server has come in between.
        """
        known = {self._epochs.least(partition), *[one.least for one in held]}
        newest = max(known)
        if len(known) == 1 or self._unfound.get(partition) == newest:
            self._unfound.pop(partition, None)
            return True
        self._unfound[partition] = newest
        return False

    def _may_begin(self, asked: Round, now_s: float) -> bool:
        """Say whether enough have promised, and long enough ago."""
        if not self.may_decide(asked.answered | {self._ground.id}):
            if now_s > asked.began_s + STRANGER_S:
                self._forget(asked)
            return False
        if asked.fenced_s is None:
            asked.fenced_s = now_s
        return now_s >= asked.fenced_s + self.wait_s

    def _forget(self, asked: Round) -> None:
        self._busy.difference_update(asked.partitions)
        self._rounds = {token: other for token, other in self._rounds.items() if other is not asked}

    def _is_served(self, partition: int, held: list[Held]) -> bool:
        """Take over who serves, if anybody says so; what we serve ourselves goes on if nobody knows better."""
        serving = self._serving
        for one in held:
            if one.role == SERVES:
                serving.hear(partition, one.epoch, one.id)
        if partition in serving.served:
            newest = max((one.least for one in held), default=0)
            if newest <= self._epochs.epochs[partition]:
                if partition in serving.suspended and not serving.must_renew(partition):
                    serving.resume(partition)
                    return True
                return partition not in serving.suspended
            return False
        return partition in serving.handed or any(one.role >= HANDS for one in held)

    def _decide(self, partition: int, asked: Round, there: set[bytes], now_s: float) -> None:
        """Serve a partition, or let the best holder of those who are there serve it."""
        serving, me, epoch = self._serving, self._ground.id, asked.epochs[partition]
        role, copied, latest = self._role(partition)
        if role == SERVES and partition not in serving.suspended:
            return
        if self._epochs.promised[partition] != epoch or self._epochs.epochs[partition] >= epoch:
            return  # this node has promised more to somebody else meanwhile, or has heard of a newer server
        held = asked.held[partition]
        if len(there) < len(asked.answered):
            held = [one for one in held if one.id in there]
        is_refused = any(one.least >= epoch for one in held)
        if is_refused or not self.may_decide({me, *[one.id for one in held]}):
            self._refused[partition] = max((one.least for one in held), default=0)
            return  # somebody else has asked, too: the next time with a higher epoch
        least, told = self._epochs.least(partition), self._epochs.told[partition]
        held.append(Held(role >= WHOLE, copied, latest, True, me, role, least, told))
        best = max(held)
        is_sure = best.is_sure(max([one.told for one in held])) or now_s < self._accepts_until_s
        if self.is_strict and not is_sure:
            self._not_before_s[partition] = now_s + UNSURE_S
            self.unsure.add(partition)
            return
        self.unsure.discard(partition)
        holders = [one.id for one in held if one.role != NOTHING and one.id != best.id]
        if best.id == me:
            self._serve(partition, epoch, role, holders)
        else:
            if partition in serving.served:
                serving.stop(partition, is_handed=False)
            serving.hand(partition, epoch, best.id, holders)
            self._not_before_s[partition] = now_s + APPOINTED_S

    def _serve(self, partition: int, epoch: int, role: int, holders: list[bytes]) -> None:
        serving = self._serving
        had_server = bool(self._epochs.epochs[partition])
        if partition in serving.served:
            serving.renew(partition, epoch)
            return
        serving.serve(partition, epoch, holders)
        self._offers.merge_own(partition)
        if had_server:
            whole = role >= WHOLE or (role == NOTHING and not holders)
            serving.witness.saw(
                Change.PROMOTED if whole and role else Change.LOST, partition, self._ground.id
            )
            serving.on_inherited(partition)
