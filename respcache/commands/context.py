"""What a handler may see of the server: one client, its database, and the node around them."""

import random

from ..keyspace.clock import Clock
from ..keyspace.database import Database
from .client import Client
from .node import Node


class Context:
    """One per session, so that a command costs no allocation. Handlers hold no other state.

    ``db`` is the client's selected database; a handler that must see another
    asks ``node.keyspace``. Effects are collected only while somebody follows.
    """

    __slots__ = ("client", "clock", "db", "effects", "node")

    def __init__(self, node: Node, client: Client) -> None:
        self.node = node
        self.client = client
        self.clock: Clock = node.clock
        self.db: Database = node.keyspace.databases[client.db_index]
        self.effects: list[list[bytes]] | None = None

    @property
    def chance(self) -> random.Random:
        return self.node.chance

    def select(self, index: int) -> None:
        """Turn to another database of the node."""
        self.client.db_index = index
        self.db = self.node.keyspace.databases[index]

    def propagate(self, *words: bytes) -> None:
        """Send these words to copies instead of the client's own."""
        if self.effects is not None:
            self.effects.append(list(words))
