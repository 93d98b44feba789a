"""A request as handlers see it, and what they answer."""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import lru_cache
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

QUERY_FIELDS: Final = 100

PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}

STATUS_LINES: Final = {status: f"HTTP/1.1 {status} {phrase}\r\n" for status, phrase in PHRASES.items()}


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

    def __init__(  # noqa: PLR0917  # once for each request: words cost a tenth more
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: Mapping[str, str],
        body: bytes,
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
        """The words behind the question mark; of one that comes twice, the last. Raises HttpError.

        Bytes that are no UTF-8 stand as surrogates.
        """
        if self._query is None:
            self._query = _words_of(self.query_bytes.decode("utf-8", "surrogateescape"))
        return self._query

    def json(self) -> Any:  # Any: whatever the client has sent
        """Return the body as JSON; raises HttpError."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise HttpError(400, f"The body is no JSON: {error}") from None


BODILESS: Final = frozenset({204, 304})

SHORT_BODY_BYTES: Final = 4096
"""To write head and body in one go is quicker as long as it copies little."""


class Response:
    """One answer. ``Content-Length`` and ``Connection`` are added where it is written."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, body: bytes = b"", kind: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.headers = dict(headers) if headers else {}
        if kind:
            self.headers["Content-Type"] = kind

    def wire(self, date: str, *, is_kept_alive: bool, has_body: bool = True) -> bytes:
        """Return it as bytes, with a ready line ``Date`` and its end; without the body for HEAD."""
        headers = self.headers
        if len(headers) == 1 and is_kept_alive and has_body and len(self.body) < SHORT_BODY_BYTES:
            [(name, value)] = headers.items()
            if self.status not in BODILESS:
                begin = _head_up_to_length(self.status, date, name, value)
                return b"%b%d\r\n\r\n%b" % (begin, len(self.body), self.body)
        head = STATUS_LINES[self.status] + date
        for name, value in headers.items():
            head += f"{name}: {value}\r\n"
        if self.status not in BODILESS:
            head += f"Content-Length: {len(self.body)}\r\n"
        head += "\r\n" if is_kept_alive else "Connection: close\r\n\r\n"
        wire = head.encode("latin-1", "replace")
        return wire + self.body if has_body and self.body else wire


@lru_cache(maxsize=64)
def _head_up_to_length(status: int, date: str, name: str, value: str) -> bytes:
    """Return what most responses of a second begin with."""
    return f"{STATUS_LINES[status]}{date}{name}: {value}\r\nContent-Length: ".encode("latin-1", "replace")


def sound(text: str) -> str:
    """Return a text that can be sent: what a command repeats of its words may hold bytes that are no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


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
            "detail": sound(self.detail),
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
    def head_lines(self) -> bytes:
        """Lines that the head of its answer must have: the date, and which sites' pages may read it."""

    @property
    def output_bytes(self) -> int:
        """Written and not yet sent."""

    @property
    def sent_bytes(self) -> int: ...
    def may_begin(self) -> bool:
        """Ask whether one more of what waits may begin in this turn; whoever is told so begins it."""

    def send(self, wire: bytes) -> None: ...
    def discard(self) -> None:
        """Take back what has been sent and not yet begun to leave: pieces as they were sent, never part of one."""

    def end(self, ending: Ending) -> None: ...


def held_bytes(waiting: Request | str | None) -> int:
    """Return about what the content of a request, or of a message of a WebSocket, takes while it waits."""
    return 0 if waiting is None else len(waiting) if isinstance(waiting, str) else len(waiting.body)


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


class Together:
    """Several commands at once, for a handler that needs none of their replies for another of them; its answer is a list."""

    __slots__ = ("commands",)

    def __init__(self, commands: Sequence[list[bytes]]) -> None:
        self.commands = commands


Steps: TypeAlias = Generator[
    list[bytes] | Together | Pending, Any, Response | Takeover
]  # Any: a plain value, see wire.py
"""What a handler is: it yields commands, gets their replies, and returns the response. An error reply is one of those.

What takes time and is no command it yields as a ``Pending``."""

Handler: TypeAlias = Callable[[Request], Steps]


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as JSON. Raises HttpError."""
    try:
        return Response(status, msgspec.json.encode(value), JSON, headers)
    except RecursionError:
        raise HttpError(400, "This is nested too deeply for JSON.") from None


def _words_of(text: str) -> dict[str, str]:
    """Return the words of a query. Raises HttpError."""
    if text.count("&") >= QUERY_FIELDS:
        raise HttpError(400, f"A query may have {QUERY_FIELDS} words.")
    if "%" in text or "+" in text:
        return dict(parse_qsl(text, keep_blank_values=True, errors="surrogateescape"))
    if "&" not in text:
        name, _, value = text.partition("=")
        return {name: value} if text else {}
    pairs = [part.partition("=") for part in text.split("&") if part]  # takes a third of the time
    return {name: value for name, _, value in pairs}


def decoded(segment: bytes) -> bytes:
    """Undo the percent-encoding of a part of a path."""
    return unquote_to_bytes(segment) if b"%" in segment else segment
