"""``/v1/events``: what happens to the cache, as Server-Sent Events, for browsers and whoever reads lines.

One subscriber of the channels ``respcache:events`` and ``respcache:cluster`` stands for all readers, so events of all nodes come once,
as JSON. They are collected for a moment and leave together: readers that want the same get the same bytes.
The last ones are kept, so that a reader who was cut off (``Last-Event-ID``) misses nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any, Final, Protocol

import msgspec
import trio

from ..commands.broker import Broker
from ..commands.client import Client, Ending
from ..events.vocabulary import events_named
from ..keyspace.glob import compile_glob
from ..protocol.limits import Limits
from .messages import HttpError, Outlet, Request, Steps, Takeover
from .routing import Routes

CHANNELS: Final = (b"respcache:events", b"respcache:cluster")

TOGETHER_S: Final = 0.02
"""How long events are collected: nobody sees that, and it is one send instead of a hundred."""

KEPT_EVENTS: Final = 10_000
"""Some 3 MB; two seconds of a busy server, minutes of a quiet one."""

LINGER_S: Final = 60.0
"""For so long after the last reader has gone events are kept for its return."""

HEARTBEAT_S: Final = 15.0
"""Proxies close what has been silent for half a minute."""

LONGEST_PATTERN: Final = 1024

MOST_UNSENT_BYTES: Final = 4 * 1024 * 1024
"""What may wait for a reader; then it is let go."""

HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
    b"Connection: close\r\n\r\nretry: 1000\n\n"
)


class Filter(msgspec.Struct, frozen=True):
    """Which events a reader wants."""

    kinds: frozenset[str]
    """Empty for all."""
    pattern: str
    """Of keys, as a glob; empty for events with any key or none."""


class Event:
    """One event and its place in the stream."""

    __slots__ = ("facts", "json", "number")

    def __init__(self, number: int, json: bytes) -> None:
        self.number = number
        self.json = json
        self.facts: Mapping[str, Any] | None = None
        """Read from the JSON when a filter asks."""


class Reader(Protocol):
    """Who follows events."""

    chosen: Filter

    def take(self, texts: list[bytes], chunk: Callable[[], bytes]) -> None:
        """Take events as JSON, or as one chunk of the stream's bytes that all who want the same share."""

    def beat(self) -> None:
        """Say something, or the way to the client may be closed."""


class EventStream:
    """One reader: what has taken its connection over."""

    def __init__(self, hub: "EventHub", outlet: Outlet, chosen: Filter) -> None:
        self.chosen = chosen
        self.outlet = outlet
        self._hub = hub

    def receive(self, data: bytes) -> None:
        """Do nothing: a reader has said all that it had to say."""

    def push(self, wire: bytes) -> None:
        """Do nothing: it subscribes to nothing by itself."""

    def take(self, texts: list[bytes], chunk: Callable[[], bytes]) -> None:
        self._send(chunk())

    def beat(self) -> None:
        self._send(b":\n\n")

    def _send(self, wire: bytes) -> None:
        outlet = self.outlet
        if outlet.output_bytes + len(wire) <= MOST_UNSENT_BYTES:
            outlet.send(wire)
            return
        self._hub.dropped_readers += 1
        self._hub.leave(self)
        outlet.send(b'event: dropped\ndata: {"reason":"the reader is too slow"}\n\n')
        outlet.end(Ending.AFTER_REPLIES)

    def dismiss(self) -> None:
        self.outlet.send(b'event: stopped\ndata: {"reason":"the server stops"}\n\n')

    def close(self) -> None:
        self._hub.leave(self)


class EventHub:
    """The one subscriber for all readers. Is its client's ``Connection``."""

    def __init__(self, broker: Broker, run_id: str, next_client: Callable[["EventHub"], Client]) -> None:
        self.readers: dict[Reader, None] = {}
        self.dropped_readers = 0
        self.sent_events = 0
        self._broker = broker
        self._run_id = run_id[:8]
        self._next_client = next_client
        self._client: Client | None = None
        self._kept: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._new: list[Event] = []
        self._count = 0
        self._has_new = trio.Event()

    # -- readers -------------------------------------------------------------------

    def join(self, outlet: Outlet, chosen: Filter, last_id: str) -> EventStream:
        """Send a reader what it has missed, as far as that is known, and from now on all that it wants."""
        reader = EventStream(self, outlet, chosen)
        self.add(reader)
        outlet.send(HEAD + self._missed(chosen, last_id))
        return reader

    def add(self, reader: Reader) -> None:
        """Tell a reader of everything from now on."""
        self._listen()
        self.flush()
        self.readers[reader] = None

    def leave(self, reader: Reader) -> None:
        self.readers.pop(reader, None)
        if not self.readers:
            self._has_new.set()

    def _missed(self, chosen: Filter, last_id: str) -> bytes:
        run, _, number = last_id.partition("-")
        if not last_id:
            return b""
        first = self._kept[0].number if self._kept else self._count + 1
        if run != self._run_id or not number.isdecimal() or int(number) + 1 < first:
            return b'event: gap\ndata: {"reason":"what came meanwhile is not known any more"}\n\n'
        after = int(number)
        return self._chunk(one for one in self._kept if one.number > after and _passes(one, chosen))

    # -- events --------------------------------------------------------------------

    def push(self, wire: bytes) -> None:
        """Take a message of a channel: the last of three bulk strings."""
        end = len(wire) - 2
        begin = wire.index(b"\r\n", wire.index(b"\r\n$", wire.index(b"respcache:")) + 2) + 2
        self._count += 1
        event = Event(self._count, wire[begin:end])
        self._kept.append(event)
        self._new.append(event)
        self._has_new.set()

    async def run(self) -> None:
        """Send events on until cancelled."""
        quiet_since_s = trio.current_time()
        while True:
            with trio.move_on_after(HEARTBEAT_S) as silence:
                await self._has_new.wait()
            if silence.cancelled_caught:
                self._beat()
            self._has_new = trio.Event()
            await trio.sleep(TOGETHER_S)
            self.flush()
            now_s = trio.current_time()
            if self.readers:
                quiet_since_s = now_s
            elif self._client is not None and now_s - quiet_since_s > LINGER_S:
                self._stop_listening()

    def flush(self) -> None:
        """Send what has been collected."""
        events, self._new = self._new, []
        if not events:
            return
        wanted: dict[Filter, tuple[list[Event], Callable[[], bytes]]] = {}
        for reader in list(self.readers):
            found = wanted.get(reader.chosen)
            if found is None:
                fitting = [event for event in events if _passes(event, reader.chosen)]
                found = wanted[reader.chosen] = fitting, cache(partial(self._chunk, fitting))
            if found[0]:
                reader.take([event.json for event in found[0]], found[1])
        self.sent_events += len(events)

    def _beat(self) -> None:
        for reader in list(self.readers):
            reader.beat()

    def _chunk(self, events: Iterable[Event]) -> bytes:
        """Return events as the stream's bytes."""
        run = self._run_id.encode()
        return b"".join(b"id: %b-%d\ndata: %b\n\n" % (run, event.number, event.json) for event in events)

    # -- its subscription ------------------------------------------------------------

    def _listen(self) -> None:
        if self._client is None:
            self._client = self._next_client(self)
            for channel in CHANNELS:
                self._broker.subscribe(self._client, channel)

    def _stop_listening(self) -> None:
        assert self._client is not None
        self._broker.forget(self._client)
        self._client = None
        self._kept.clear()

    # -- the rest of ``commands.client.Connection``: it runs no commands ---------------

    received_bytes = sent_bytes = query_bytes = output_bytes = 0

    def end(self, ending: Ending) -> None:
        """End nothing."""

    def hold(self) -> None:
        """Hold nobody."""

    def release(self) -> None:
        """Release nobody."""

    def jam(self) -> None:
        """Hold nobody."""

    def clear_jam(self) -> None:
        """Release nobody."""

    def dismiss(self) -> None:
        """End nothing."""

    def select(self, index: int) -> None:
        """Select nothing."""

    def settle(self) -> None:
        """Settle nothing."""

    def set_request_limits(self, limits: Limits) -> None:
        """Limit nothing."""


def _passes(event: Event, chosen: Filter) -> bool:
    """Say whether a reader wants an event."""
    if not chosen.kinds and not chosen.pattern:
        return True
    if event.facts is None:
        event.facts = msgspec.json.decode(event.json)
    assert event.facts is not None
    if chosen.kinds and event.facts.get("kind") not in chosen.kinds:
        return False
    if not chosen.pattern:
        return True
    key = event.facts.get("key")
    return key is not None and bool(compile_glob(chosen.pattern.encode())(key.encode()))


def filter_of(words: object, pattern: object) -> Filter:
    """Read what a reader asks for. Raises HttpError."""
    if not isinstance(words, list) or not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        raise HttpError(400, "kinds are a list of words, and match is a pattern")
    try:
        kinds = frozenset(event.kind for event in events_named(map(str, words)))
    except ValueError as error:
        raise HttpError(400, f"{error}") from None
    return Filter(kinds, pattern)


def event_routes(hub: EventHub) -> Routes:
    """Return the route of the stream."""
    routes = Routes()

    @routes.add("GET", "/v1/events")
    def stream_events(request: Request) -> Steps:
        """Follow what happens: ``?kinds=`` and ``?match=`` choose; ``Last-Event-ID`` goes on where a stream was cut."""
        words = [word for word in request.query.get("kinds", "").split(",") if word]
        chosen = filter_of(words, request.query.get("match", ""))
        last_id = request.headers.get("last-event-id", "") or request.query.get("last-event-id", "")
        return Takeover(lambda outlet: hub.join(outlet, chosen, last_id))
        yield  # a handler is a generator

    return routes
