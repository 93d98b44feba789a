"""What a handler may see of the server: one client, its database, and the node around them."""

import random

from .._speedups import ContextState
from ..keyspace.clock import Clock
from ..keyspace.database import Database
from .client import Client
from .node import Node


class Context(ContextState):
    """One per session, so that a command costs no allocation. Handlers hold no other state.

    ``db`` is the client's selected database; a handler that must see another
    asks ``node.keyspace``.
    """

    __slots__ = ()

    def __init__(self, node: Node, client: Client) -> None:
        self.node = node
        self.client = client
        self.clock: Clock = node.clock
        self.db: Database = node.keyspace.databases[client.db_index]

    @property
    def chance(self) -> random.Random:
        return self.node.chance

    def select(self, index: int) -> None:
        """Turn to another database of the node."""
        self.client.db_index = index
        self.db = self.node.keyspace.databases[index]
