"""What a handler sees of the server."""

import pytest

from respcache.commands.context import Context
from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def context(harness: Harness, client: HarnessClient) -> Context:
    return Context(harness.node, client.record)


def test_a_context_begins_in_its_clients_database(harness: Harness, client: HarnessClient) -> None:
    client.record.db_index = 5
    assert Context(harness.node, client.record).db is harness.node.keyspace.databases[5]


def test_selecting_moves_the_client_and_the_context(context: Context) -> None:
    context.select(3)
    assert context.client.db_index == 3
    assert context.db is context.node.keyspace.databases[3]


def test_one_clients_selection_leaves_the_others_where_they_are(harness: Harness, context: Context) -> None:
    other = Context(harness.node, harness.client().record)
    context.select(3)
    assert (other.client.db_index, other.db) == (0, harness.node.keyspace.databases[0])


def test_time_and_chance_are_the_nodes(context: Context) -> None:
    assert context.clock is context.node.clock
    assert context.chance is context.node.chance
