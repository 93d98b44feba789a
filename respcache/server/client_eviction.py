"""maxmemory-clients: whom to let go when clients' buffers together take too much."""

from collections.abc import Iterable

from ..commands.client import Client
from ..commands.client_listing import multi_size_bytes


def buffer_bytes(client: Client) -> int:
    """Return what a client's unfinished input, open transaction and unsent output hold."""
    connection = client.connection
    return connection.query_bytes + multi_size_bytes(client) + connection.output_bytes


def clients_to_evict(clients: Iterable[Client], limit_bytes: int) -> list[Client]:
    """Return the clients to close, the largest first, until the others fit; CLIENT NO-EVICT spares.

    0 is no limit. As in Redis the big ones go first, because closing one of them saves many.
    """
    if not limit_bytes:
        return []
    sizes = [(buffer_bytes(client), client) for client in clients]
    excess = sum(size for size, _ in sizes) - limit_bytes
    evicted: list[Client] = []
    for size, client in sorted(sizes, key=lambda pair: pair[0], reverse=True):
        if excess <= 0 or not size:
            break
        if not client.is_unevictable:
            evicted.append(client)
            excess -= size
    return evicted
