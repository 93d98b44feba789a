"""What tests say to a node again and again: write these, read those, walk through everything."""

from tests.cluster.processes import ClusterNode
from tests.wire import RawClient, parse

MISSING = b"$-1\r\n"
WALK_STEPS = 10_000


def write(node: ClusterNode, keys: list[bytes], value: bytes, database: int = 0) -> None:
    with node.client() as client:
        assert client.call("SELECT", str(database)) == b"+OK\r\n"
        assert client.pipeline([[b"SET", key, value] for key in keys]) == [b"+OK\r\n"] * len(keys)


def values(node: ClusterNode, keys: list[bytes], database: int = 0) -> list[bytes]:
    """Return the raw replies to GET of each."""
    with node.client() as client:
        assert client.call("SELECT", str(database)) == b"+OK\r\n"
        return client.pipeline([[b"GET", key] for key in keys])


def walk(client: RawClient, *options: bytes | str) -> list[bytes]:
    """Return all that a full SCAN yields, as often as it does."""
    cursor, found = b"0", []
    for _ in range(WALK_STEPS):
        page = parse(client.call("SCAN", cursor, *options))
        next_cursor, keys = page.children
        found += [key.text for key in keys.children]
        cursor = next_cursor.text
        if cursor == b"0":
            return found
    raise AssertionError(f"the walk does not end; it stands at {cursor!r}")
