"""The HTTP port, wired to the server's parts."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import __version__
from ..commands.client import Client
from ..commands.node import Node
from ..settings.settings import Settings
from .compose import Composition

if TYPE_CHECKING:
    from ..gateway.events import EventHub  # all imported where a port is asked for
    from ..gateway.gateway import Gateway
    from ..gateway.metrics import Library
    from ..gateway.routing import Route


def make_gateway(
    settings: Settings, parts: Composition, is_stopping: Callable[[], bool] = lambda: False
) -> "Gateway":
    """Return what serves HTTP connections. Raises ImportError where the extra is missing."""
    from ..gateway import commands, keys, listing  # noqa: PLC0415  # not for a server without one
    from ..gateway.authority import LOCAL_HOSTS, Authority  # noqa: PLC0415
    from ..gateway.events import EventHub  # noqa: PLC0415
    from ..gateway.gateway import Gateway  # noqa: PLC0415
    from ..gateway.metrics import Library  # noqa: PLC0415
    from ..gateway.openapi import openapi_routes  # noqa: PLC0415
    from ..gateway.routing import Table  # noqa: PLC0415
    from ..gateway.smache import smache_routes  # noqa: PLC0415

    node = parts.node
    hosts = frozenset(name.lower() for name in settings.http_hosts)
    allowed = frozenset() if "*" in hosts else hosts | LOCAL_HOSTS | {socket.gethostname().lower()}
    origins = frozenset(origin.lower().rstrip("/") for origin in settings.http_cors_origins)
    hub = EventHub(
        node.broker,
        node.run_id,
        lambda hub: Client(node.clients.next_id(), hub, "http", "", node.clock.now_ms),
    )
    library = Library()
    routes = [
        *_watching(settings, node, library, lambda: gateway, is_stopping),
        *_following(node, hub),
        *keys.routes.all,
        *listing.routes.all,
        *commands.routes.all,
        *smache_routes(lambda key: parts.name).all,
    ]
    routes += openapi_routes(lambda: routes, __version__).all
    gateway = Gateway(
        node,
        parts.dispatcher,
        Table(routes),
        Authority(lambda: settings.requirepass, allowed, origins),
        most_connections=settings.http_max_connections,
        most_requests=settings.http_max_requests,
        most_body_bytes=settings.http_max_body_bytes,
        head_timeout_ms=settings.http_head_timeout_ms,
        idle_timeout_ms=settings.http_idle_timeout_ms,
        hub=hub,
        is_protected=lambda: settings.protected_mode and not settings.requirepass,
        tasks=[library.run],
    )
    parts.dispatcher.also_release.append(gateway.release)
    return gateway


def _following(node: Node, hub: "EventHub") -> "list[Route]":
    """Return the routes of those who stay connected: to be told of events, and to speak WebSocket."""
    from ..gateway.event_stream import event_routes  # noqa: PLC0415
    from ..gateway.websocket import websocket_routes  # noqa: PLC0415

    return [*event_routes(hub).all, *websocket_routes(node.broker, hub, lambda: node.clock.now_ms).all]


def _watching(
    settings: Settings,
    node: Node,
    library: "Library",
    gateway: "Callable[[], Gateway]",
    is_stopping: Callable[[], bool],
) -> "list[Route]":
    """Return the routes of those who watch over the node."""
    from ..gateway.health import Health, health_routes  # noqa: PLC0415
    from ..gateway.metric_families import Snapshot  # noqa: PLC0415
    from ..gateway.metrics import metrics_routes  # noqa: PLC0415

    metrics = metrics_routes(library, lambda: Snapshot(node, gateway()), is_open=settings.http_open_metrics)
    return [*metrics.all, *health_routes(Health(node, is_stopping)).all]
