"""The HTTP port, wired to the server's parts."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import __version__
from ..commands.client import Client
from ..settings.settings import Settings
from .compose import Composition

if TYPE_CHECKING:
    from ..gateway.authority import Authority  # imported where a port is asked for
    from ..gateway.events import EventHub
    from ..gateway.gateway import Gateway
    from ..gateway.history import History
    from ..gateway.routing import Route


def make_gateway(settings: Settings, parts: Composition) -> "Gateway":
    """Return what serves HTTP connections. Raises ImportError where the extra is missing."""
    from ..gateway.events import EventHub  # noqa: PLC0415  # not for a server without one
    from ..gateway.gateway import Gateway  # noqa: PLC0415
    from ..gateway.history import History  # noqa: PLC0415
    from ..gateway.read_only import ReadOnly  # noqa: PLC0415
    from ..gateway.routing import Table  # noqa: PLC0415

    node = parts.node

    def hub_client(hub: EventHub) -> Client:
        return Client(node.clients.next_id(), hub, "http", "", node.clock.now_ms)

    hub = EventHub(node.broker, node.run_id, hub_client)
    history = History(node)
    gateway = Gateway(
        node,
        ReadOnly(parts.dispatcher, node.table, lambda: settings.http_read_only),
        Table(_routes(parts, hub, history, lambda: len(gateway.sessions))),
        _authority(settings),
        most_connections=settings.http_max_connections,
        most_requests=settings.http_max_requests,
        most_body_bytes=settings.http_max_body_bytes,
        head_timeout_ms=settings.http_head_timeout_ms,
        idle_timeout_ms=settings.http_idle_timeout_ms,
        hub=hub,
        history=history,
        is_protected=lambda: settings.protected_mode and not settings.requirepass,
    )
    parts.dispatcher.also_release.append(gateway.release)
    return gateway


def _authority(settings: Settings) -> "Authority":
    """Return what asks who may ask."""
    from ..gateway.authority import LOCAL_HOSTS, Authority  # noqa: PLC0415

    hosts = frozenset(name.lower() for name in settings.http_hosts)
    allowed = frozenset() if "*" in hosts else hosts | LOCAL_HOSTS | {socket.gethostname().lower()}
    origins = frozenset(origin.lower().rstrip("/") for origin in settings.http_cors_origins)
    return Authority(lambda: settings.requirepass, allowed, origins)


def _routes(
    parts: Composition, hub: "EventHub", history: "History", http_clients: Callable[[], int]
) -> "list[Route]":
    """Return everything that can be asked for."""
    from ..gateway import commands, keys, listing  # noqa: PLC0415
    from ..gateway.events import event_routes  # noqa: PLC0415
    from ..gateway.openapi import openapi_routes  # noqa: PLC0415
    from ..gateway.smache import smache_routes  # noqa: PLC0415
    from ..gateway.websocket import websocket_routes  # noqa: PLC0415

    routes = [
        *_dashboard(parts, history, http_clients),
        *event_routes(hub).all,
        *websocket_routes(parts.node.broker, hub).all,
        *keys.routes.all,
        *listing.routes.all,
        *commands.routes.all,
        *smache_routes(lambda key: parts.name).all,
    ]
    routes += openapi_routes(lambda: routes, __version__).all
    return routes


def _dashboard(parts: Composition, history: "History", http_clients: Callable[[], int]) -> "list[Route]":
    """Return the routes of the page and of what it asks."""
    from ..gateway.browsing import routes as browsing  # noqa: PLC0415
    from ..gateway.history import history_routes  # noqa: PLC0415
    from ..gateway.overviews import overview_routes  # noqa: PLC0415
    from ..gateway.pages import page_routes  # noqa: PLC0415
    from ..gateway.status import status_routes  # noqa: PLC0415

    node = parts.node
    return [
        *page_routes().all,
        *status_routes(node, parts.name, history, http_clients).all,
        *history_routes(history).all,
        *overview_routes(node).all,
        *browsing.all,
    ]
