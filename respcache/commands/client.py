"""What the server knows of one connected client: the record that CLIENT LIST prints.

Pure state. The session that serves the client keeps the bytes and the reply
slots; here is what commands read and change.
"""

import enum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from .._speedups import ClientState
from ..protocol.limits import Limits

if TYPE_CHECKING:
    from .spec import Command  # spec needs contexts, and contexts need clients
    from .tracking import Subscription

WORD_BYTES: Final = 33 + 8
"""A bytes object beside its content, and a place in a list."""

Names: TypeAlias = dict[bytes, None]
"""A set that keeps the order in which its members came."""


class ReplyMode(enum.Enum):
    """CLIENT REPLY."""

    ON = enum.auto()
    OFF = enum.auto()
    SKIP_NEXT = enum.auto()
    """The reply to the command after this one is left out."""
    SKIP = enum.auto()
    """The reply to the command now running is left out."""


class Ending(enum.Enum):
    """How a client that is to go is sent away."""

    AFTER_REPLIES = enum.auto()
    """Once everything written for it has been sent."""
    AT_ONCE = enum.auto()


class Connection(Protocol):
    """The transport's side of a client, as far as commands may touch it."""

    def push(self, wire: bytes) -> None:
        """Send ready-made bytes out of turn: a message of pub/sub or MONITOR."""

    def end(self, ending: Ending) -> None:
        """Send the client away."""

    def hold(self) -> None:
        """Take no further commands from this client until ``release``."""

    def release(self) -> None: ...

    def jam(self) -> None:
        """Take no further commands until ``clear_jam`` was called as often as this."""

    def clear_jam(self) -> None: ...
    def dismiss(self) -> None:
        """Run what was received, answer it, and end."""

    def select(self, index: int) -> None:
        """Turn to another database: a transaction that ran elsewhere has done so."""

    def settle(self) -> None:
        """Look again at the slots: some have their replies now."""

    def set_request_limits(self, limits: Limits) -> None:
        """Read what comes from now on under these limits."""

    @property
    def query_bytes(self) -> int:
        """Received and not yet run."""

    @property
    def output_bytes(self) -> int:
        """Written and not yet sent."""

    @property
    def received_bytes(self) -> int:
        """Received in all."""

    @property
    def sent_bytes(self) -> int:
        """Sent in all."""


class Transaction:
    """What MULTI has collected so far."""

    __slots__ = ("is_broken", "queue", "size_bytes")

    def __init__(self) -> None:
        self.queue: list[tuple[Command, list[bytes]]] = []
        self.size_bytes = 0
        """Estimated memory of the queue."""
        self.is_broken = False
        """A command was refused while queueing, so EXEC must run none."""

    def add(self, command: "Command", argv: list[bytes]) -> None:
        self.queue.append((command, argv))
        self.size_bytes += sum([WORD_BYTES + len(word) for word in argv])


class Client(ClientState):
    """One connected client. Lives as long as its connection."""

    def __init__(
        self, id: int, connection: Connection, address: str, local_address: str, now_ms: int
    ) -> None:
        self.id = id
        self.connection = connection
        self.address = address
        """``ip:port``, or the socket's path and ``:0``."""
        self.local_address = local_address
        self.descriptor = -1
        """The file descriptor; -1 for a transport that has none."""
        self.is_local = True
        """Whether it came over loopback or a Unix socket, for protected mode and enable-debug-command."""
        self.created_ms = now_ms
        self.last_used_ms = now_ms
        self.name = b""
        self.library_name = b""
        self.library_version = b""
        self.protocol = 2
        self.user = "default"
        self.is_authenticated = False
        self.db_index = 0
        self.last_command = "NULL"
        self.reply_mode = ReplyMode.ON
        self.ending: Ending | None = None
        self.transaction: Transaction | None = None
        self.watched: set[tuple[int, bytes]] = set()
        self.is_dirty = False
        """A watched key has changed: EXEC must run nothing."""
        self.channels: Names = {}
        self.patterns: Names = {}
        self.shard_channels: Names = {}
        self.tracking: Subscription | None = None
        """CLIENT TRACKING: how it hears of changes to what it caches."""
        self.is_monitor = False
        self.is_unevictable = False
        """CLIENT NO-EVICT."""
        self.leaves_no_trace = False
        """CLIENT NO-TOUCH: its reads do not count as uses of a key."""
        self.is_blocked = False
        """Waits for the answer to WATCH or EXEC, because a key is busy: runs nothing until then."""
        self.is_redirected = False
        """Came by the cluster port: is told where a key lives, rather than answered from there."""
        self.reads_copies = False
        """READONLY, on the cluster port: takes values from the copies of this node, too."""
        self.remote_watches: set[bytes] = set()
        """The nodes that watch keys for it."""
        self.is_ordinary = False
        """Whether its data commands may take the short way: no guard could have anything to say."""

    @property
    def is_subscriber(self) -> bool:
        return bool(self.channels or self.patterns or self.shard_channels)

    @property
    def is_restricted(self) -> bool:
        """Whether only the commands of subscriber mode are allowed: RESP2 cannot tell a push from a reply."""
        return self.protocol == 2 and self.is_subscriber

    def refresh(self) -> None:
        """Note anew whether the short way is open; the session calls it when anything here may have changed."""
        self.is_ordinary = (
            self.is_authenticated
            and self.transaction is None
            and self.reply_mode is ReplyMode.ON
            and self.ending is None
            and not self.is_blocked
            and not self.is_monitor
            and not self.leaves_no_trace
            and self.tracking is None
            and not self.is_subscriber  # in RESP3, too: what it hears of its own writes comes before their replies
        )

    @property
    def output_class(self) -> str:
        """Its class in client-output-buffer-limit; Redis limits monitors as replicas, and normal readers not at all."""
        if self.is_monitor:
            return "replica"
        return "pubsub" if self.is_subscriber else "normal"
