"""Noticing that the cluster has come apart, and that it grows together again.

Nobody can tell a node that is cut off from one that is dead, until it comes back with the same id: a process that died has
another. So a split is *supposed* when several members vanish together without a word; and it is *known* when a member returns that
had been declared dead, or when this node itself hears that the others declared it dead. From then on data grows
together, which ends when nothing is left to be offered.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from ..membership.member import State
from ..membership.outputs import Happened, Kind

TOGETHER_S: Final = 10.0
"""Deaths within this time belong together: suspicions of one cause end within one longest suspicion of each other, less
what confirmations shorten."""

SEVERAL: Final = 2
"""One death is a death, whoever returns."""

QUIET_S: Final = 5.0
"""A merge is over after so long without a return or an entry: what a node holds without serving it is offered every
two seconds, and two offers may be lost."""

MOST_RETURNED: Final = 2048  # as many as a node remembers members


class Stage(Enum):
    """What is told of a split."""

    DETECTED = "detected"
    MERGE_STARTED = "merge started"
    MERGE_FINISHED = "merge finished"


class Told(msgspec.Struct, frozen=True):
    """One thing to be told, with the figures that belong to its stage; the others are 0."""

    stage: Stage
    members: int
    """Who are there, this node included."""
    others: int = 0
    """Detected: who are not; merging: who have returned."""
    entries: int = 0
    conflicts: int = 0
    took_s: float = 0.0


class Splits:
    """See the file's docstring. ``tell`` is called in the order in which things happen."""

    def __init__(self, my_id: bytes, tell: Callable[[Told], None]) -> None:
        self._my_id = my_id
        self._tell = tell
        self._alive: set[bytes] = {my_id}
        self._deaths: deque[tuple[float, bytes]] = deque()
        self._is_split = False
        self._detected_at = float("-inf")
        self._returned: set[bytes] = set()
        self._merging_since: float | None = None
        self._last_news = 0.0
        self._entries = 0
        self._conflicts = 0

    @property
    def is_split(self) -> bool:
        """Whether a split was noticed that is not known to be over."""
        return self._is_split

    @property
    def is_merging(self) -> bool:
        return self._merging_since is not None

    def happened(self, now: float, happened: Happened) -> None:
        """Take news of a member."""
        id_, kind = happened.member.id, happened.kind
        if id_ == self._my_id:
            if kind is Kind.REFUTED and happened.was is State.DEAD:
                self._came_back(now, happened.by or b"")
        elif kind is Kind.DIED:
            self._died(now, id_)
        elif kind is Kind.LEFT:
            self._alive.discard(id_)
        else:
            self._alive.add(id_)
            if kind is Kind.JOINED and happened.was is State.DEAD:
                self._came_back(now, id_)

    def merged(self, now: float, entries: int, conflicts: int) -> None:
        """Count entries that another held and that were newer here, and those of them that contradicted an entry here."""
        if self._merging_since is None and (entries or conflicts):
            self._begin(now)
        self._entries += entries
        self._conflicts += conflicts
        self._last_news = now

    def tick(self, now: float, waiting: int = 0) -> None:
        """End a merge after which it is quiet. ``waiting``: partitions of which this node still has something to offer, or fetch."""
        while self._deaths and now - self._deaths[0][0] > TOGETHER_S:
            self._deaths.popleft()
        if waiting:
            self._last_news = max(self._last_news, now)
        if self._merging_since is not None and now - self._last_news >= QUIET_S:
            self._finish(now)

    # -- what follows from it --------------------------------------------------------

    def _died(self, now: float, id: bytes) -> None:
        self._alive.discard(id)
        self._deaths.append((now, id))
        while now - self._deaths[0][0] > TOGETHER_S:
            self._deaths.popleft()
        if len(self._deaths) > MOST_RETURNED:
            self._deaths.popleft()
        gone = {one for _, one in self._deaths} - self._alive
        # One that never heals, such as of machines that burnt, must not hide the next.
        is_new = not self._is_split or now - self._detected_at > TOGETHER_S
        if len(gone) >= SEVERAL and is_new:
            self._detect(now, len(gone))

    def _detect(self, now: float, others: int) -> None:
        self._is_split, self._detected_at = True, now
        self._tell(Told(Stage.DETECTED, len(self._alive), others))

    def _came_back(self, now: float, id: bytes) -> None:
        """Note that a member is back, or that this node is: then ``id`` names somebody who declared it dead."""
        if not self._is_split:
            self._detect(now, 1)
        if len(self._returned) < MOST_RETURNED:
            self._returned.add(id)
        self._last_news = now
        if self._merging_since is None:
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._merging_since = now
        self._tell(Told(Stage.MERGE_STARTED, len(self._alive), len(self._returned)))

    def _finish(self, now: float) -> None:
        assert self._merging_since is not None
        took_s = now - self._merging_since - QUIET_S
        told = Told(
            Stage.MERGE_FINISHED,
            len(self._alive),
            len(self._returned),
            self._entries,
            self._conflicts,
            max(0.0, took_s),
        )
        self._merging_since, self._is_split = None, False
        self._entries = self._conflicts = 0
        self._returned.clear()
        self._tell(told)
