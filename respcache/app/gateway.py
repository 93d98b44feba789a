"""The HTTP port, wired to the server's parts."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import __version__
from ..commands.client import Client
from ..commands.node import Node
from ..settings.cluster_rules import is_clustered
from ..settings.settings import Settings
from .compose import Composition
from .sinks import kinds, value_limit_bytes

if TYPE_CHECKING:
    from ..gateway.authority import Authority  # all imported where a port is asked for
    from ..gateway.event_sources import Source
    from ..gateway.events import EventHub
    from ..gateway.figures import Figures
    from ..gateway.gateway import Gateway
    from ..gateway.history import History
    from ..gateway.metric_families import Snapshot
    from ..gateway.metrics import Library
    from ..gateway.parting import Timeouts
    from ..gateway.routing import Route


def make_gateway(
    settings: Settings, parts: Composition, is_stopping: Callable[[], bool] = lambda: False
) -> "Gateway":
    """Return what serves HTTP connections. Raises ImportError where the extra is missing."""
    from ..gateway.events import EventHub  # noqa: PLC0415  # not for a server without one
    from ..gateway.figures import Figures  # noqa: PLC0415
    from ..gateway.gateway import Gateway  # noqa: PLC0415
    from ..gateway.history import History  # noqa: PLC0415
    from ..gateway.metric_families import Snapshot  # noqa: PLC0415
    from ..gateway.metrics import Library  # noqa: PLC0415
    from ..gateway.openapi import openapi_routes  # noqa: PLC0415
    from ..gateway.read_only import ReadOnly  # noqa: PLC0415
    from ..gateway.routing import Table  # noqa: PLC0415

    node = parts.node
    hub = EventHub(_source(settings, node), node.run_id)
    history, library, figures = History(node), Library(), Figures(node)
    routes = [
        *_dashboard(parts, history, lambda: len(gateway.sessions), figures),
        *_watching(settings, node, library, lambda: Snapshot(node, gateway, figures), is_stopping),
        *_following(node, hub),
        *_asking(parts),
    ]
    routes += openapi_routes(lambda: routes, __version__).all
    gateway = Gateway(
        node,
        ReadOnly(parts.dispatcher, node.table, lambda: settings.http_read_only),
        Table(routes),
        _authority(settings),
        most_connections=settings.http_max_connections,
        most_requests=settings.http_max_requests,
        most_body_bytes=settings.http_max_body_bytes,
        timeouts=_timeouts(settings),
        hub=hub,
        history=history,
        is_protected=lambda: settings.protected_mode and not settings.requirepass,
        tasks=[library.run],
    )
    parts.dispatcher.also_release.append(gateway.release)
    return gateway


def _source(settings: Settings, node: Node) -> "Source":
    """Return what brings the events of this server, or of all nodes of its cluster."""
    from ..gateway.event_sources import OwnEvents, ToldEvents  # noqa: PLC0415

    if not is_clustered(settings) and node.cluster is None:
        return OwnEvents(node.bus, kinds(settings), value_limit_bytes(settings))
    return ToldEvents(
        node.broker, lambda source: Client(node.clients.next_id(), source, "http", "", node.clock.now_ms)
    )


def _timeouts(settings: Settings) -> "Timeouts":
    from ..gateway.parting import Timeouts  # noqa: PLC0415

    return Timeouts(
        settings.http_head_timeout_ms, settings.http_idle_timeout_ms, settings.http_request_timeout_ms
    )


def _authority(settings: Settings) -> "Authority":
    """Return what asks who may ask."""
    from ..gateway.authority import LOCAL_HOSTS, Authority  # noqa: PLC0415

    hosts = frozenset(name.lower() for name in settings.http_hosts)
    allowed = frozenset() if "*" in hosts else hosts | LOCAL_HOSTS | {socket.gethostname().lower()}
    origins = frozenset(origin.lower().rstrip("/") for origin in settings.http_cors_origins)
    return Authority(lambda: settings.requirepass, allowed, origins)


def _asking(parts: Composition) -> "list[Route]":
    """Return the routes of those who read and write keys."""
    from ..gateway import commands, keys, listing  # noqa: PLC0415
    from ..gateway.smache import Homes, smache_routes  # noqa: PLC0415

    return [
        *keys.routes.all,
        *listing.routes.all,
        *commands.routes.all,
        *smache_routes(Homes(parts.node, parts.name).name_of).all,
    ]


def _following(node: Node, hub: "EventHub") -> "list[Route]":
    """Return the routes of those who stay connected: to be told of events, and to speak WebSocket."""
    from ..gateway.event_stream import event_routes  # noqa: PLC0415
    from ..gateway.websocket import websocket_routes  # noqa: PLC0415

    return [*event_routes(hub).all, *websocket_routes(node.broker, hub, lambda: node.clock.now_ms).all]


def _watching(
    settings: Settings,
    node: Node,
    library: "Library",
    snapshot: "Callable[[], Snapshot]",
    is_stopping: Callable[[], bool],
) -> "list[Route]":
    """Return the routes of those who watch over the node."""
    from ..gateway.health import Health, health_routes  # noqa: PLC0415
    from ..gateway.metrics import metrics_routes  # noqa: PLC0415

    metrics = metrics_routes(library, snapshot, is_open=settings.http_open_metrics)
    return [*metrics.all, *health_routes(Health(node, is_stopping)).all]


def _dashboard(
    parts: Composition, history: "History", http_clients: Callable[[], int], figures: "Figures"
) -> "list[Route]":
    """Return the routes of the page and of what it asks."""
    from ..gateway.browsing import routes as browsing  # noqa: PLC0415
    from ..gateway.history import history_routes  # noqa: PLC0415
    from ..gateway.overviews import overview_routes  # noqa: PLC0415
    from ..gateway.pages import page_routes  # noqa: PLC0415
    from ..gateway.status import status_routes  # noqa: PLC0415

    node = parts.node
    return [
        *page_routes().all,
        *status_routes(node, parts.name, history, http_clients, figures).all,
        *history_routes(history).all,
        *overview_routes(node).all,
        *browsing.all,
    ]
