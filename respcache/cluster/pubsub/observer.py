"""What this node notices of the cluster, as events for those who follow it.

An event costs nothing while nobody wants it. The change of owners that follows from what happened to a member is told after it.
"""

from collections.abc import Callable, Sequence
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
    ViewChanged,
)
from ..membership.outputs import Happened, Kind
from ..ownership.table import Ownership

EVENTS: Final[dict[Kind, type[MemberEvent]]] = {
    Kind.JOINED: MemberJoined,
    Kind.ACTIVE: MemberActive,
    Kind.SUSPECTED: MemberSuspected,
    Kind.REFUTED: MemberRefuted,
    Kind.DIED: MemberDied,
    Kind.LEFT: MemberLeft,
}


class Observer:
    """Publishes on the bus of one node."""

    def __init__(self, bus: Bus, name: str, ownership: Ownership, now_ms: Callable[[], int]) -> None:
        self._bus = bus
        self._name = name
        self._ownership = ownership
        self._now_ms = now_ms
        self._moved: set[int] = set()

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
        """Tell of a change of owners, if there was one."""
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
