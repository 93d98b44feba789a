"""A request as handlers see it, and what they answer."""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from ..commands.client import Client, Ending
from ..commands.pending import Pending

if TYPE_CHECKING:
    from .steps import StepRunner  # which runs what is defined here

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
BYTES: Final = "application/octet-stream"

PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


class Request:
    """One request, read in full."""

    __slots__ = (
        "_query",
        "body",
        "headers",
        "is_kept_alive",
        "method",
        "params",
        "path",
        "query_bytes",
        "wants_upgrade",
    )

    def __init__(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: Mapping[str, str],
        body: bytes,
        *,
        is_kept_alive: bool = True,
        wants_upgrade: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        """As it came: percent-encoded, without the query."""
        self.query_bytes = query
        self.headers = headers
        """By name in lower case; of a name that comes twice, the values with a comma between them."""
        self.body = body
        self.is_kept_alive = is_kept_alive
        self.wants_upgrade = wants_upgrade
        self.params: Sequence[bytes] = ()
        """What stands in the places of the route, decoded."""
        self._query: dict[str, str] | None = None

    @property
    def query(self) -> Mapping[str, str]:
        """The words behind the question mark; of one that comes twice, the last."""
        if self._query is None:
            text = self.query_bytes.decode("latin-1")
            self._query = dict(
                parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=100)
            )
        return self._query

    def json(self) -> Any:  # Any: whatever the client has sent
        """Return the body as JSON; raises HttpError."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise HttpError(400, f"The body is no JSON: {error}") from None


class Response:
    """One answer. ``Content-Length`` and ``Connection`` are added where it is written."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, body: bytes = b"", kind: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        if kind:
            self.headers["Content-Type"] = kind

    def wire(self, *, is_kept_alive: bool, has_body: bool = True) -> bytes:
        """Return it as bytes; without its body for HEAD."""
        lines = [f"HTTP/1.1 {self.status} {PHRASES.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.status not in (204, 304) and self.status >= 200:
            lines.append(f"Content-Length: {len(self.body)}")
        if not is_kept_alive:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        return head + self.body if has_body else head


class HttpError(Exception):
    """Ends a request with a problem document (RFC 9457)."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def response(self) -> Response:
        """Return the problem as a response."""
        document = {
            "type": "about:blank",
            "title": PHRASES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
        }
        return Response(self.status, msgspec.json.encode(document), PROBLEM, self.headers)


class Outlet(Protocol):
    """A connection, for what has taken it over."""

    @property
    def backlog(self) -> deque[Any]:  # Any: its own
        """What has come and waits for its turn; while it is long nothing is read."""

    @property
    def runner(self) -> "StepRunner": ...

    @property
    def client(self) -> Client: ...
    @property
    def output_bytes(self) -> int:
        """Written and not yet sent."""

    def send(self, wire: bytes) -> None: ...
    def discard(self) -> None:
        """Take back what has been sent and not yet begun to leave: pieces as they were sent, never part of one."""

    def end(self, ending: Ending) -> None: ...


class Upgraded(Protocol):
    """What takes a connection over from requests and responses: a stream of events, or a WebSocket."""

    @property
    def is_ready(self) -> bool:
        """Whether it could go on with what waits in the backlog."""

    def receive(self, data: bytes) -> None:
        """Take what the client sends from now on."""

    def resume(self) -> None:
        """Go on with what waits in the backlog."""

    def push(self, wire: bytes) -> None:
        """Take a message of a channel, as RESP3 bytes."""

    def check_time(self, now_ms: int) -> None:
        """Be told the time, every now and then."""

    def dismiss(self) -> None:
        """Say goodbye, and end the connection: the server stops."""

    def close(self) -> None:
        """Be told that the connection is gone."""


class Takeover:
    """Instead of a response: what happens to the connection."""

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[[Outlet], Upgraded]) -> None:
        self.begin = begin
        """Called at once; whatever it sends is the response."""


Steps: TypeAlias = Generator[
    Sequence[bytes] | Pending, Any, Response | Takeover
]  # Any: a plain value, see wire.py
"""What a handler is: it yields commands, gets their replies, and returns the response. An error reply is one of those.

What takes time and is no command it yields as a ``Pending``."""

Handler: TypeAlias = Callable[[Request], Steps]


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as JSON."""
    return Response(status, msgspec.json.encode(value), JSON, headers)


def decoded(segment: bytes) -> bytes:
    """Undo the percent-encoding of a part of a path."""
    return unquote_to_bytes(segment)
