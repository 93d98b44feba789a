"""What this node notices of the cluster, as events for those who follow it.

An event costs nothing while nobody wants it. The change of owners that follows from what happened to a member is told after it.
What happens to partitions happens to hundreds at once, so it waits for ``flush``, and those that went alike are one event.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final

from ...events.bus import Bus
from ...events.vocabulary import (
    MemberActive,
    MemberDied,
    MemberEvent,
    MemberJoined,
    MemberLeft,
    MemberRefuted,
    MemberSuspected,
    MergeFinished,
    MergeStarted,
    PartitionDegraded,
    PartitionEvent,
    PartitionLost,
    PartitionMoved,
    PartitionPromoted,
    PartitionRestored,
    SplitDetected,
    ViewChanged,
)
from ..membership.outputs import Happened, Kind
from ..modes.splits import Stage, Told
from ..ownership.table import Ownership

EVENTS: Final[dict[Kind, type[MemberEvent]]] = {
    Kind.JOINED: MemberJoined,
    Kind.ACTIVE: MemberActive,
    Kind.SUSPECTED: MemberSuspected,
    Kind.REFUTED: MemberRefuted,
    Kind.DIED: MemberDied,
    Kind.LEFT: MemberLeft,
}

PARTITION_EVENTS: Final[dict[str, type[PartitionEvent]]] = {
    "moved": PartitionMoved,
    "promoted": PartitionPromoted,
    "degraded": PartitionDegraded,
    "restored": PartitionRestored,
    "lost": PartitionLost,
}


class Observer:
    """Publishes on the bus of one node."""

    def __init__(self, bus: Bus, name: str, ownership: Ownership, now_ms: Callable[[], int]) -> None:
        self._bus = bus
        self._name = name
        self._ownership = ownership
        self._now_ms = now_ms
        self._moved: set[int] = set()
        self._partitions: dict[tuple[str, bytes], set[int]] = {}
        """What happened to which, by kind and peer; in the order of the first of each. Bounded by being flushed every tick."""

    def partition(self, kind: str, partition: int, peer_id: bytes = b"") -> None:
        """Note what happened to a partition (see ``PARTITION_EVENTS``), and with which node; told by ``flush``."""
        if self._bus.wants(PARTITION_EVENTS[kind]):
            self._partitions.setdefault((kind, peer_id), set()).add(partition)

    def split(self, told: Told) -> None:
        """Tell of a split or of its end, after what happened to partitions before."""
        self.flush()
        begin = self._now_ms(), self._name, told.members
        event: SplitDetected | MergeStarted | MergeFinished
        match told.stage:
            case Stage.DETECTED:
                event = SplitDetected(*begin, told.others)
            case Stage.MERGE_STARTED:
                event = MergeStarted(*begin, told.others)
            case Stage.MERGE_FINISHED:
                event = MergeFinished(*begin, told.entries, told.conflicts, round(told.took_s * 1000))
        if self._bus.wants(type(event)):
            self._bus.publish(event)

    def view_changed(self, partitions: Sequence[int]) -> None:
        """Note which partitions have other owners; told by ``flush``."""
        self._moved.update(partitions)

    def happened(self, happened: Happened) -> None:
        """Tell what happened to a member, and then what follows from it."""
        event = EVENTS.get(happened.kind)
        if event is not None and self._bus.wants(event):
            member = happened.member
            host, port = member.address
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            by = "" if happened.by is None else happened.by.hex()
            self._bus.publish(
                event(self._now_ms(), self._name, member.meta.name, member.id.hex(), address, by)
            )
        self.flush()

    def flush(self) -> None:
        """Tell of a change of owners, if there was one, and of what happened to partitions."""
        self._tell_view()
        if self._partitions:
            told, self._partitions = self._partitions, {}
            for (kind, peer_id), partitions in told.items():
                event = PARTITION_EVENTS[kind]
                self._bus.publish(
                    event(self._now_ms(), self._name, peer_id.hex(), ranges_of(partitions), len(partitions))
                )

    def _tell_view(self) -> None:
        moved, self._moved = len(self._moved), set()
        if moved and self._bus.wants(ViewChanged):
            ownership = self._ownership
            members = {owners[0] for owners in ownership.owners if owners}
            self._bus.publish(
                ViewChanged(
                    self._now_ms(),
                    self._name,
                    ownership.version,
                    ownership.digest.hex(),
                    len(members),
                    moved,
                )
            )


def ranges_of(partitions: Iterable[int]) -> str:
    """Return partitions as text: ``0-5,7``."""
    ordered = sorted(partitions)
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0])
    ]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
