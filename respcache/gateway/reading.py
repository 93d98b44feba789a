"""From bytes to requests, by httptools (llhttp in strict mode), which knows the ways in which a request can lie about its end.

What we add are bounds: on the head, on the number of headers, and on the body. Of a request that breaks a rule nothing is run,
and nothing behind it is read.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import httptools

from .messages import HttpError, Request

RECEIVE_BYTES: Final = 64 * 1024

HEAD_BYTES: Final = 32 * 1024
"""Request line and headers; browsers stay below 16 KiB."""

PADDED_HEAD_BYTES: Final = 4 * HEAD_BYTES
"""The same with the blanks around it, of which the parser tells nothing."""

HEADERS: Final = 100

UNASKED_BYTES: Final = 64 * 1024
"""A body beyond this, or one that is announced by Expect, is taken only from those who may ask: who has no password, or has come to the
wrong place, would fill the memory otherwise."""

FRAMING: Final = 8
"""How many bytes may stand round each byte of a body, beside as many as a head may have: chunks of one byte need five."""

SINGLE: Final = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "authorization",
        "content-type",
        "if-match",
        "origin",
        "range",
    }
)
"""Headers of which there may be one: whoever reads the first, and whoever reads the last, must not differ."""

USUAL_NAMES: Final = (
    "Accept Accept-Encoding Accept-Language Authorization Cache-Control Connection Content-Length Content-Type Cookie Expect Host"
    " If-Match If-None-Match Origin Range Transfer-Encoding User-Agent"
)
NAMES: Final = {
    spelling.encode(): name.lower() for name in USUAL_NAMES.split() for spelling in (name, name.lower())
}
"""Usual spellings of header names; a look-up takes a third of the time of making them anew."""

METHODS: Final = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

UNREADABLE: Final = "The request cannot be read."


def admit_all(request: Request) -> object:
    """Let everybody send what they want."""
    return None


class RequestReader:
    """Fed with what arrives; ``ready`` holds the requests that are complete."""

    def __init__(self, most_body_bytes: int, admit: Callable[[Request], object] = admit_all) -> None:
        """``admit`` is shown a request without its body, before much of that is taken; it raises HttpError to refuse it."""
        self.ready: list[Request] = []
        self.error: HttpError | None = None
        """What was wrong; nothing is read after it."""
        self.upgraded_rest: bytes | None = None
        """What came behind a request that asks for another protocol."""
        self.awaits_continue = False
        """Whether the client holds the body of its request back until it is told to go on."""
        self.is_in_body = False
        self.missing_bytes = 0
        """How much of a body is still to come, as far as that is known."""
        self._most_body_bytes = most_body_bytes
        self._admit = admit
        self._parser = httptools.HttpRequestParser(self)
        self._body: bytes | bytearray = b""
        self._body_bytes = 0
        self._reset()

    @property
    def is_idle(self) -> bool:
        """Whether no part of a request has been read."""
        return not self._is_in_head and not self.is_in_body

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of a request that is being read, or was given up, as far as they have come."""
        return self._headers

    @property
    def buffered_bytes(self) -> int:
        return self._head_bytes + self._body_bytes

    @property
    def worth(self) -> int:
        """How many times as long as a small request may this one take to arrive."""
        return 1 + self.buffered_bytes // RECEIVE_BYTES

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        if self.error is not None or self.upgraded_rest is not None:
            return
        in_progress = self._headers
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.upgraded_rest = data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError as problem:
            cause = problem.__context__
            self.error = cause if isinstance(cause, HttpError) else HttpError(400, UNREADABLE)
        except httptools.HttpParserError as problem:
            self.error = HttpError(400, f"The request cannot be read: {problem}.")
        if self._is_in_head and self.error is None:
            self._fed_head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES or self._fed_head_bytes > PADDED_HEAD_BYTES:
                self.error = self._head_too_large()
        elif self.is_in_body and self._headers is in_progress and self.error is None:
            self._fed_body_bytes += len(data)
            if self._fed_body_bytes > PADDED_HEAD_BYTES + (1 + FRAMING) * self._body_bytes:
                self.error = HttpError(400, "There is more round the body than in it.")

    # -- called by httptools -----------------------------------------------------

    def on_message_begin(self) -> None:
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes | None) -> None:
        if self.is_in_body:
            return  # behind the chunks: whoever looks at the head alone must not see another request than we do
        key = NAMES.get(name) or name.decode("latin-1").lower()
        text = value.decode("latin-1").strip(" \t") if value else ""
        self._head_bytes += len(key) + len(text) + 4
        self._header_count += 1
        if key not in self._headers:
            self._headers[key] = text
        elif key in SINGLE:
            raise HttpError(400, f"The header {key} is there twice.")
        else:
            self._headers[key] += ", " + text

    def on_headers_complete(self) -> None:
        self._is_in_head, self.is_in_body = False, True
        headers = self._headers
        if self._head_bytes > HEAD_BYTES:
            raise self._head_too_large()
        if self._header_count > HEADERS:
            raise HttpError(431, f"A request may have {HEADERS} headers.")
        if "host" not in headers and self._is_new:
            raise HttpError(400, "A request needs a Host header.")
        if "transfer-encoding" in headers:
            self._look_at_coding(headers["transfer-encoding"])
        length = headers.get("content-length")
        if length is not None and length.isdecimal():
            self.missing_bytes = int(length) if len(length) < 19 else self._most_body_bytes + 1
            if self.missing_bytes > self._most_body_bytes:
                raise self._too_large()
        if "expect" in headers:
            if headers["expect"].lower() != "100-continue":
                raise HttpError(417, "Nothing but 100-continue can be expected.")
            self.awaits_continue = self._is_new
        if self.awaits_continue or self.missing_bytes > UNASKED_BYTES:
            self._ask_for_body()

    def on_body(self, body: bytes) -> None:
        self.awaits_continue = False
        self._body_bytes += len(body)
        self.missing_bytes = max(self.missing_bytes - len(body), 0)
        if self._body_bytes > self._most_body_bytes:
            raise self._too_large()
        if self._body_bytes > UNASKED_BYTES and not self._is_admitted:
            self._ask_for_body()
        if not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body  # not a list: a piece may have one byte, and an object has 34

    def on_message_complete(self) -> None:
        self.ready.append(self._request(bytes(self._body)))
        self._reset()

    # -- within ------------------------------------------------------------------

    def _request(self, body: bytes) -> Request:
        path, _, query = self._url.partition(b"?")
        if path[:1] != b"/" and path != b"*":
            path, self._headers["host"] = _parts_of_absolute(path)
        parser: Any = self._parser
        method = parser.get_method()
        return Request(
            METHODS.get(method) or method.decode(),
            path,
            query.partition(b"#")[0] if query else query,
            self._headers,
            body,
            parser.should_keep_alive(),
            parser.should_upgrade(),
        )

    def _look_at_coding(self, coding: str) -> None:
        """Refuse what nobody here takes out of its wrapping, and what a proxy of old would not see. Raises HttpError."""
        if not self._is_new:
            raise HttpError(400, "HTTP/1.0 knows no Transfer-Encoding.")
        if coding.lower() != "chunked":
            raise HttpError(501, "A body may be chunked, and coded in no other way.")

    def _ask_for_body(self) -> None:
        self._is_admitted = True
        self._admit(self._request(b""))

    @property
    def _is_new(self) -> bool:
        return self._parser.get_http_version() != "1.0"

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_count = self._head_bytes = self._fed_head_bytes = 0
        self._body = b""
        self._body_bytes = self._fed_body_bytes = self.missing_bytes = 0
        self._is_in_head = self.is_in_body = self.awaits_continue = self._is_admitted = False

    def _head_too_large(self) -> HttpError:
        return HttpError(431, f"The head of a request may have {HEAD_BYTES} bytes.")

    def _too_large(self) -> HttpError:
        return HttpError(413, f"A body may have {self._most_body_bytes} bytes.")


def _parts_of_absolute(url: bytes) -> tuple[bytes, str]:
    """Return the path and the host of ``http://host/path``, as proxies are asked for it; that host counts, whatever the header says."""
    scheme, mark, rest = url.partition(b"://")
    host, slash, path = rest.partition(b"/")
    if not mark or not host or scheme.lower() not in (b"http", b"https"):
        raise HttpError(400, "The address of the request cannot be read.")
    return slash + path or b"/", host.decode("latin-1")
