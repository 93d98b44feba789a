"""``/v1/status``: how this node is, at a glance, and who the members of its cluster are. Made for being asked every second.

Figures are this node's own (``"scope": "node"``); members, and who serves what, are told of the whole cluster, as this node sees it.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from .. import __version__
from .._speedups import DESCRIPTION
from ..commands.cluster_view import ClusterView
from ..commands.info_sections import uptime_seconds
from ..commands.node import Node
from ..telemetry.slowlog import SlowCommand
from .describing import ANYTHING, answers, thing
from .figures import Figures
from .history import History
from .messages import Request, Steps, json_response
from .routing import Routes
from .wire import as_json

LAST_SLOW: Final = 10
SHOWN_OWNERS: Final = 20

KEPT_MS: Final = 500
"""So long the figures of the cluster are told again: they take some milliseconds, and any number may look."""

PREFIX: Final = "cluster_"

TOLD: Final = {
    "responses": answers(
        s200=(
            "How this node is",
            thing(scope={"type": "string"}, node=ANYTHING, now=ANYTHING, cluster=ANYTHING),
        )
    )
}


def status_routes(
    node: Node, name: str, history: History, http_clients: Callable[[], int], figures: Figures
) -> Routes:
    """Return the route; ``http_clients`` counts the connections of the gateway."""
    routes = Routes()
    kept: tuple[int, dict[str, Any] | None] = (0, None)

    def cluster_now() -> dict[str, Any] | None:
        nonlocal kept
        if node.cluster is None:
            return None
        at_ms, known = kept
        if known is None or not 0 <= node.clock.now_ms - at_ms <= KEPT_MS:
            known = _cluster(node.cluster)
            kept = node.clock.now_ms, known
        return known

    @routes.add("GET", "/v1/status", TOLD)
    def get_status(request: Request) -> Steps:
        """Return what this node does now, and who its cluster's members are."""
        document = status(node, name, history, http_clients(), figures)
        document["cluster"] = cluster_now()
        return json_response(document)
        yield  # a handler is a generator

    return routes


def status(
    node: Node, name: str, history: History, http_clients: int, figures: Figures
) -> dict[str, Any]:  # Any: JSON
    """Return what is this node's own."""
    return {
        "scope": "node",
        "node": _facts(node, name),
        "now": history.fine[-1] if history.fine else None,
        "totals": _totals(node),
        "memory": {
            "used_bytes": node.keyspace.used_bytes,
            "peak_bytes": node.keyspace.peak_bytes,
            "resident_bytes": node.host.resident_bytes(),
            "max_bytes": node.settings.maxmemory_bytes,
            "policy": node.settings.maxmemory_policy,
        },
        "databases": [
            {"db": db.index, "keys": len(db), "expires": db.deadlines}
            for db in node.keyspace.databases
            if len(db)
        ],
        "clients": {
            "connected": len(node.clients),
            "most": node.settings.maxclients,
            "http": http_clients,
        },
        "owners": {
            **{key.removeprefix("owners_"): value for key, value in figures.owners().items()},
            "keys": [as_json(key) for _, key in islice(node.owners.awake, SHOWN_OWNERS)],
        },
        "slow_commands": {
            "kept": len(node.slowlog),
            "threshold_us": node.slowlog.threshold_us,
            "last": [slow_command(one) for one in node.slowlog.get(LAST_SLOW)],
        },
        "loaders": msgspec.to_builtins([*figures.loaders()]),
    }


def _facts(node: Node, name: str) -> dict[str, Any]:
    facts = node.host.facts()
    return {
        "name": name,
        "run_id": node.run_id,
        "version": __version__,
        "path": DESCRIPTION,
        "python": facts.get("python_version", ""),
        "os": facts.get("os", ""),
        "process_id": int(facts.get("process_id", "0")),
        "port": node.settings.port or node.settings.tls_port,
        "now_ms": node.clock.now_ms,
        "started_ms": node.started_ms,
        "uptime_s": uptime_seconds(node),
        "read_only": node.settings.http_read_only,
    }


def _totals(node: Node) -> dict[str, int]:
    counts = node.statistics
    return {
        "operations": counts.total_commands_processed,
        "hits": counts.keyspace_hits,
        "misses": counts.keyspace_misses,
        "evicted": counts.evicted_keys,
        "expired": counts.expired_keys,
        "errors": counts.errors.total,
        "connections": counts.total_connections_received,
        "refused_connections": counts.rejected_connections,
    }


def slow_command(one: SlowCommand) -> dict[str, Any]:
    """Return an entry of the slow log."""
    return {
        "id": one.id,
        "at_s": one.unix_time_s,
        "took_us": one.duration_us,
        "words": [as_json(word) for word in one.argv],
        "client": as_json(one.client_address),
        "client_name": as_json(one.client_name),
    }


def _cluster(cluster: ClusterView) -> dict[str, Any]:
    figures: Mapping[str, Any] = cluster.figures()
    return {
        "name": cluster.name,
        "id": cluster.my_id,
        "is_ok": cluster.is_ok,
        "figures": {
            key.removeprefix(PREFIX): value
            for key, value in figures.items()
            if not key.startswith(f"{PREFIX}gossip_")
        },
        "members": [
            {
                "id": peer.id,
                "address": peer.address,
                "state": peer.state,
                "phase": peer.phase,
                "zone": peer.zone,
                "machine": peer.machine,
                "weight": peer.weight,
                "loop_lag_ms": peer.loop_lag_ms,
                "is_self": peer.is_self,
                "partitions": peer.partitions,
            }
            for peer in cluster.peers()
        ],
    }
