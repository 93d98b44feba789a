"""One end of a TCP connection between nodes, as the reactor drives it: bytes in, bytes out.

The reactor asks of it what it asks of a client's session; most answers are constant here.
What comes are frames, and ``take`` says what they mean: a lane's dialling end (``lane.py``)
or its accepting end (``inlet.py``).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from ..._speedups import BusState, FrameTaker
from ...commands.client import Client, Ending
from ...commands.nobody import NOBODY
from ...keyspace.clock import Clock
from ..security.links import Link
from .frames import BrokenFrameError
from .outbox import Outbox

PENDING_OUTPUT: Final = [b"."]
"""Stands for output that is made only when it is taken: frames of one turn leave together."""

RECEIVE_BYTES: Final = 1 << 18
"""One read: lanes carry the commands of many clients."""


class _NodeClient(Client):
    """Another node is no client: no operator's limit for clients may cut it off."""

    @property
    def output_class(self) -> str:
        return "node"


class _Clocked:
    """What the reactor looks at of a session's context."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock


class Told(Protocol):
    """What is told to the other node beside commands: see ``replication/stream.py``."""

    @property
    def has_frames(self) -> bool: ...
    def take_frames(self) -> list[bytes]: ...
    def connect(self, stir: Callable[[], None]) -> None: ...


class BusConnection(BusState, ABC):
    """The common half of both ends."""

    def __init__(self, link: Link, clock: Clock, wake: Callable[[], None], address: str) -> None:
        self.link = link
        self._wake = wake
        self.client: Client = _NodeClient(0, NOBODY, address, "", clock.now_ms)
        self.client.is_blocked = True  # no idle limit
        self.context = _Clocked(clock)
        self.parser = self
        self.wanted_bytes = RECEIVE_BYTES
        self.backlog: Sequence[object] = ()
        self.has_unread = False
        self.is_held = False
        self.unsent_bytes = 0
        self.received_bytes = 0
        self.sent_bytes = 0
        self.over_soft_limit_since_ms: int | None = None
        self.out: list[bytes] = []
        self.on_closed: Callable[[], None] = lambda: None
        self.on_ended: Callable[[], None] = lambda: None
        self.taker: FrameTaker | None = None
        """What takes the usual frames, where nothing is sealed; set as soon as it is known who is there."""
        self.is_quick = False
        self.is_telling = False
        """Whether all that is to be sent is what ``told`` has to tell."""
        self.told: Told | None = None
        self.outbox: Outbox | None = None
        """What is told and not answered; it leaves in front of everything else."""
        self._frames: list[bytes] = []
        self._is_receiving = False
        self.is_awaited = False
        self.was_established = False

    # -- the reactor's side ----------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take what has arrived; a peer that breaks the rules is let go."""
        self.received_bytes += len(data)
        self._is_receiving = True
        if self.is_quick:
            data = self._take_quickly(data)
        try:
            frames = self.link.feed(data)
            if not self.was_established and self.link.is_established:
                self.was_established = True
                self.established()
            for frame in frames:
                self.take(frame)
        except BrokenFrameError as error:
            self.link.error = self.link.error or str(error)
        self._is_receiving = False
        self.is_quick = self.taker is not None and self.link.is_between_frames
        has_news = self.outbox is not None and self.outbox.has_news
        if self.link.has_output or (self.was_established and (self.has_frames or has_news)):
            self.out, self.is_telling = PENDING_OUTPUT, False
        if self.link.error is not None and self.client.ending is None:
            self.client.ending = Ending.AFTER_REPLIES

    def _take_quickly(self, data: bytes) -> bytes:
        assert self.taker is not None
        rest = self.taker.take(data)
        for answer in self.taker.answers:
            self.send(answer)
        self.taker.answers.clear()
        return rest

    def take_output(self) -> list[bytes]:
        """Hand over everything that is to be sent now."""
        if self.was_established:
            frames = self.take_frames()
            if self.outbox is not None and self.outbox.has_news:
                frames = self.outbox.take_frames() + frames
            if frames:
                self.link.send(frames)
        self.out, self.is_telling = [], False
        return [self.link.take_output()]

    def resume(self) -> None:
        """Do nothing: what has come was acted on, and neither end keeps anything back."""

    def close(self) -> None:
        """Be told that the connection is gone."""
        self.client.ending = Ending.AT_ONCE
        self.on_closed()
        self.on_ended()

    def hang_up(self) -> None:
        """End the connection, if it has not ended."""
        if self.client.ending is None:
            self.client.ending = Ending.AT_ONCE
            self._wake()

    @property
    def peer_id(self) -> bytes:
        """Who is at the other end; known once this is established."""
        assert self.link.peer_id is not None
        return self.link.peer_id

    @property
    def has_output(self) -> bool:
        return bool(self.out)

    @property
    def is_hungry(self) -> bool:
        return False

    @property
    def wants_input(self) -> bool:
        return not self.is_held and self.client.ending is None

    @property
    def is_drained(self) -> bool:
        """Clients are drained, not nodes: a shutdown does not wait for lanes."""
        return True

    @property
    def output_bytes(self) -> int:
        return self.unsent_bytes

    # -- for those who send ------------------------------------------------------

    def send(self, frame: bytes) -> None:
        """Send a frame with the others of this turn."""
        self._frames.append(frame)
        self.stir()

    def stir(self) -> None:
        """Let what waits be sent at the end of the turn."""
        self.is_telling = False
        if self.was_established and not self.out:
            self.out = PENDING_OUTPUT
            if not self._is_receiving:
                self._wake()

    def stir_told(self) -> None:
        """Do the same for what ``told`` has to tell, and nobody else."""
        is_telling = self.is_telling or not self.out
        self.stir()
        self.is_telling = is_telling

    def start(self) -> None:
        """Say the first words, if they are ours to say."""
        self.link.start()
        if self.link.has_output:
            self.out = PENDING_OUTPUT
            self._wake()

    # -- what the two ends do in their own ways ------------------------------------

    @abstractmethod
    def established(self) -> None:
        """Begin: the peer is who it says."""

    @abstractmethod
    def take(self, frame: bytes) -> None:
        """Act on one frame. Raises BrokenFrameError."""

    @property
    def has_frames(self) -> bool:
        return bool(self._frames)

    def take_frames(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        return frames
