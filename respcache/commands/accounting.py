"""How much memory what takes: the figures behind INFO memory and MEMORY.

They are estimates from counting, not the allocator's word: Python does not say
what an object takes with everything in it. ``maxmemory`` limits ``data_bytes``;
the resident size is the operating system's figure for the whole process.
"""

import msgspec

from ..keyspace.database import Database
from ..keyspace.entry import Entry, size_of
from .client import Client
from .client_listing import CLIENT_BYTES, multi_size_bytes
from .node import Node


class MemoryFigures(msgspec.Struct, frozen=True):
    """A node's memory at one moment, in bytes."""

    payload_bytes: int
    """Keys and values alone."""
    data_bytes: int
    """Keys and values with what is kept beside each: what maxmemory limits."""
    peak_data_bytes: int
    clients_bytes: int
    resident_bytes: int
    keys: int
    copies_bytes: int = 0
    """Copies of other nodes' keys; maxmemory does not limit them."""
    unacknowledged_bytes: int = 0
    """What other nodes were told and have not confirmed."""

    @property
    def used_bytes(self) -> int:
        return self.data_bytes + self.beside_bytes

    @property
    def peak_bytes(self) -> int:
        return self.peak_data_bytes + self.beside_bytes

    @property
    def beside_bytes(self) -> int:
        """What maxmemory does not limit."""
        return self.clients_bytes + self.copies_bytes + self.unacknowledged_bytes

    @property
    def overhead_bytes(self) -> int:
        """Everything but keys and values."""
        return self.used_bytes - self.payload_bytes

    @property
    def fragmentation_bytes(self) -> int:
        """What the process takes beyond what was counted: the interpreter and its code, mostly."""
        return self.resident_bytes - self.used_bytes

    @property
    def fragmentation_ratio(self) -> float:
        return self.resident_bytes / max(self.used_bytes, 1)


def memory_figures(node: Node) -> MemoryFigures:
    """Take the figures now."""
    node.keyspace.note_peak()
    databases = node.keyspace.databases
    return MemoryFigures(
        payload_bytes=sum(db.payload_bytes for db in databases),
        data_bytes=node.keyspace.used_bytes,
        peak_data_bytes=node.keyspace.peak_bytes,
        clients_bytes=sum(client_bytes(client) for client in node.clients),
        resident_bytes=node.host.resident_bytes(),
        keys=sum(len(db) for db in databases),
        copies_bytes=0 if node.cluster is None else node.cluster.copies_bytes,
        unacknowledged_bytes=0 if node.cluster is None else node.cluster.unacknowledged_bytes,
    )


def client_bytes(client: Client) -> int:
    """Return what one client's connection takes."""
    connection = client.connection
    return CLIENT_BYTES + multi_size_bytes(client) + connection.query_bytes + connection.output_bytes


def entry_bytes(db: Database, entry: Entry) -> int:
    """Return what one key takes with all that is kept for it."""
    deadline_bytes = 0 if entry.expires_at_ms is None else db.deadline_bytes
    overhead_bytes = db.entry_bytes + entry.slack_bytes + deadline_bytes
    return overhead_bytes + len(entry.key) + size_of(entry.value)


def human_size(count: int) -> str:
    """Write a number of bytes as INFO's ``_human`` fields do: ``1.16M``."""
    if count < 1024:
        return f"{count}B"
    size = float(count)
    for unit in "KMGTP":
        size /= 1024
        if size < 1024 or unit == "P":
            break
    return f"{size:.2f}{unit}"
