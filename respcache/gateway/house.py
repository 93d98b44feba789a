"""What the connections of the HTTP port share, as each of them sees it."""

from typing import TYPE_CHECKING, Protocol

from ..commands.node import Node
from .authority import Authority
from .messages import Request
from .routing import Route, Table
from .steps import Executor

if TYPE_CHECKING:
    from .session import HttpSession  # which knows this


class House(Protocol):
    """What all sessions share."""

    node: Node
    executor: Executor
    table: Table
    authority: Authority
    most_body_bytes: int
    most_requests: int
    running: int
    """Requests that have begun and wait for something."""
    turn_left: int
    """Requests that may still begin in this turn of the reactor, of all connections."""
    deferred: int
    """Connections that wait for the next turn, before any other."""

    def count(self, status: int) -> None:
        """Note an answer."""

    def date_line(self, now_ms: int) -> str:
        """Return the header ``Date`` with its end of line."""

    def admit(self, request: Request) -> Route:
        """Return the route of a request; raises HttpError where there is none, or it may not be asked for."""

    def forget(self, session: "HttpSession") -> None:
        """Be told that a connection has gone."""
