"""What the compiled classes of ``state.pyx`` are where nothing is compiled: places for attributes, and no behaviour.

Classes of the server derive from these and keep all their behaviour in Python. Compiled code reads the
attributes named here as C fields. Most are explained where the deriving class sets them.
"""

import array
from collections import deque
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

Connected = TypeVar("Connected", bound="ConnectionState")

SLOTS = 64
"""Places of a histogram; as in ``telemetry/histogram.py``."""


class ClockState:
    """The time of the batch."""

    __slots__ = ("now_ms",)

    now_ms: int


class JournalState:
    """Who listens to changes of the keyspace, and how many there were."""

    __slots__ = ("attentive", "changes", "notes", "wants_reads")

    attentive: bool
    changes: int
    notes: list[Any] | None
    wants_reads: bool


class StatisticsState:
    """The counters that every request advances."""

    __slots__ = (
        "keyspace_hits",
        "keyspace_misses",
        "total_commands_processed",
        "total_net_input_bytes",
        "total_net_output_bytes",
    )

    keyspace_hits: int
    keyspace_misses: int
    total_commands_processed: int
    total_net_input_bytes: int
    total_net_output_bytes: int


class DatabaseState:
    """A database's entries, what they sum up to, and who follows their changes."""

    __slots__ = (
        "clock",
        "deadlines",
        "entries",
        "follower",
        "index",
        "journal",
        "lives",
        "payload_bytes",
        "recorder",
        "stamp",
        "statistics",
        "wheel",
    )

    payload_bytes: int
    deadlines: int
    index: int


class ClientState:
    """Whether a client's commands may take the short way, and what CLIENT LIST says of its last one."""

    __slots__ = ("connection", "ending", "is_ordinary", "last_command", "last_used_ms", "protocol")

    is_ordinary: bool
    last_command: str
    last_used_ms: int
    protocol: int


class ContextState:
    """A session's client and database."""

    __slots__ = ("client", "clock", "db", "node")


class LedgerState:
    """What counts as slow."""

    __slots__ = ("slow_ns",)

    slow_ns: int


class DispatcherState:
    """The commands that may take the short way now."""

    __slots__ = ("fast", "load_watch")


class GuardState:
    """A guard that lets some commands pass unseen."""

    __slots__ = ("credit_bytes", "uncounted")

    credit_bytes: int
    uncounted: int


class SessionState:
    """The parts of a session that say whether there is anything but its next command to look after."""

    __slots__ = (
        "backlog",
        "client",
        "context",
        "has_unread",
        "is_awaited",
        "is_held",
        "is_running",
        "out",
        "parser",
        "pushed_bytes",
        "received_bytes",
        "sent_bytes",
        "slots",
        "tail",
        "unsent_bytes",
        "wake",
    )

    has_unread: bool
    is_awaited: bool
    is_held: bool
    is_running: bool
    out: list[bytes]
    pushed_bytes: int
    received_bytes: int
    sent_bytes: int
    slots: deque[Any]
    tail: list[bytes]
    unsent_bytes: int


class ConnectionState:
    """A socket's number, what its poller looks for, and who is behind it."""

    __slots__ = ("fd", "mask", "session")

    fd: int
    mask: int


class CommandRecord:
    """Counters of one command; ``counts`` is its histogram, and always the same object."""

    __slots__ = ("calls", "counts", "failed_calls", "nanoseconds", "rejected_calls")

    calls: int
    counts: MutableSequence[int]
    failed_calls: int
    nanoseconds: int
    rejected_calls: int

    def __init__(self) -> None:
        self.counts = [0] * SLOTS


class Poller(Protocol):
    """What the loop waits with; see ``server/pollers.py``."""

    def fileno(self) -> int: ...
    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]: ...


class LoadWatch:
    """What the compiled loop asks where keys are loaded; the plain one asks ``LoadGate``."""

    def __init__(
        self,
        loaders: list[tuple[int, bytes, int, bool]],
        busy: Sequence[Mapping[tuple[int, bytes], object]],
        busy_slots: "array.array[int]",
    ) -> None:
        pass


class HotPath:
    """The loop from sockets to answers, which in plain Python is the reactor's: everything that is ready is left to it."""

    def __init__(
        self,
        poller: Poller,
        dispatcher: DispatcherState,
        set_clock: Callable[[], None],
        handlers: Sequence[Callable[..., None]],
        most: int,
        *,
        clock: ClockState | None = None,
    ) -> None:
        """See ``serving.pyx``, which calls the ``handlers``, and sets the ``clock`` itself where it may."""
        self._poll = poller.poll
        self._most = most
        self._set_clock = set_clock
        self.ready = 0

    def add(self, connection: ConnectionState) -> None:
        """Serve a connection from now on."""

    def remove(self, connection: ConnectionState) -> None:
        """Serve it no more."""

    def poll(self, timeout_s: float, is_once: bool = False) -> list[tuple[int, int]]:
        """Wait up to so long for what is ready; return what is left to do as (descriptor, mask). ``ready`` is how much there was."""
        events = self._poll(timeout_s, self._most)
        self._set_clock()
        self.ready = len(events)
        return events

    def take(self, events: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Do the same for what somebody else has waited for."""
        self._set_clock()
        self.ready = len(events)
        return events

    def flush(self, stirred: dict[Connected, None]) -> list[Connected]:
        """Send what ordinary sessions have to say out of turn; return the connections left, and empty ``stirred``."""
        connections = list(stirred)
        stirred.clear()
        return connections


def waker(
    look: Callable[[Connected], None],
    connection: Connected,
    stirred: dict[Connected, None],
    ring: Callable[[], None],
) -> Callable[[], None]:
    """Return what a session calls when it has output, an end, or room for more outside its own turn."""
    return lambda: look(connection)


class FanOut:
    """Sends one message to many clients, encoded once for each protocol."""

    def __init__(self, encode: Callable[[list[bytes], int], bytes]) -> None:
        self._encode = encode
        self.surely_allowed_bytes = 0
        """No output of this size is over the limit of any class of clients: compiled code need not ask for more."""

    def send(self, clients: Mapping[int, Any], words: list[bytes]) -> int:
        """Send a message to clients, by their ids; return how many there were."""
        wires: dict[int, bytes] = {}
        several = tuple(clients.values())  # a client over its output limit leaves while we send
        for client in several:
            wire = wires.get(client.protocol)
            if wire is None:
                wire = wires[client.protocol] = self._encode(words, client.protocol)
            client.connection.push(wire)
        return len(several)


Encode: TypeAlias = Callable[[Any, int], bytes]  # Any: replies are classes of a layer above
Encoders: TypeAlias = dict[int, dict[type, Callable[[Any], bytes]]]


def best_encoders(
    encode: Encode, encoders: Encoders, ok: object, classes: Mapping[str, Any]
) -> tuple[Encode, Encoders]:
    """Return what encodes replies, given plain encoders, the common OK, and the classes of replies by name."""
    return encode, encoders


Parser = TypeVar("Parser")


def best_parser(
    plain: type[Parser],
    split: Callable[[bytes], list[bytes] | None],
    *,
    count: Callable[[bytes, Any], int],  # Any: limits are a class of a layer above
    size: Callable[[bytes, Any], int],
    error: type[Exception],
    limit: str,
) -> type[Parser]:
    """Return what parses requests, given a plain parser and the rules and errors that compiled code asks it for."""
    return plain


class HashState:
    """The fields of a hash, and what is counted of them."""

    __slots__ = ("_roster", "fields", "is_compact", "size_bytes")

    fields: dict[bytes, bytes]
    is_compact: bool
    size_bytes: int


def offer_hash_class(cls: type[HashState], bytes_per_field: int, roster: type) -> None:
    """Compiled code makes new hashes itself, and asks here what of; plain code knows."""


Twin = TypeVar("Twin")


def compiled_twin(plain: Twin) -> Twin:
    """Return what is compiled in place of a class or function, by its name; for those that are whole in either path."""
    return plain
