"""All connected clients, by id, in the order in which they came."""

from collections.abc import Iterator

from .client import Client


class Clients:
    """The registry that CLIENT LIST, CLIENT KILL and INFO clients read."""

    def __init__(self) -> None:
        self._by_id: dict[int, Client] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Client]:
        """Yield the clients as they are now; some may leave meanwhile."""
        return iter(list(self._by_id.values()))

    def next_id(self) -> int:
        """Return an id that no client has ever had here."""
        self._last_id += 1
        return self._last_id

    def add(self, client: Client) -> None:
        self._by_id[client.id] = client

    def remove(self, client: Client) -> None:
        self._by_id.pop(client.id, None)

    def get(self, id: int) -> Client | None:
        return self._by_id.get(id)
