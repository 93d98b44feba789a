"""``/v1/partitions``, ``/v1/clients`` and ``/v1/slowlog``: lists that are too long for ``/v1/status``."""

from collections.abc import Generator
from itertools import islice
from operator import itemgetter
from typing import Any, Final

import msgspec

from ..commands.client import Client
from ..commands.client_listing import flag_letters
from ..commands.node import Node
from ..keyspace.slots import PARTITIONS
from .describing import ANYTHING, answers, query, thing
from .messages import JSON, HttpError, Request, Response, Steps, json_response
from .routing import Routes
from .status import slow_command
from .steps import REST
from .wire import Plain, as_json, fine

MOST_CLIENTS: Final = 500
"""More are nothing to look at; CLIENT LIST has them all."""

MOST_SLOW: Final = 1000

ROWS_PER_TURN: Final = 300
"""Rows of partitions that are written between two rests: below a millisecond."""

KEPT_MS: Final = 800
"""So long a list of partitions is told again: every member has spent some milliseconds on it, and any number may look."""

LIST: Final = {"type": "array", "items": ANYTHING}
SCOPE: Final = {"type": "string", "enum": ["node", "cluster"]}
PARTITIONS_TOLD: Final = {
    "responses": answers(s200=("The partitions", thing(scope=SCOPE, members=LIST, rows=LIST)))
}
CLIENTS_TOLD: Final = {
    "responses": answers(
        s200=("The clients", thing(scope=SCOPE, connected={"type": "integer"}, clients=LIST))
    )
}
SLOW_TOLD: Final = {
    "parameters": [query("count", "How many", {"type": "integer", "minimum": 1, "maximum": MOST_SLOW})],
    "responses": answers(s200=("The commands", thing(scope=SCOPE, kept={"type": "integer"}, entries=LIST))),
}


def overview_routes(node: Node) -> Routes:
    """Return the routes."""
    routes = Routes()
    kept: tuple[int, bytes] = (0, b"")

    @routes.add("GET", "/v1/partitions", PARTITIONS_TOLD)
    def list_partitions(request: Request) -> Steps:
        """Return how the 1024 partitions stand, as their servers say: of the whole cluster, whichever node is asked."""
        nonlocal kept
        if node.cluster is None:
            return json_response(_alone(node))
        at_ms, body = kept
        if not 0 <= node.clock.now_ms - at_ms <= KEPT_MS:
            rows = fine((yield [b"CLUSTER", b"PARTITIONS"]))
            yield REST
            document = yield from partition_list(rows)
            body = msgspec.json.encode(document)
            kept = node.clock.now_ms, body
        return Response(200, body, JSON)

    @routes.add("GET", "/v1/clients", CLIENTS_TOLD)
    def list_clients(request: Request) -> Steps:
        """Return the clients of this node's Redis port, the newest first: 500 at most."""
        newest = islice(reversed(list(node.clients)), MOST_CLIENTS)
        listed = [_client(one, node.clock.now_ms) for one in newest]
        return json_response({"scope": "node", "connected": len(node.clients), "clients": listed})
        yield  # a handler is a generator

    @routes.add("GET", "/v1/slowlog", SLOW_TOLD)
    def list_slow_commands(request: Request) -> Steps:
        """Return this node's slow commands, the newest first: 100 of them, or as many as asked for."""
        count = request.query.get("count", "100")
        if not count.isdecimal() or not 1 <= int(count[:9]) <= MOST_SLOW:
            raise HttpError(400, f"count is a number up to {MOST_SLOW}.")
        entries = [slow_command(one) for one in node.slowlog.get(int(count))]
        return json_response({"scope": "node", "kept": len(node.slowlog), "entries": entries})
        yield  # a handler is a generator

    return routes


def _alone(node: Node) -> dict[str, Any]:  # Any: JSON
    """Return the list of a server that is alone: it serves everything."""
    keys = sum(map(len, node.keyspace.databases))
    row = {"first": 0, "last": PARTITIONS - 1, "state": "safe", "epoch": 0, "keys": keys, "server": 0}
    return {"scope": "node", "members": [node.run_id], "rows": [{**row, "wanted": [0], "copies": []}]}


def partition_list(rows: list[Any]) -> Generator[list[bytes], Plain, dict[str, Any]]:
    """Return the rows of CLUSTER PARTITIONS as JSON, with rests. Members are named once; the rows have their places in that list."""
    places: dict[bytes, int] = {}

    def place_of(member: bytes) -> int:
        return places.setdefault(member, len(places))

    listed: list[dict[str, Any]] = []
    for first, last, state, epoch, keys, server, wanted, copies in sorted(rows, key=itemgetter(0)):
        held = zip(copies[::2], copies[1::2], strict=True)
        row = {"first": first, "last": last, "state": as_json(state), "epoch": epoch, "keys": keys}
        row["server"] = place_of(server)
        row["wanted"] = [place_of(one) for one in wanted]
        row["copies"] = [{"member": place_of(one), "state": as_json(stands)} for one, stands in held]
        listed.append(row)
        if len(listed) % ROWS_PER_TURN == 0:
            yield REST
    return {"scope": "cluster", "members": [as_json(one) for one in places], "rows": listed}


def _client(client: Client, now_ms: int) -> dict[str, Any]:
    return {
        "id": client.id,
        "address": client.address,
        "name": as_json(client.name),
        "library": as_json(client.library_name),
        "age_s": max(now_ms - client.created_ms, 0) // 1000,
        "idle_s": max(now_ms - client.last_used_ms, 0) // 1000,
        "flags": flag_letters(client),
        "db": client.db_index,
        "subscriptions": len(client.channels) + len(client.patterns) + len(client.shard_channels),
        "last_command": client.last_command,
        "input_bytes": client.connection.received_bytes,
        "output_bytes": client.connection.sent_bytes,
        "waiting_bytes": client.connection.output_bytes,
    }
