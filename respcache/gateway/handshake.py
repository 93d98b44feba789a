"""How a request becomes a WebSocket (RFC 6455, section 4), or why it does not."""

import base64
import binascii
from hashlib import sha1
from typing import Final

from .messages import HttpError, Request

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

KEY_BYTES: Final = 16


def handshake(request: Request) -> bytes:
    """Return the answer to a request for a WebSocket. Raises HttpError."""
    headers = request.headers
    if request.method != "GET":
        raise HttpError(405, "A WebSocket begins with GET.", {"Allow": "GET"})
    if not request.wants_upgrade or headers.get("upgrade", "").lower() != "websocket":
        raise HttpError(426, "This address speaks WebSocket.", {"Upgrade": "websocket"})
    if headers.get("sec-websocket-version") != "13":
        raise HttpError(426, "Version 13, please.", {"Sec-WebSocket-Version": "13"})
    key = headers.get("sec-websocket-key", "")
    if not _is_key(key):
        raise HttpError(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
    if not _is_from_here(headers.get("origin", ""), headers.get("host", "")):
        raise HttpError(403, "Pages of other sites may not open WebSockets here.")
    accept = base64.b64encode(
        sha1(key.encode() + GUID).digest()
    )  # as the RFC has it; nothing hangs on its strength
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _is_from_here(origin: str, host: str) -> bool:
    """Say whether a page may: browsers do not ask before they open a WebSocket, but they say whose page it is."""
    return not origin or origin.partition("://")[2].lower() == host.lower()
