"""``/v1/ws``: commands, channels and events over one WebSocket, as JSON texts. The frames are wsproto's business.

| the client sends | and gets |
| --- | --- |
| ``{"id": 1, "command": ["GET", "a"]}`` | ``{"id": 1, "result": "..."}`` or ``{"id": 1, "error": "..."}``; alone, whoever else listens |
| ``{"id": 2, "publish": ["channel", "text"]}`` | the number of receivers, as ``result`` |
| ``{"id": 3, "subscribe": ["channel"], "patterns": ["news.*"]}`` | ``result``: the number of subscriptions; then ``{"channel", "message"}`` (and ``pattern``) for each message |
| ``{"id": 4, "unsubscribe": ["channel"], "patterns": [...]}`` | ``result``: the number left |
| ``{"id": 5, "events": {"kinds": [...], "match": "user:*"}}``, or false | ``result``: true or false; then ``{"event": {...}}`` for each |

Requests are answered in order, one at a time: what waits for a database or another node holds up what was asked after it.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from ..commands.broker import Broker
from ..commands.client import Ending
from ..commands.pending import Pending
from ..protocol.replies import ErrorReply
from .commands import words_of_command
from .event_filter import Filter, filter_of
from .events import Batch, EventHub
from .handshake import handshake
from .messages import HttpError, Outlet, Request, Response, Steps, Takeover
from .routing import Routes
from .wire import as_json, plain_of_wire, words_of

log = logging.getLogger(__name__)

MOST_MESSAGE_BYTES: Final = 1 << 20

MOST_NAMES: Final = 1000
"""Channels and patterns in one request."""

ANSWERS_BYTES: Final = 1 << 20
"""While so much waits to be sent no further command is run: who only asks cannot be slowed down by not being read."""

SILENT_BEATS: Final = 4
"""A client that has not answered so many pings, half a minute of them, has gone."""

CLOSING_MS: Final = 1000
"""How long we wait for the client's part of a goodbye. Closing with its bytes unread would destroy ours on their way."""

TOO_SLOW: Final = 1008
TOO_BIG: Final = 1009
JSON_ONLY: Final = 1003
GOING_AWAY: Final = 1001

SLOW: Final = "slow-websocket"
"""Why a reader was let go, as metrics call it."""

GAP: Final = b'{"gap":"events before this are not known any more"}'

NO_RESPONSE: Final = Response(204)


class WebSocket:
    """One client, once its connection speaks WebSocket. Is also a reader of events."""

    def __init__(self, outlet: Outlet, broker: Broker, hub: EventHub, now_ms: Callable[[], int]) -> None:
        self.chosen = Filter(frozenset(), "")
        self._outlet = outlet
        self._runner = outlet.runner
        self._broker = broker
        self._hub = hub
        self._now_ms = now_ms
        self._frames = Connection(ConnectionType.SERVER)
        self._parts: list[str] = []
        self._parts_length = 0
        self._is_going_on = False
        self._is_subscribing = False
        self._goodbye: Callable[[], None] | None = None
        """To be said once what has been asked is answered."""
        self._is_closed = False
        """Whether we have said goodbye, or the connection is gone."""
        self._closed_ms: int | None = None
        self._silent_beats = 0
        self._sent_bytes = 0
        """At the last beat."""
        self._answered_bytes = 0
        """What waits because the client has asked for it, about; it does not make a slow reader."""
        hub.sockets[self] = None

    # -- from the client -------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take frames; whoever breaks the rules of the protocol is let go."""
        self._silent_beats = 0
        try:
            self._frames.receive_data(data)
        except LocalProtocolError:
            return  # both have said goodbye
        for event in self._frames.events():
            self._take(event)
        self.resume()

    def _take(self, event: object) -> None:
        match event:
            case CloseConnection():  # from the client; or wsproto's, for one that breaks the rules
                self._goodbye = partial(self._answer_close, event)
                if self._is_closed:
                    self._goodbye()
            case _ if self._is_closed:
                pass
            case TextMessage(data=text, message_finished=is_whole):
                self._collect(text, is_whole=is_whole)
            case BytesMessage():
                self._close(JSON_ONLY, "JSON texts only")
            case Ping():
                self._send_frame(event.response())

    def _answer_close(self, event: CloseConnection) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._send_frame(event.response())
        self._outlet.end(Ending.AFTER_REPLIES)

    def _collect(self, text: str, *, is_whole: bool) -> None:
        if text:
            self._parts.append(text)
            self._parts_length += len(text)
        if self._parts_length > MOST_MESSAGE_BYTES:
            self._close(TOO_BIG, f"a message may have {MOST_MESSAGE_BYTES} characters")
        elif is_whole:
            whole = "".join(self._parts)
            self._parts, self._parts_length = [], 0
            self._outlet.backlog.append(whole)

    @property
    def is_ready(self) -> bool:
        return not (self._runner.is_busy or self._is_subscribing or self._is_closed)

    def resume(self) -> None:
        """Answer what waits, as long as nothing else must be waited for and others need not wait for long."""
        if self._is_going_on:
            return
        self._is_going_on = True
        outlet, backlog = self._outlet, self._outlet.backlog
        while backlog and self.is_ready and outlet.output_bytes <= ANSWERS_BYTES and outlet.may_begin():
            self._read(backlog.popleft())
        self._is_going_on = False
        if self._goodbye is not None and self.is_ready and not backlog:
            self._goodbye()

    def _read(self, text: str) -> None:
        answer: dict[str, Any] = {}
        try:
            try:
                request = msgspec.json.decode(text)
            except (msgspec.MsgspecError, RecursionError):
                request = None
            if not isinstance(request, dict):
                raise HttpError(400, "a message is a JSON object")
            if "id" in request:
                if not isinstance(request["id"], str | int | float | None):
                    raise HttpError(400, "an id is a string or a number")
                answer["id"] = request["id"]
            self._run(request, answer)
        except HttpError as error:
            self._answer(answer | {"error": f"ERR {error.detail}"})

    def _run(self, request: Mapping[str, Any], answer: dict[str, Any]) -> None:
        match request:
            case {"command": command}:
                self._call(words_of_command(command), answer)
            case {"publish": [channel, text]}:
                self._call([b"PUBLISH", words_of(channel), words_of(text)], answer)
            case {"events": False}:
                self._hub.leave(self)
                self._answer(answer | {"result": False})
            case {"events": dict(chosen)}:
                self._follow(filter_of(chosen.get("kinds", []), chosen.get("match", "")), answer)
            case {"subscribe": _} | {"unsubscribe": _} | {"patterns": _}:
                self._subscribe(request, answer)
            case _:
                raise HttpError(400, "a request has command, publish, subscribe, unsubscribe or events")

    def _call(self, words: list[bytes], answer: dict[str, Any]) -> None:
        def one() -> Steps:
            reply = yield words
            if reply.__class__ is ErrorReply:
                self._answer(answer | as_json(reply))
            else:
                self._answer(answer | {"result": as_json(reply)})
            return NO_RESPONSE

        def done(result: object, error: Exception | None) -> None:
            if error is not None:
                log.error("internal error in a command of %s", self._outlet.client.address, exc_info=error)
                self._answer(answer | {"error": "ERR internal error"})
            self.resume()

        self._runner.start(one(), done)

    def _subscribe(self, request: Mapping[str, Any], answer: dict[str, Any]) -> None:
        client, broker = self._outlet.client, self._broker
        leaves = "unsubscribe" in request
        channels = _names(request.get("unsubscribe" if leaves else "subscribe", []))
        patterns = _names(request.get("patterns", []))
        for channel in channels:
            (broker.unsubscribe if leaves else broker.subscribe)(client, channel)
        for pattern in patterns:
            (broker.unsubscribe_pattern if leaves else broker.subscribe_pattern)(client, pattern)
        result = answer | {"result": len(client.channels) + len(client.patterns)}
        confirmation = broker.confirmation(client, None)
        if isinstance(confirmation, Pending):  # other nodes must hear of it before the client does
            self._wait(lambda done: confirmation.when_done(lambda _: done()), result)
        else:
            self._answer(result)

    def _follow(self, chosen: Filter, answer: dict[str, Any]) -> None:
        self._hub.leave(self)
        self.chosen = chosen
        self._hub.add(self)
        self._wait(self._hub.when_listening, answer | {"result": True})

    def _wait(self, when_done: Callable[[Callable[[], None]], None], answer: dict[str, Any]) -> None:
        """Answer once what was begun is done, and nothing else before."""

        def done() -> None:
            self._is_subscribing = False
            self._answer(answer)
            self.resume()

        self._is_subscribing = True
        when_done(done)

    # -- to the client ---------------------------------------------------------------

    def push(self, wire: bytes) -> None:
        """Take a message of a channel or a pattern."""
        match plain_of_wire(wire):
            case [b"message", bytes(channel), bytes(text)]:
                told = {"channel": as_json(channel), "message": as_json(text)}
            case [b"pmessage", bytes(pattern), bytes(channel), bytes(text)]:
                told = {"channel": as_json(channel), "message": as_json(text), "pattern": as_json(pattern)}
            case _:
                return
        self._offer(frame_of(msgspec.json.encode(told)))

    def take(self, batch: Batch) -> None:
        """Take events, each as a message of its own."""
        self._offer(batch.form(frames_form))

    def beat(self) -> None:
        """Ask whether the client is still there."""
        outlet = self._outlet
        if outlet.output_bytes and outlet.sent_bytes > self._sent_bytes:
            # It takes what is in front of our pings; and while much waits it is not read from, so its answers cannot be heard.
            self._silent_beats = 0
        self._sent_bytes = outlet.sent_bytes
        self._silent_beats += 1
        if self._silent_beats > SILENT_BEATS:
            self._outlet.end(Ending.AT_ONCE)
        elif not self._is_closed:
            self._send_frame(Ping())

    def check_time(self, now_ms: int) -> None:
        if self._closed_ms is not None and now_ms - self._closed_ms > CLOSING_MS:
            self._outlet.end(Ending.AFTER_REPLIES)

    def dismiss(self) -> None:
        """Say goodbye, behind the answer to the command that runs."""
        self._goodbye = partial(self._close, GOING_AWAY, "the server stops")
        self._outlet.backlog.clear()
        self.resume()

    def close(self) -> None:
        self._is_closed = True
        self._parts.clear()
        self._hub.leave(self)
        self._hub.sockets.pop(self, None)
        self._broker.forget(self._outlet.client)

    def _answer(self, message: dict[str, Any]) -> None:
        """Send what was asked for, however much it is."""
        if self._is_closed:
            return
        frame = frame_of(msgspec.json.encode(message))
        if not self._outlet.output_bytes:
            self._answered_bytes = 0
        self._answered_bytes += len(frame)
        self._outlet.send(frame)

    def _offer(self, frames: bytes) -> None:
        """Send what comes by itself, unless the client has left too much of that unread."""
        if self._is_closed:
            return
        waiting = self._outlet.output_bytes
        if not waiting:
            self._answered_bytes = 0
        if waiting > self._hub.allowance_bytes + self._answered_bytes:
            self._hub.drop(self, SLOW)
            log.info("%s reads messages too slowly: closed", self._outlet.client.address)
            self._outlet.discard()
            self._close(TOO_SLOW, "the reader is too slow")
            self._outlet.end(Ending.AFTER_REPLIES)
        else:
            self._outlet.send(frames)

    def _send_frame(self, event: Any) -> None:  # Any: what wsproto takes
        try:
            self._outlet.send(self._frames.send(event))
        except LocalProtocolError:
            self._outlet.end(Ending.AFTER_REPLIES)  # it has said goodbye

    def _close(self, code: int, reason: str) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._closed_ms = self._now_ms()
            self._outlet.backlog.clear()
            self._hub.leave(self)
            self._broker.forget(self._outlet.client)
            self._send_frame(CloseConnection(code=code, reason=reason))


def frame_of(text: bytes) -> bytes:
    """Return a text as one frame: a server's are not masked, so the same for everybody."""
    return Connection(ConnectionType.SERVER).send(TextMessage(data=text.decode()))


def frames_form(batch: Batch) -> bytes:
    """Return events as frames."""
    frames = [frame_of(b'{"event":%b}' % event.json) for event in batch.events]
    return b"".join([frame_of(GAP), *frames] if batch.is_after_gap else frames)


def _names(value: object) -> list[bytes]:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        raise HttpError(400, f"channels and patterns are lists of at most {MOST_NAMES} names")
    return [words_of(one) for one in value]


def websocket_routes(broker: Broker, hub: EventHub, now_ms: Callable[[], int]) -> Routes:
    """Return the route that turns a connection into a WebSocket."""
    routes = Routes()

    @routes.add("GET", "/v1/ws")
    def open_websocket(request: Request) -> Steps:
        """Speak WebSocket from here on: commands, channels and events as JSON."""
        head = handshake(request)

        def begin(outlet: Outlet) -> WebSocket:
            outlet.send(head)
            return WebSocket(outlet, broker, hub, now_ms)

        return Takeover(begin)
        yield  # a handler is a generator

    return routes
