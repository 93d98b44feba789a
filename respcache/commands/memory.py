"""MEMORY: what the data takes, and what might be wrong with it. The figures are those of ``accounting.py``."""

from typing import Final

from ..keyspace.database import Database
from ..protocol.replies import OK, Reply, Verbatim
from . import arguments as arg
from .accounting import MemoryFigures, entry_bytes, human_size, memory_figures
from .arguments import Access
from .context import Context
from .errors import SYNTAX, CommandError
from .help import help_reply
from .node import Node
from .numbers import parse_integer
from .spec import CommandGroup, Flag

memory = CommandGroup("server")

_SHARDS: Final = ("nondeterministic_output", "request_policy:all_shards", "response_policy:special")

SMALL_BYTES: Final = 5 << 20
"""Below this the interpreter alone outweighs the data, and ratios say nothing."""

GREAT_PEAK: Final = 1.5
"""Redis' doctor, too, speaks up when memory was half as much again as it is."""

GREAT_OVERHEAD: Final = 4.0
"""Resident to counted memory. The interpreter and fragments take their share; four times is more than that."""

FULL_SHARE: Final = 0.75
"""Data beyond this share of the machine's memory leaves no room to breathe."""

memory.container(
    "MEMORY", since="4.0.0", complexity="Depends on the subcommand.", summary="Find out what takes memory."
)


def _samples(raw: bytes) -> int:
    count = parse_integer(raw)
    if count < 0:
        raise CommandError(SYNTAX)
    return count


@memory.command(
    "MEMORY USAGE",
    since="4.0.0",
    complexity="O(1)",
    flags=Flag.READONLY,
    args=(
        arg.key("key", Access.RO),
        arg.integer("count", token="SAMPLES", optional=True, convert=_samples),
    ),
)
def memory_usage(context: Context, key: bytes, *, count: int = 0) -> Reply:
    """Return the bytes that a key takes with its value and all that is kept for it; nil when there is none.

    Sizes are counted as values change, so nothing is sampled and SAMPLES makes no difference.
    """
    entry = context.db.find(key)
    return None if entry is None else entry_bytes(context.db, entry)


@memory.command("MEMORY STATS", since="4.0.0", complexity="O(1)", flags=Flag(0), args=(), tips=_SHARDS)
def memory_stats(context: Context) -> Reply:
    """Return the memory figures of the server, in bytes and per cent."""
    figures = memory_figures(context.node)
    stats: dict[str, Reply] = {
        "peak.allocated": figures.peak_bytes,
        "total.allocated": figures.used_bytes,
        "startup.allocated": 0,
        "replication.backlog": 0,
        "clients.slaves": 0,
        "clients.normal": figures.clients_bytes,
        "cluster.links": 0,
        "aof.buffer": 0,
        "lua.caches": 0,
        "functions.caches": 0,
    }
    for db in context.node.keyspace.databases:
        if len(db):
            stats[f"db.{db.index}"] = _database_overhead(db)
    return stats | _shares(figures) | _process(figures)


@memory.command("MEMORY DOCTOR", since="4.0.0", complexity="O(1)", flags=Flag(0), args=(), tips=_SHARDS)
def memory_doctor(context: Context) -> Reply:
    """Tell in words what is unusual about the server's memory, and what might help."""
    found = findings(context.node, memory_figures(context.node))
    if not found:
        return Verbatim(b"Nothing is unusual about this server's memory.\n")
    return Verbatim("".join(f"- {sentence}\n" for sentence in found).encode())


@memory.command(
    "MEMORY PURGE",
    since="4.0.0",
    complexity="O(1)",
    flags=Flag(0),
    args=(),
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
)
def memory_purge(context: Context) -> Reply:
    """Do nothing: Python gives memory back by itself, as soon as a whole arena of it is free."""
    return OK


@memory.command("MEMORY MALLOC-STATS", since="4.0.0", complexity="O(1)", flags=Flag(0), args=(), tips=_SHARDS)
def memory_malloc_stats(context: Context) -> Reply:
    """Tell that the allocator keeps no statistics."""
    return Verbatim(b"Python's allocator keeps no statistics; see MEMORY STATS for what is counted here.\n")


@memory.command("MEMORY HELP", since="4.0.0", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=())
def memory_help(context: Context) -> Reply:
    """Explain the subcommands of MEMORY."""
    return help_reply(
        "MEMORY",
        ("USAGE <key> [SAMPLES <count>]", "Tell the bytes that a key takes; nothing needs sampling here."),
        ("STATS", "Show the memory figures of the server."),
        ("DOCTOR", "Tell in words what is unusual about them."),
        ("PURGE", "Accepted, and does nothing: memory is given back by itself."),
        ("MALLOC-STATS", "Accepted, but the allocator has nothing to tell."),
    )


def findings(node: Node, figures: MemoryFigures) -> list[str]:
    """Return a sentence for everything unusual."""
    if figures.data_bytes < SMALL_BYTES:
        return []
    found = []
    if figures.peak_bytes > figures.used_bytes * GREAT_PEAK:
        found.append(
            f"Memory was {human_size(figures.peak_bytes)} once and is {human_size(figures.used_bytes)} now. What was"
            " freed in small pieces may not have gone back to the system; a restart gives it back."
        )
    if figures.fragmentation_ratio > GREAT_OVERHEAD:
        found.append(
            f"The process takes {figures.fragmentation_ratio:.1f} times what its data was counted to take."
            " After many keys have gone, that is what they left; a restart gives it back."
        )
    limit = node.settings.maxmemory_bytes
    total = int(node.host.facts().get("total_system_memory", "0"))
    if not limit and total and figures.data_bytes > total * FULL_SHARE:
        found.append("There is no maxmemory, and the data fills most of the machine. CONFIG SET maxmemory.")
    if figures.clients_bytes > figures.data_bytes:
        found.append("Clients take more memory than the data. CLIENT LIST shows which (tot-mem).")
    return found


def _database_overhead(db: Database) -> Reply:
    overhead: dict[str, Reply] = {
        "overhead.hashtable.main": len(db) * db.entry_bytes + db.roster.slack_bytes,
        "overhead.hashtable.expires": db.deadlines * db.deadline_bytes,
        "overhead.hashtable.slot-to-keys": 0,
    }
    return overhead


def _shares(figures: MemoryFigures) -> dict[str, Reply]:
    return {
        "overhead.total": figures.overhead_bytes,
        "keys.count": figures.keys,
        "keys.bytes-per-key": figures.data_bytes // figures.keys if figures.keys else 0,
        "dataset.bytes": figures.payload_bytes,
        "dataset.percentage": 100 * figures.payload_bytes / max(figures.used_bytes, 1),
        "peak.percentage": 100 * figures.used_bytes / max(figures.peak_bytes, 1),
    }


def _process(figures: MemoryFigures) -> dict[str, Reply]:
    """Return the allocator's figures, as a Redis without jemalloc gives them: from the resident size."""
    return {
        "allocator.allocated": figures.used_bytes,
        "allocator.active": figures.resident_bytes,
        "allocator.resident": figures.resident_bytes,
        "allocator-fragmentation.ratio": figures.fragmentation_ratio,
        "allocator-fragmentation.bytes": figures.fragmentation_bytes,
        "allocator-rss.ratio": 1.0,
        "allocator-rss.bytes": 0,
        "rss-overhead.ratio": 1.0,
        "rss-overhead.bytes": 0,
        "fragmentation": figures.fragmentation_ratio,
        "fragmentation.bytes": figures.fragmentation_bytes,
    }
