"""Where live events come from: this server's own, or those of all nodes of a cluster.

A server that is alone is asked for the kinds that readers want and for no others, and its events become JSON when somebody is sent them.
In a cluster events come as messages of channels, from all nodes, as JSON and of all kinds.
"""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from ..commands.broker import Broker
from ..commands.client import Client
from ..commands.nobody import Nobody
from ..commands.pending import Pending
from ..events.bus import Bus
from ..events.encoding import to_json
from ..events.record import Event as Record
from ..events.record import KeyEvent
from ..events.vocabulary import Created, Deleted, Touched, Updated

CHANNELS: Final = (b"respcache:events", b"respcache:cluster")

RECORD_BYTES: Final = 100
"""What an event's JSON takes beside key and value and the name of the node, about."""


class Event(Protocol):
    """One event and its place among all."""

    number: int
    size_bytes: int
    """About how long its JSON is."""

    @property
    def json(self) -> bytes: ...
    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> bytes | None:
        """The key that it is about; None where it is about none."""


class Facts(msgspec.Struct):
    """What filters ask of an event."""

    kind: str
    key: str | None = None
    key_base64: bytes | None = None
    """msgspec reads base64."""


_facts_of: Final = msgspec.json.Decoder(Facts).decode


class ToldEvent:
    """An event that came as JSON."""

    __slots__ = ("_facts", "json", "number", "size_bytes")

    def __init__(self, json: bytes, facts: Facts) -> None:
        self.number = 0
        self.json = json
        self.size_bytes = len(json)
        self._facts = facts

    @property
    def kind(self) -> str:
        return self._facts.kind

    @property
    def key(self) -> bytes | None:
        facts = self._facts
        return facts.key_base64 if facts.key is None else facts.key.encode()


def told_event(json: bytes) -> ToldEvent | None:
    """Return the event of a message; None for what is none, or would break the lines of a stream: any client may publish."""
    if b"\n" in json or b"\r" in json:
        return None
    try:
        json.decode()
        return ToldEvent(json, _facts_of(json))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


class OwnEvent:
    """An event of this server. Its JSON is made when the first reader is sent it, where it is a change without a value."""

    __slots__ = ("_json", "number", "record", "size_bytes")

    def __init__(self, record: Record, value_limit_bytes: int) -> None:
        self.number = 0
        self.record = record
        self._json = b""
        self.size_bytes: int
        if isinstance(record, Created | Updated | Touched | Deleted) and not value_limit_bytes:
            self.size_bytes = RECORD_BYTES + len(record.node) + len(record.key)
        else:
            self._json = to_json(record, value_limit_bytes)
            self.size_bytes = len(self._json)

    @property
    def json(self) -> bytes:
        if not self._json:
            self._json = to_json(self.record)
        return self._json

    @property
    def kind(self) -> str:
        return self.record.kind

    @property
    def key(self) -> bytes | None:
        return self.record.key if isinstance(self.record, KeyEvent) else None


Take = Callable[[Event], None]


class Source(Protocol):
    """Brings events of the kinds that are wanted, others perhaps as well."""

    def follow(self, kinds: frozenset[str], take: Take) -> Pending | None:
        """Bring these kinds from now on, to ``take``; none for the empty set. A pending is resolved once all of them will come."""


class OwnEvents:
    """The events of a server that is alone. Is a sink of its bus."""

    def __init__(self, bus: Bus, kinds: frozenset[type[Record]], value_limit_bytes: int) -> None:
        self._bus = bus
        self._kinds = kinds
        self._value_limit_bytes = value_limit_bytes
        self._take: Take | None = None

    def follow(self, kinds: frozenset[str], take: Take) -> Pending | None:
        self._take = take
        wanted = frozenset(one for one in self._kinds if one.kind in kinds)
        if wanted:
            self._bus.subscribe(self, wanted, self._value_limit_bytes)
        else:
            self._bus.unsubscribe(self)
        return None

    def deliver(self, event: Record) -> None:
        assert self._take is not None
        self._take(OwnEvent(event, self._value_limit_bytes))


class ToldEvents(Nobody):
    """The events of all nodes of a cluster. Is the connection of its client, which runs no commands."""

    def __init__(self, broker: Broker, next_client: Callable[["ToldEvents"], Client]) -> None:
        self._broker = broker
        self._next_client = next_client
        self._client: Client | None = None
        self._take: Take | None = None

    def follow(self, kinds: frozenset[str], take: Take) -> Pending | None:
        self._take = take
        if not kinds:
            if self._client is not None:
                self._broker.forget(self._client)
                self._client = None
            return None
        if self._client is not None:
            return None
        self._client = self._next_client(self)
        for channel in CHANNELS:
            self._broker.subscribe(self._client, channel)
        answer = self._broker.confirmation(self._client, None)
        return answer if isinstance(answer, Pending) else None

    def push(self, wire: bytes) -> None:
        """Take a message of a channel: the last of three bulk strings."""
        end = len(wire) - 2
        begin = wire.index(b"\r\n", wire.index(b"\r\n$", wire.index(b"respcache:")) + 2) + 2
        event = told_event(wire[begin:end])
        if event is not None and self._take is not None:
            self._take(event)
