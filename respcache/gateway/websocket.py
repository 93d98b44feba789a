"""``/v1/ws``: commands, channels and events over one WebSocket, as JSON texts. The frames are wsproto's business.

| the client sends | and gets |
| --- | --- |
| ``{"id": 1, "command": ["GET", "a"]}`` | ``{"id": 1, "result": "..."}`` or ``{"id": 1, "error": "..."}``; alone, whoever else listens |
| ``{"id": 2, "publish": ["channel", "text"]}`` | the number of receivers, as ``result`` |
| ``{"id": 3, "subscribe": ["channel"], "patterns": ["news.*"]}`` | ``result``: the number of subscriptions; then ``{"channel", "message"}`` (and ``pattern``) for each message |
| ``{"id": 4, "unsubscribe": ["channel"], "patterns": [...]}`` | ``result``: the number left |
| ``{"id": 5, "events": {"kinds": [...], "match": "user:*"}}``, or false | ``result``: true; then ``{"event": {...}}`` for each |
"""

import base64
import binascii
from collections import deque
from collections.abc import Callable, Mapping
from hashlib import sha1
from typing import Any, Final

import msgspec
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from ..commands.broker import Broker
from ..commands.client import Ending
from ..protocol.replies import ErrorReply
from .commands import words_of_command
from .events import EventHub, Filter, filter_of
from .messages import HttpError, Outlet, Request, Response, Steps, Takeover
from .routing import Routes
from .wire import as_json, plain_of_wire

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

MOST_MESSAGE_BYTES: Final = 1 << 20

MOST_UNSENT_BYTES: Final = 4 << 20
"""What may wait for a reader; then it is let go."""

AHEAD: Final = 1024
"""Requests that may wait for their turn; a client that sends more without waiting is let go."""

TOO_SLOW: Final = 1008
TOO_BIG: Final = 1009
GOING_AWAY: Final = 1001
BROKEN: Final = 1002


class WebSocket:
    """One client, once its connection speaks WebSocket."""

    def __init__(self, outlet: Outlet, broker: Broker, hub: EventHub) -> None:
        self._outlet = outlet
        self._runner = outlet.runner
        self._broker = broker
        self._hub = hub
        self._frames = Connection(ConnectionType.SERVER)
        self._parts: list[str] = []
        self._parts_length = 0
        self._waiting: deque[dict[str, Any]] = deque()
        self._reader: EventReader | None = None
        self._is_closed = False

    # -- from the client -------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take frames; whoever breaks the rules of the protocol is let go."""
        try:
            self._frames.receive_data(data)
            for event in self._frames.events():
                self._take(event)
        except RemoteProtocolError as error:
            self._close(BROKEN, str(error))

    def _take(self, event: object) -> None:
        match event:
            case TextMessage(data=text, message_finished=is_whole):
                self._parts.append(text)
                self._parts_length += len(text)
                if self._parts_length > MOST_MESSAGE_BYTES:
                    self._close(TOO_BIG, f"a message may have {MOST_MESSAGE_BYTES} characters")
                elif is_whole:
                    whole = "".join(self._parts)
                    self._parts, self._parts_length = [], 0
                    self._read(whole)
            case BytesMessage():
                self._close(1003, "JSON texts only")
            case Ping():
                self._send_frame(event.response())
            case CloseConnection():
                if not self._is_closed:
                    self._is_closed = True
                    self._send_frame(event.response())
                self._outlet.end(Ending.AFTER_REPLIES)

    def _read(self, text: str) -> None:
        try:
            request = msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._tell({"error": "ERR a message is a JSON object"})
            return
        if len(self._waiting) >= AHEAD:
            self._close(TOO_SLOW, "too many requests wait for their turn")
            return
        self._waiting.append(request)
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and not self._runner.is_busy and not self._is_closed:
            request = self._waiting.popleft()
            answer = {"id": request["id"]} if "id" in request else {}
            try:
                self._run(request, answer)
            except HttpError as error:
                self._tell(answer | {"error": f"ERR {error.detail}"})

    def _run(self, request: Mapping[str, Any], answer: dict[str, Any]) -> None:
        match request:
            case {"command": command}:
                self._call(words_of_command(command), answer)
            case {"publish": [str(channel), str(text)]}:
                self._call([b"PUBLISH", channel.encode(), text.encode()], answer)
            case {"events": False}:
                self._follow(None)
                self._tell(answer | {"result": False})
            case {"events": dict(chosen)}:
                self._follow(filter_of(chosen.get("kinds", []), chosen.get("match", "")))
                self._tell(answer | {"result": True})
            case {"subscribe": _} | {"unsubscribe": _} | {"patterns": _}:
                self._tell(answer | {"result": self._subscribe(request)})
            case _:
                raise HttpError(400, "a request has command, publish, subscribe, unsubscribe or events")

    def _call(self, words: list[bytes], answer: dict[str, Any]) -> None:
        def one() -> Steps:
            reply = yield words
            if reply.__class__ is ErrorReply:
                self._tell(answer | as_json(reply))
            else:
                self._tell(answer | {"result": as_json(reply)})
            return NO_RESPONSE

        def done(result: object, error: Exception | None) -> None:
            if error is not None:
                self._tell(answer | {"error": "ERR internal error"})
            self._go_on()

        self._runner.start(one(), done)

    def _subscribe(self, request: Mapping[str, Any]) -> int:
        client, broker = self._outlet.client, self._broker
        leaves = "unsubscribe" in request
        for channel in _names(request.get("unsubscribe" if leaves else "subscribe", [])):
            (broker.unsubscribe if leaves else broker.subscribe)(client, channel)
        for pattern in _names(request.get("patterns", [])):
            (broker.unsubscribe_pattern if leaves else broker.subscribe_pattern)(client, pattern)
        return len(client.channels) + len(client.patterns)

    def _follow(self, chosen: Filter | None) -> None:
        if self._reader is not None:
            self._hub.leave(self._reader)
            self._reader = None
        if chosen is not None:
            self._reader = EventReader(self, chosen)
            self._hub.add(self._reader)

    # -- to the client ---------------------------------------------------------------

    def push(self, wire: bytes) -> None:
        """Take a message of a channel or a pattern."""
        message = plain_of_wire(wire)
        match message:
            case [b"message", bytes(channel), bytes(text)]:
                self._tell({"channel": as_json(channel), "message": as_json(text)})
            case [b"pmessage", bytes(pattern), bytes(channel), bytes(text)]:
                told = {"channel": as_json(channel), "message": as_json(text), "pattern": as_json(pattern)}
                self._tell(told)

    def tell_events(self, texts: list[bytes]) -> None:
        """Send events on, each as a message of its own."""
        for text in texts:
            self._send_text('{"event":' + text.decode("utf-8", "replace") + "}")

    def dismiss(self) -> None:
        self._close(GOING_AWAY, "the server stops")

    def close(self) -> None:
        self._is_closed = True
        self._follow(None)
        self._waiting.clear()
        self._broker.forget(self._outlet.client)

    def _tell(self, message: dict[str, Any]) -> None:
        self._send_text(msgspec.json.encode(message).decode())

    def _send_text(self, text: str) -> None:
        if self._is_closed:
            return
        if self._outlet.output_bytes + len(text) > MOST_UNSENT_BYTES:
            self._hub.dropped_readers += 1
            self._close(TOO_SLOW, "the reader is too slow")
            return
        self._send_frame(TextMessage(data=text))

    def _send_frame(self, event: Any) -> None:
        try:
            self._outlet.send(self._frames.send(event))
        except LocalProtocolError:
            self._outlet.end(Ending.AFTER_REPLIES)  # it is closing

    def _close(self, code: int, reason: str) -> None:
        if not self._is_closed:
            self._send_frame(CloseConnection(code=code, reason=reason[:100]))
            self._is_closed = True
        self._outlet.end(Ending.AFTER_REPLIES)


class EventReader:
    """A WebSocket that follows events, as the hub sees it."""

    def __init__(self, socket: WebSocket, chosen: Filter) -> None:
        self.chosen = chosen
        self._socket = socket

    def take(self, texts: list[bytes], chunk: Callable[[], bytes]) -> None:
        self._socket.tell_events(texts)

    def beat(self) -> None:
        """Do nothing: WebSockets have pings of their own."""


NO_RESPONSE: Final = Response(204)


def _names(value: object) -> list[bytes]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value) or len(value) > 1000:
        raise HttpError(400, "channels and patterns are lists of at most 1000 strings")
    return [one.encode("utf-8", "surrogatepass") for one in value]


def websocket_routes(broker: Broker, hub: EventHub) -> Routes:
    """Return the route that turns a connection into a WebSocket."""
    routes = Routes()

    @routes.add("GET", "/v1/ws")
    def open_websocket(request: Request) -> Steps:
        """Speak WebSocket from here on: commands, channels and events as JSON."""
        head = _handshake(request)

        def begin(outlet: Outlet) -> WebSocket:
            outlet.send(head)
            return WebSocket(outlet, broker, hub)

        return Takeover(begin)
        yield  # a handler is a generator

    return routes


def _handshake(request: Request) -> bytes:
    """Return the answer to a request for a WebSocket. Raises HttpError."""
    headers = request.headers
    if not request.wants_upgrade or headers.get("upgrade", "").lower() != "websocket":
        raise HttpError(426, "This address speaks WebSocket.", {"Upgrade": "websocket"})
    if headers.get("sec-websocket-version") != "13":
        raise HttpError(426, "Version 13, please.", {"Sec-WebSocket-Version": "13"})
    key = headers.get("sec-websocket-key", "")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        is_key = False
    if not is_key:
        raise HttpError(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
    origin = headers.get("origin", "")
    if origin and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        raise HttpError(403, "Pages of other sites may not open WebSockets here.")
    accept = base64.b64encode(sha1(key.encode() + GUID).digest())  # as RFC 6455 has it
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )
