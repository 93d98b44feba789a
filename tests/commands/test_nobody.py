"""The connection of a client that is not here."""

from respcache.commands.client import Client, Connection
from respcache.commands.nobody import NOBODY
from tests.commands.harness import Harness


def test_a_command_may_treat_it_as_any_connection() -> None:
    """MULTI's limit ends the client, CLIENT INFO asks for its figures: nothing breaks, and nothing happens."""
    harness = Harness()
    connection: Connection = NOBODY
    client = Client(harness.node.clients.next_id(), connection, "", "", harness.clock.now_ms)
    harness.node.clients.add(client)
    assert f"id={client.id} ".encode() in harness.client()("CLIENT LIST")
    assert harness.client()(f"CLIENT KILL ID {client.id}") == 1
