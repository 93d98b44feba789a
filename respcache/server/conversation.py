"""What the reactor asks of whoever is behind a socket: a client's session, or a connection between nodes.

Methods and attributes mean what they mean in ``session.py``, where each is explained.
"""

import socket
from collections.abc import Callable, Sized
from typing import Final, Protocol, TypeAlias

from .._speedups import ConnectionState
from ..commands.client import Client
from ..keyspace.clock import Clock
from .pollers import READABLE

RECEIVE_BYTES: Final = 64 * 1024
"""One read of a connection's share of a turn; more gains nothing measurable for small commands."""

FEWEST_QUICK_ONES: Final = 4
"""Before the reactor stays awake for a connection: tells who asks in a loop from who asks now and then."""


class Parser(Protocol):
    """How much the next read should take."""

    @property
    def wanted_bytes(self) -> int:
        """How many bytes are still to come of what has begun; below 0 nothing is read in this turn, and what has come waits in the socket."""


class Clocked(Protocol):
    """What knows the time of the batch."""

    @property
    def clock(self) -> Clock: ...


class Conversation(Protocol):
    """Bytes in, bytes out."""

    out: list[bytes]
    unsent_bytes: int
    sent_bytes: int
    over_soft_limit_since_ms: int | None
    is_awaited: bool
    """Whether, after what it has just sent, something will soon come; see ``vigil.py``."""

    @property
    def client(self) -> Client: ...
    @property
    def context(self) -> Clocked: ...
    @property
    def parser(self) -> Parser: ...
    @property
    def backlog(self) -> Sized: ...
    @property
    def has_unread(self) -> bool: ...
    @property
    def is_held(self) -> bool: ...
    @property
    def has_output(self) -> bool: ...
    @property
    def is_hungry(self) -> bool: ...
    @property
    def wants_input(self) -> bool: ...
    @property
    def is_drained(self) -> bool: ...
    @property
    def output_bytes(self) -> int: ...
    def receive(self, data: bytes) -> None: ...
    def resume(self) -> None: ...
    def take_output(self) -> list[bytes]: ...
    def close(self) -> None: ...


Opener: TypeAlias = Callable[[socket.socket, Callable[[], None]], Conversation | None]
"""Makes the session for a socket, given what wakes its connection; or refuses by None."""


class ReactorConnection(ConnectionState):
    """A socket, its conversation, and what the socket has not taken yet."""

    __slots__ = ("quick_ones", "quick_ones_needed", "recv", "send", "sock", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.recv = sock.recv
        self.send = sock.send
        self.mask = READABLE
        self.unsent: bytes | memoryview = b""
        self.quick_ones = 0
        """How often in a row something came as soon as it was awaited; see ``vigil.py``."""
        self.quick_ones_needed = FEWEST_QUICK_ONES
        self.session: Conversation = None  # type: ignore[assignment]  # set by the reactor before anything runs
