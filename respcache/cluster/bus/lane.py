"""The dialling end of a connection between nodes: sends a channel's commands, brings the replies back."""

from collections.abc import Callable
from typing import Final, Protocol

from ...keyspace.clock import Clock
from ..security.links import Link
from .channel import Channel
from .connection import BusConnection, Told
from .frames import (
    ANSWER,
    REFUSAL,
    WORKING,
    Answer,
    Decoders,
    Refusal,
    Working,
)
from .rooms import accepted

DECODERS: Final = Decoders({ANSWER: Answer, REFUSAL: Refusal, WORKING: Working})

KINDS: Final = ANSWER + REFUSAL + WORKING


class LaneKeeper(Protocol):
    """Whom a lane tells what has happened on it."""

    def lane_opened(self, lane: "Lane") -> None: ...
    def lane_closed(self, lane: "Lane") -> None: ...
    def refused(self, lane: "Lane", refusal: Refusal) -> None:
        """One command was not run by the node that we took for the owner."""

    def completed(self) -> None:
        """There were replies."""

    def lane_frame(self, lane: "Lane", data: bytes) -> None:
        """There is something else than a reply. Raises BrokenFrameError."""


class Lane(BusConnection):
    """Carries one channel while it lasts."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        wake: Callable[[], None],
        address: str,
        *,
        channel: Channel,
        keeper: LaneKeeper,
        index: int,
    ) -> None:
        super().__init__(link, clock, wake, address)
        self.channel = channel
        self.index = index
        self._keeper = keeper
        self.on_closed = self._closed

    def established(self) -> None:
        self.channel.wake = self.stir
        self._keeper.lane_opened(self)

    def carry(self, told: Told) -> None:
        """Carry this, too, in front of commands."""
        self.told = told
        told.connect(self.stir_told)

    def take(self, frame: bytes) -> None:
        if frame[:1] not in KINDS or not frame:
            self._keeper.lane_frame(self, frame)
            return
        body = DECODERS.decode(frame)
        if body.__class__ is Answer:
            assert isinstance(body, Answer)
            self.channel.answer(body.batch, body.first, body.wires)
            self._keeper.completed()
        elif isinstance(body, Refusal):
            self.channel.refusals += 1
            self._keeper.refused(self, body)
        elif isinstance(body, Working):
            batch = self.channel.find(body.batch, body.position)
            if batch is not None:
                batch.working.add(body.position)
                accepted(batch, self.peer_id)
                self._keeper.completed()

    @property
    def has_frames(self) -> bool:
        return (
            bool(self._frames) or self.channel.has_unsent or (self.told is not None and self.told.has_frames)
        )

    def take_frames(self) -> list[bytes]:
        self.is_awaited = self.channel.count == 1  # a client that is alone
        told = [] if self.told is None else self.told.take_frames()
        return super().take_frames() + told + self.channel.take_frames()

    def _closed(self) -> None:
        if self.was_established:
            self.channel.disconnect()
        self._keeper.lane_closed(self)
