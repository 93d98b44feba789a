"""A gateway without sockets: a harness with sinks, and connections whose bytes a test sends and reads by hand.

    live = Live()
    stream = live.open(get("/v1/events"))
    live.client("SET a 1")
    live.hub.flush()
    assert [event["key"] for event in stream.events()] == ["a"]

What a connection does not ``read`` waits in its session, as it would where a socket is full.
"""

import base64
import json
import re
from typing import Any

from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, TextMessage

from respcache.app.gateway import make_gateway
from respcache.app.sinks import EventSinks
from respcache.commands.client import Client, Ending
from respcache.gateway.event_sources import ToldEvents
from respcache.gateway.session import HttpSession
from respcache.server.reactor import LOW_WATER_BYTES
from tests.commands.harness import Harness

KEY = base64.b64encode(b"sixteen bytes...").decode()

ID = re.compile(r"^id: (\S+)$", re.MULTILINE)


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def upgrade(*headers: str, key: str = KEY, version: str = "13", method: str = "GET") -> bytes:
    return get(
        "/v1/ws",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {key}",
        f"Sec-WebSocket-Version: {version}",
        *headers,
        method=method,
    )


def command(*words: object, id: int | None = None) -> dict[str, Any]:
    return {"command": list(words)} if id is None else {"id": id, "command": list(words)}


class Live:
    """A server and its gateway."""

    def __init__(self, harness: Harness | None = None, **settings: str) -> None:
        self.harness = harness or Harness(None, **settings)
        composition = self.harness.composition
        EventSinks(composition, self.harness.settings)
        self.is_stopping = False
        self.gateway = make_gateway(self.harness.settings, composition, lambda: self.is_stopping)
        self.hub = self.gateway.hub
        self.client = self.harness.client()
        self.node = self.harness.node

    def hear_all_nodes(self) -> None:
        """Take events from the channels, as a node of a cluster does."""
        node = self.node
        self.hub._source = ToldEvents(
            node.broker, lambda source: Client(node.clients.next_id(), source, "http", "", node.clock.now_ms)
        )

    def connect(self) -> "Wire":
        return Wire(self)

    def open(self, request: bytes) -> "Wire":
        """Connect, and send a request."""
        wire = self.connect()
        wire.send(request)
        return wire

    def websocket(self, *headers: str) -> "Socket":
        wire = self.open(upgrade(*headers))
        head = wire.read()
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert head.endswith(b"\r\n\r\n")
        return Socket(wire)

    def follow(self, query: str = "", *headers: str) -> "Stream":
        """Open a stream of events, and read its head."""
        stream = Stream(self.open(get(f"/v1/events{query}", *headers)))
        stream.text()
        return stream


class Wire:
    """One connection."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.wakes = 0
        self.session = HttpSession(live.gateway, self._woken, "127.0.0.1:50000", is_local=True)
        live.gateway.sessions[self.session] = None

    def _woken(self) -> None:
        self.wakes += 1

    def send(self, data: bytes) -> None:
        """Bring bytes, and give it turns as long as it has work, as the reactor does."""
        self.live.gateway.begin_turn()
        self.session.receive(data)
        self.turn()

    def turn(self) -> None:
        for _ in range(1000):
            if not self.session.is_hungry or self.session.output_bytes > LOW_WATER_BYTES:
                return
            self.live.gateway.begin_turn()
            self.session.resume()
        raise AssertionError("it is hungry for ever")

    def read(self) -> bytes:
        """Take what has been sent, and go on with what waited for that."""
        taken = b"".join(self.session.take_output())
        self.turn()
        return taken

    def wait(self, ms: int) -> None:
        """Let time go by, as housekeeping sees it."""
        for _ in range(0, ms, 100):
            self.live.harness.clock.advance(100)
            self.live.gateway.look_after(self.live.harness.clock.now_ms)

    @property
    def ending(self) -> Ending | None:
        return self.session.client.ending


class Stream:
    """A reader of Server-Sent Events."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.last_id = ""

    def text(self) -> str:
        text = self.wire.read().decode()
        self.last_id = (ID.findall(text) or [self.last_id])[-1]
        return text

    def events(self) -> list[dict[str, Any]]:
        """Read the events that have come; of those with a name, such as ``gap``, the name stands as kind."""
        return events_in(self.text())

    def keys(self) -> list[str]:
        return [event.get("key", event["kind"]) for event in self.events()]


def events_in(text: str) -> list[dict[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            event = json.loads(fields["data"])
            found.append(event if "event" not in fields else {**event, "kind": fields["event"]})
    return found


class Socket:
    """The client's end of a WebSocket, by wsproto."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.frames = Connection(ConnectionType.CLIENT)
        self.seen: list[Event] = []

    def say(self, message: object) -> None:
        self.say_text(json.dumps(message))

    def say_text(self, text: str, *, is_whole: bool = True) -> None:
        self.wire.send(self.frames.send(TextMessage(data=text, message_finished=is_whole)))

    def send(self, event: Event) -> None:
        self.wire.send(self.frames.send(event))

    def receive(self) -> list[Event]:
        self.frames.receive_data(self.wire.read())
        return list(self.frames.events())

    def messages(self) -> list[Any]:
        """Return the messages that have come."""
        return [json.loads(event.data) for event in self.receive() if isinstance(event, TextMessage)]

    def messages_now(self) -> list[Any]:
        """The same, without giving the server another turn."""
        self.frames.receive_data(b"".join(self.wire.session.take_output()))
        return [json.loads(event.data) for event in self.frames.events() if isinstance(event, TextMessage)]

    def ask(self, message: object) -> Any:
        """Say something and return its only answer."""
        self.say(message)
        [answer] = self.messages()
        return answer

    def closing(self) -> tuple[int, str | None]:
        """Return how the server has closed."""
        [close] = [event for event in self.receive() if isinstance(event, CloseConnection)]
        return int(close.code), close.reason
