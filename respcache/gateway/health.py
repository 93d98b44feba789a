"""``/health/...``: for whoever starts, stops and watches nodes. Open without a password, and so answered at little cost."""

from collections.abc import Callable
from typing import Final

from ..commands.cluster_safety import ACTIVE, safety_of
from ..commands.cluster_view import ClusterView
from ..commands.node import Node
from .messages import Request, Response, Steps, json_response
from .routing import Routes

FRESH_MS: Final = 250
"""Looking at all partitions takes a millisecond; anybody may ask, but not make us look more often than this."""

NO_STORE: Final = {"Cache-Control": "no-store"}
LATER: Final = {**NO_STORE, "Retry-After": "1"}


class Health:
    """Whether this node serves, and whether all is as it shall be."""

    def __init__(self, node: Node, is_stopping: Callable[[], bool]) -> None:
        self._node = node
        self._is_stopping = is_stopping
        self._faults: list[str] = []
        self._looked_ms: int | None = None

    def why_not_serving(self) -> list[str]:
        """Say why clients should be sent elsewhere; nothing if they need not."""
        if self._is_stopping():
            return ["the node is stopping"]
        view = self._node.cluster
        if view is None:
            return []
        phase = next((peer.phase for peer in view.peers() if peer.is_self), "joining")
        if phase != ACTIVE:
            return [f"the node is {phase}"]
        return [] if view.is_ok else ["partitions have no owner, or the node may not serve"]

    def why_not_ready(self) -> list[str]:
        """Say why no other node should be stopped now, beside that: what this node serves lacks copies, or moves."""
        if faults := self.why_not_serving():
            return faults
        view, now_ms = self._node.cluster, self._node.clock.now_ms
        if view is None:
            return []
        if self._looked_ms is None or not 0 <= now_ms - self._looked_ms < FRESH_MS:
            self._faults, self._looked_ms = faults_of(view), now_ms
        return self._faults


def faults_of(view: ClusterView) -> list[str]:
    """Say what is wrong with the partitions that a node serves."""
    safety = safety_of(view)
    counts = {"degraded": safety.degraded, "moving": safety.moving, "to be merged": safety.set_aside}
    return [f"partitions {state}: {count}" for state, count in counts.items() if count]


def health_routes(health: Health) -> Routes:
    """Return the routes."""
    routes = Routes()

    @routes.add("GET", "/health/live", is_open=True)
    def live(request: Request) -> Steps:
        """Say that the server answers: where it does not, restart it."""
        return json_response({"status": "live"}, headers=NO_STORE)
        yield  # a handler is a generator

    @routes.add("GET", "/health/serving", is_open=True)
    def serving(request: Request) -> Steps:
        """Say whether clients may be sent here: not while the node starts, stops, or may not serve."""
        return _verdict("serving", health.why_not_serving())
        yield

    @routes.add("GET", "/health/ready", is_open=True)
    def ready(request: Request) -> Steps:
        """Say whether all is as it shall be: not while a partition of this node lacks copies or moves."""
        return _verdict("ready", health.why_not_ready())
        yield

    return routes


def _verdict(state: str, faults: list[str]) -> Response:
    if faults:
        return json_response({"status": f"not {state}", "reasons": faults}, 503, LATER)
    return json_response({"status": state}, headers=NO_STORE)
