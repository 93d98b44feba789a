"""One server, as its commands see it: every part that outlives a command, in one record.

The composition root fills it; handlers reach it through their context. What
needs a socket, a thread or the operating system is asked of ``Host``, which the
rim implements.
"""

import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..events.bus import Bus
from ..keyspace.clock import Clock
from ..keyspace.keyspace import Keyspace
from ..protocol.replies import Reply
from ..settings.settings import Settings
from ..telemetry.command_statistics import CommandStatistics
from ..telemetry.latency import LatencyMonitor
from ..telemetry.slowlog import SlowLog
from ..telemetry.statistics import Statistics
from .broker import Broker
from .client import Client
from .clients import Clients
from .cluster_view import ClusterView
from .loads import LoaderControls
from .pause import Pause
from .pending import Pending, Slot
from .tracking import Tracking
from .waits import Waits

if TYPE_CHECKING:
    from .context import Context  # contexts hold a node
    from .spec import Command
    from .table import CommandTable


class Router(Protocol):
    """Who sends commands to the nodes that own their keys; see the cluster package."""

    def route(self, context: "Context", command: "Command", argv: list[bytes]) -> Slot | None:
        """Send a command on; None when it is for this node alone. Raises CommandError (MOVED, CROSSSLOT ...)."""

    def check_queued(self, context: "Context", command: "Command", argv: Sequence[bytes]) -> None:
        """Raise CommandError for a command that cannot be part of a transaction in a cluster."""

    def serves(self, key: bytes) -> bool:
        """Say whether a key is this node's, even if commands for it must wait for others that are on their way."""

    def gone(self, command: "Command", argv: Sequence[bytes]) -> Collection[int]:
        """Return the partitions of a call's keys that this node does not serve, after a command has waited here."""

    def follow(
        self,
        client: Client,
        command: "Command",
        argv: Sequence[bytes],
        pending: Pending,
        note: Callable[[], None],
    ) -> Pending:
        """Return the reply to a command that waits here for a busy key: where the key goes, the command goes, after ``note``."""

    def bound(
        self, command: "Command", run: "Callable[[Context, Sequence[bytes]], Reply | Slot]"
    ) -> "Callable[[Context, Sequence[bytes]], Reply | Slot]":
        """Put a question in front of ``run``, for the short way: is the key here? Else the slot of its reply."""

    def unwatch(self, client: Client) -> None:
        """End what other nodes watch for a client."""

    @property
    def marks(self) -> tuple[bytearray, list[int]]:
        """By slot, 1 where a command needs nobody else; and what must be empty for that to be true."""


class Mark(Protocol):
    """A moment; what had been written by then is everything."""

    def count(self) -> int:
        """Return how many copies have everything."""

    def when_more(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` when more may have it."""


class Holds(Protocol):
    """Who keeps replies back until copies have what they tell of; see the cluster package."""

    def touch(self, command: "Command", argv: Sequence[bytes]) -> None:
        """Note that a command has looked at its keys: the reply waits with those who changed them."""

    @property
    def has_news(self) -> bool:
        """Whether the next reply may have to wait."""

    def mark(self) -> Mark:
        """Return what tells how many copies have all that has been written by now."""

    def after_long(self, client: Client, reply: Reply | Pending) -> Reply | Pending:
        """Return a reply, or a pending one that is resolved when it may be seen."""


class Owners(Protocol):
    """Those that make a key's commands wait; see the owners package."""

    @property
    def awake(self) -> Mapping[tuple[int, bytes], object]:
        """Whoever is awake, by database and key."""

    def wake(self, db: int, key: bytes, work: Callable[[], Awaitable[Reply]]) -> Pending:
        """Keep the key busy until ``work`` ends; its result is the reply."""

    def submit(self, keys: Sequence[tuple[int, bytes]], run: Callable[[], Reply | Pending]) -> Pending:
        """Queue a command behind the owners of its keys, of which at least one is awake."""

    def dismiss(self, is_meant: Callable[[bytes], bool], reply: Reply) -> None:
        """Answer the commands that wait for such keys, instead of running them."""

    def statistics(self) -> dict[str, int]:
        """Return the figures of INFO owners."""


class Controls(Protocol):
    """Switches that DEBUG has on housekeeping."""

    expires: bool
    """Whether idle keys are expired."""


class SinkFigures(Protocol):
    """What a sink of events has done so far."""

    @property
    def delivered(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def queued(self) -> int: ...


class Host(Protocol):
    """What only the rim can do or know."""

    async def sleep(self, seconds: float) -> None: ...
    def block(self, seconds: float) -> None:
        """Stop the whole process for a while; DEBUG SLEEP."""

    def shut_down(self, *, now: bool) -> None:
        """Begin to stop the server."""

    def cancel_shutdown(self) -> bool:
        """Take a shutdown back that still drains; say whether there was one."""

    def rewrite_settings(self) -> None:
        """Write the settings file; raises OSError or ValueError when that cannot be done."""

    def resident_bytes(self) -> int: ...
    def peak_resident_bytes(self) -> int: ...
    def cpu_seconds(self) -> tuple[float, float]:
        """Return user and system time of the process."""

    def facts(self) -> dict[str, str]:
        """Return what INFO server tells of the machine: os, process_id, executable, config_file ..."""

    def loop_lag_ms(self) -> tuple[float, float]:
        """Return the lag of the event loop: last measured, and the worst of the last minute."""

    def running_tasks(self) -> int:
        """Return how many tasks the event loop runs, its own included."""


@dataclass(slots=True)
class Node:
    """The parts of one running server."""

    clock: Clock
    chance: random.Random
    keyspace: Keyspace
    settings: Settings
    table: "CommandTable"
    statistics: Statistics
    command_statistics: dict[str, CommandStatistics]
    """By full name (``client|list``)."""
    slowlog: SlowLog
    latency: LatencyMonitor
    bus: Bus
    broker: Broker
    clients: Clients
    pause: Pause
    tracking: Tracking
    owners: Owners
    host: Host
    run_id: str
    """40 hexadecimal digits, new at every start."""
    started_ms: int
    invoke: "Callable[[Context, Command, Sequence[bytes]], Reply]"
    """Run one command within another (EXEC), counted and timed like any; errors come back as replies."""
    controls: Controls | None = None
    """Set while the server runs."""
    sink_statistics: Callable[[], Mapping[str, SinkFigures]] = dict
    """Return the figures of the event sinks by name, for INFO events."""
    router: Router | None = None
    """Set where the node is part of a cluster."""
    holds: Holds | None = None
    """Set where the node is part of a cluster."""
    cluster: ClusterView | None = None
    """What CLUSTER commands show; set where the node is part of a cluster."""
    loads: LoaderControls | None = None
    """Set where there are loaders."""
    waits: Waits = field(default_factory=Waits)
    """Clients that wait for copies."""
    monitors: set[int] = field(default_factory=set)
    """Ids of the clients in MONITOR mode."""
