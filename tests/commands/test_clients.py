"""The registry of those who are connected."""

from respcache.commands.client import Client
from respcache.commands.clients import Clients
from tests.commands.harness import Harness


def connect(clients: Clients, harness: Harness) -> Client:
    """Register a client as a session does."""
    client = harness.client().record
    client.id = clients.next_id()
    clients.add(client)
    return client


def test_an_id_is_never_given_again(harness: Harness) -> None:
    clients, seen = Clients(), list[int]()
    for _ in range(5):
        client = connect(clients, harness)
        seen.append(client.id)
        clients.remove(client)
    assert seen == [1, 2, 3, 4, 5]


def test_a_client_is_found_by_its_id_until_it_leaves(harness: Harness) -> None:
    clients = Clients()
    client = connect(clients, harness)
    assert clients.get(client.id) is client
    clients.remove(client)
    assert clients.get(client.id) is None


def test_nobody_has_the_ids_that_were_never_given() -> None:
    clients = Clients()
    assert [clients.get(strange) for strange in (-1, 0, 1)] == [None, None, None]


def test_they_stand_in_the_order_in_which_they_came(harness: Harness) -> None:
    clients = Clients()
    first, second, third = (connect(clients, harness) for _ in range(3))
    clients.remove(second)
    fourth = connect(clients, harness)
    assert list(clients) == [first, third, fourth]


def test_they_are_counted(harness: Harness) -> None:
    clients = Clients()
    first, _ = connect(clients, harness), connect(clients, harness)
    clients.remove(first)
    assert len(clients) == 1


def test_clients_may_leave_while_one_looks_through_them(harness: Harness) -> None:
    clients = Clients()
    for _ in range(3):
        connect(clients, harness)
    for client in clients:
        clients.remove(client)
    assert len(clients) == 0


def test_leaving_twice_changes_nothing(harness: Harness) -> None:
    clients = Clients()
    first, second = connect(clients, harness), connect(clients, harness)
    clients.remove(first)
    clients.remove(first)
    assert list(clients) == [second]
