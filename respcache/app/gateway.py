"""The HTTP port, wired to the server's parts."""

import socket
from typing import TYPE_CHECKING

from .. import __version__
from ..commands.client import Client
from ..settings.settings import Settings
from .compose import Composition

if TYPE_CHECKING:
    from ..gateway.authority import Authority  # imported where a port is asked for
    from ..gateway.events import EventHub
    from ..gateway.gateway import Gateway
    from ..gateway.routing import Route


def make_gateway(settings: Settings, parts: Composition) -> "Gateway":
    """Return what serves HTTP connections. Raises ImportError where the extra is missing."""
    from ..gateway.events import EventHub  # noqa: PLC0415  # not for a server without one
    from ..gateway.gateway import Gateway  # noqa: PLC0415
    from ..gateway.routing import Table  # noqa: PLC0415

    node = parts.node

    def hub_client(hub: EventHub) -> Client:
        return Client(node.clients.next_id(), hub, "http", "", node.clock.now_ms)

    hub = EventHub(node.broker, node.run_id, hub_client)
    gateway = Gateway(
        node,
        parts.dispatcher,
        Table(_routes(parts, hub)),
        _authority(settings),
        most_connections=settings.http_max_connections,
        most_requests=settings.http_max_requests,
        most_body_bytes=settings.http_max_body_bytes,
        head_timeout_ms=settings.http_head_timeout_ms,
        idle_timeout_ms=settings.http_idle_timeout_ms,
        hub=hub,
        is_protected=lambda: settings.protected_mode and not settings.requirepass,
    )
    parts.dispatcher.also_release.append(gateway.release)
    return gateway


def _routes(parts: Composition, hub: "EventHub") -> "list[Route]":
    """Return everything that can be asked for."""
    from ..gateway import commands, keys, listing  # noqa: PLC0415
    from ..gateway.events import event_routes  # noqa: PLC0415
    from ..gateway.openapi import openapi_routes  # noqa: PLC0415
    from ..gateway.smache import smache_routes  # noqa: PLC0415
    from ..gateway.websocket import websocket_routes  # noqa: PLC0415

    def node_of(key: bytes) -> str:
        return parts.name

    routes = [
        *event_routes(hub).all,
        *websocket_routes(parts.node.broker, hub).all,
        *keys.routes.all,
        *listing.routes.all,
        *commands.routes.all,
        *smache_routes(node_of).all,
    ]
    routes += openapi_routes(lambda: routes, __version__).all
    return routes


def _authority(settings: Settings) -> "Authority":
    """Return what asks who may ask."""
    from ..gateway.authority import LOCAL_HOSTS, Authority  # noqa: PLC0415

    hosts = frozenset(name.lower() for name in settings.http_hosts)
    allowed = frozenset() if "*" in hosts else hosts | LOCAL_HOSTS | {socket.gethostname().lower()}
    origins = frozenset(origin.lower().rstrip("/") for origin in settings.http_cors_origins)
    return Authority(lambda: settings.requirepass, allowed, origins)
