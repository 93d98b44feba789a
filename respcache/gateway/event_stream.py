"""``/v1/events``: what happens to the cache, as Server-Sent Events, for browsers and whoever reads lines."""

import logging
from typing import Final

from ..commands.client import Ending
from .event_filter import Filter, filter_of
from .events import Batch, EventHub
from .messages import Outlet, Request, Steps, Takeover
from .routing import Routes

log = logging.getLogger(__name__)

HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
    b"Connection: close\r\n"
)
"""Its beginning; what the connection adds comes behind it."""

BEGIN: Final = b"retry: 1000\n\n"
"""A reader that loses its stream comes back after a second."""

GAP: Final = b'event: gap\ndata: {"reason":"events before this are not known any more"}\n\n'
DROPPED: Final = b'event: dropped\ndata: {"reason":"the reader is too slow"}\n\n'
STOPPED: Final = b'event: stopped\ndata: {"reason":"the server stops"}\n\n'
HEARTBEAT: Final = b":\n\n"

SLOW: Final = "slow-stream"
"""Why a reader was let go, as metrics call it."""


class EventStream:
    """One reader: what has taken its connection over."""

    is_ready = False

    def __init__(self, hub: EventHub, outlet: Outlet, chosen: Filter) -> None:
        self.chosen = chosen
        self._hub = hub
        self._outlet = outlet
        self._has_begun = False
        self._is_closed = False
        self._was_told = True
        self._replayed_bytes = 0
        """What was sent at once, for which the reader shall not be blamed."""

    def join(self, last_id: str) -> None:
        """Send a reader what it has missed, as far as that is known, and from then on all that it wants."""
        self._hub.add(self)
        # Who has read the head counts on every event from then on, of other nodes as well.
        self._hub.when_listening(lambda: self._begin(last_id))

    def _begin(self, last_id: str) -> None:
        if self._is_closed:
            return
        self._hub.flush()
        self._has_begun = True
        wire = self._head + BEGIN
        if last_id:
            wire += stream_form(self._hub.missed(self.chosen, last_id))
        self._replayed_bytes = len(wire)
        self._outlet.send(wire)

    def show_head(self) -> None:
        """Answer HEAD."""
        self._outlet.send(self._head)
        self._outlet.end(Ending.AFTER_REPLIES)

    @property
    def _head(self) -> bytes:
        return HEAD + self._outlet.head_lines + b"\r\n"

    def receive(self, data: bytes) -> None:
        """Do nothing: a reader has said all that it had to say."""

    def resume(self) -> None:
        """Do nothing: nothing waits."""

    def push(self, wire: bytes) -> None:
        """Do nothing: it subscribes to nothing by itself."""

    def take(self, batch: Batch) -> None:
        if not self._has_begun:
            return
        waiting = self._outlet.output_bytes
        if not waiting:
            self._replayed_bytes = 0
        if waiting > self._hub.allowance_bytes + self._replayed_bytes:
            self._let_go()
            return
        self._was_told = True
        self._outlet.send(batch.form(stream_form))

    def beat(self) -> None:
        if self._has_begun and not self._was_told:
            self._outlet.send(HEARTBEAT)
        self._was_told = False

    def check_time(self, now_ms: int) -> None:
        """Do nothing: a stream has no end."""

    def dismiss(self) -> None:
        self._outlet.send(STOPPED)
        self._outlet.end(Ending.AFTER_REPLIES)

    def close(self) -> None:
        self._is_closed = True
        self._hub.leave(self)

    def _let_go(self) -> None:
        self._hub.drop(self, SLOW)
        log.info("%s reads events too slowly: closed", self._outlet.client.address)
        self._outlet.discard()
        self._outlet.send(DROPPED)
        self._outlet.end(Ending.AFTER_REPLIES)


def stream_form(batch: Batch) -> bytes:
    """Return events as they stand in a stream."""
    run = batch.run
    told = b"".join([b"id: %b-%d\ndata: %b\n\n" % (run, event.number, event.json) for event in batch.events])
    return GAP + told if batch.is_after_gap else told


def event_routes(hub: EventHub) -> Routes:
    """Return the route of the stream."""
    routes = Routes()

    @routes.add("GET", "/v1/events")
    def stream_events(request: Request) -> Steps:
        """Follow what happens: ``?kinds=`` and ``?match=`` choose; ``Last-Event-ID`` goes on where a stream was cut."""
        words = [word for word in request.query.get("kinds", "").split(",") if word]
        chosen = filter_of(words, request.query.get("match", ""))
        last_id = request.headers.get("last-event-id", "") or request.query.get("last-event-id", "")

        def begin(outlet: Outlet) -> EventStream:
            stream = EventStream(hub, outlet, chosen)
            if request.method == "HEAD":
                stream.show_head()
            else:
                stream.join(last_id)
            return stream

        return Takeover(begin)
        yield  # a handler is a generator

    return routes
