"""From bytes to requests, by httptools (llhttp in strict mode), which knows the ways in which a request can lie about its end.

What we add are bounds: on the head, on the number of headers, and on the body. Of a request that breaks a rule nothing is run,
and nothing behind it is read.
"""

from collections.abc import Callable
from typing import Any, Final

import httptools

from .messages import HttpError, Request

HEAD_BYTES: Final = 32 * 1024
"""Request line and headers; browsers stay below 16 KiB."""

HEADERS: Final = 100

SINGLE: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "authorization", "content-type", "if-match"}
)
"""Headers of which there may be one: whoever reads the first, and whoever reads the last, must not differ."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class RequestReader:
    """Fed with what arrives; ``ready`` holds the requests that are complete."""

    def __init__(self, most_body_bytes: int, send: Callable[[bytes], None]) -> None:
        """``send`` is for ``100 Continue``, which goes out while the request is still being read."""
        self.ready: list[Request] = []
        self.error: HttpError | None = None
        """What was wrong; nothing is read after it."""
        self.upgraded_rest: bytes | None = None
        """What came behind a request that asks for another protocol."""
        self._most_body_bytes = most_body_bytes
        self._send = send
        self._parser = httptools.HttpRequestParser(self)
        self._is_in_head = False
        self._reset()

    @property
    def is_idle(self) -> bool:
        """Whether no part of a request has been read."""
        return not self._is_in_head and not self._is_in_body

    @property
    def buffered_bytes(self) -> int:
        return self._head_bytes + self._body_bytes

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        if self.error is not None or self.upgraded_rest is not None:
            return
        if not self._is_in_body:
            self._fed_head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.upgraded_rest = data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError as problem:
            cause = problem.__context__
            self.error = (
                cause if isinstance(cause, HttpError) else HttpError(400, "The request cannot be read.")
            )
        except httptools.HttpParserError as problem:
            self.error = HttpError(400, f"The request cannot be read: {problem}.")
        if (
            self.error is None
            and self._is_in_head
            and not self._is_in_body
            and self._fed_head_bytes > HEAD_BYTES
        ):
            self.error = HttpError(431, f"The head of a request may have {HEAD_BYTES} bytes.")

    # -- called by httptools -----------------------------------------------------

    def on_message_begin(self) -> None:
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._grow_head(len(url))

    def on_header(self, name: bytes, value: bytes | None) -> None:
        value = value or b""
        self._grow_head(len(name) + len(value) + 4)
        key = name.decode("latin-1").lower()
        self._header_count += 1
        if self._header_count > HEADERS:
            raise HttpError(431, f"A request may have {HEADERS} headers.")
        text = value.decode("latin-1").strip()
        if key not in self._headers:
            self._headers[key] = text
        elif key in SINGLE:
            raise HttpError(400, f"The header {key} is there twice.")
        else:
            self._headers[key] += ", " + text

    def on_headers_complete(self) -> None:
        self._is_in_head, self._is_in_body = False, True
        length = self._headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._most_body_bytes:
            raise self._too_large()
        if self._parser.get_http_version() == "1.1" and "host" not in self._headers:
            raise HttpError(400, "A request needs a Host header.")
        expects = self._headers.get("expect", "").lower()
        if expects == "100-continue":
            self._send(CONTINUE)
        elif expects:
            raise HttpError(417, "Nothing but 100-continue can be expected.")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._most_body_bytes:
            raise self._too_large()
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self._url.partition(b"?")
        if not path.startswith(b"/") and path != b"*":
            path = _path_of_absolute(path)
        parser: Any = self._parser
        self.ready.append(
            Request(
                parser.get_method().decode(),
                path,
                query.partition(b"#")[0],
                self._headers,
                b"".join(self._body),
                is_kept_alive=parser.should_keep_alive(),
                wants_upgrade=parser.should_upgrade(),
            )
        )
        self._reset()

    # -- within ------------------------------------------------------------------

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_count = self._head_bytes = self._fed_head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._is_in_head = self._is_in_body = False

    def _grow_head(self, more: int) -> None:
        self._head_bytes += more
        if self._head_bytes > HEAD_BYTES:
            raise HttpError(431, f"The head of a request may have {HEAD_BYTES} bytes.")

    def _too_large(self) -> HttpError:
        return HttpError(413, f"A body may have {self._most_body_bytes} bytes.")


def _path_of_absolute(url: bytes) -> bytes:
    """Return the path of ``http://host/path``, as proxies are asked for it."""
    try:
        return httptools.parse_url(url).path or b"/"
    except httptools.HttpParserInvalidURLError:
        raise HttpError(400, "The address of the request cannot be read.") from None
