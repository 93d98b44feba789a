"""The composition root: one server's parts, made from its settings and joined.

Everything here is synchronous and opens nothing, so a test can have a whole
server without a socket, on a clock and a chance of its own.
"""

import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from ..commands import GROUPS
from ..commands.broker import Broker
from ..commands.clients import Clients
from ..commands.context import Context
from ..commands.node import Host, Node
from ..commands.pause import Pause
from ..commands.spec import Command
from ..commands.table import CommandTable
from ..commands.tracking import Tracking
from ..events.bus import Bus, Report
from ..events.vocabulary import OwnerCrashed
from ..keyspace.clock import BatchClock
from ..keyspace.eviction import Evictor
from ..keyspace.journal import Journal
from ..keyspace.keyspace import Keyspace
from ..owners.owners import Owners, Spawn
from ..protocol.replies import Reply
from ..server.announcer import Announcer
from ..server.dispatcher import Dispatcher
from ..server.memory_guard import MemoryGuard
from ..settings.settings import Settings
from ..telemetry.latency import LatencyMonitor
from ..telemetry.slowlog import SlowLog
from ..telemetry.statistics import Statistics
from .applying import Applier


class Composition(msgspec.Struct, frozen=True):
    """A whole server but for its sockets, tasks and sinks."""

    node: Node
    dispatcher: Dispatcher
    owners: Owners
    evictor: Evictor
    memory: MemoryGuard
    announcer: Announcer
    name: str
    """What events call this node."""


def _not_yet(context: Context, command: Command, argv: Sequence[bytes]) -> Reply:
    raise AssertionError("the dispatcher takes this place before any command runs")


def compose(
    settings: Settings,
    *,
    clock: BatchClock,
    chance: random.Random,
    host: Host,
    spawn: Spawn,
    rest: Callable[[], Awaitable[None]],
    report_sink: Report,
    name: str = "",
) -> Composition:
    """Join the parts. ``spawn`` starts a task, ``rest`` lets others run; both come from the rim."""
    statistics = Statistics()
    journal = Journal()
    keyspace = Keyspace(clock, journal, statistics, settings.databases)
    bus = Bus(report_sink)
    owners = Owners(clock, spawn, rest)
    clients = Clients()
    node = Node(
        clock=clock,
        chance=chance,
        keyspace=keyspace,
        settings=settings,
        table=CommandTable(GROUPS),
        statistics=statistics,
        command_statistics={},
        slowlog=SlowLog(),
        latency=LatencyMonitor(),
        bus=bus,
        broker=Broker(),
        clients=clients,
        pause=Pause(),
        tracking=Tracking(clients, journal),
        owners=owners,
        host=host,
        invoke=_not_yet,
        run_id=f"{chance.getrandbits(160):040x}",
        started_ms=clock.now_ms,
    )
    evictor = Evictor(keyspace, chance)
    memory = MemoryGuard(keyspace, evictor)
    dispatcher = Dispatcher(node, owners, (memory,))
    node.invoke = dispatcher.invoke_queued
    name = name or f"respcache-{node.run_id[:8]}"
    announcer = Announcer(journal, bus, clock, name)
    owners.on_crash = lambda key, error: bus.publish(
        OwnerCrashed(clock.now_ms, name, key[0], key[1], f"{type(error).__name__}: {error}")
    )
    Applier(settings, node, dispatcher, evictor, memory).apply_all()
    return Composition(node, dispatcher, owners, evictor, memory, announcer, name)
