"""What happens to the cache, for everybody who follows it over HTTP: as a stream (``event_stream.py``) or a WebSocket.

One subscriber of the channels ``respcache:events`` and ``respcache:cluster`` stands for all readers, so events of all nodes come once,
as JSON. They are collected for a moment and leave together: readers that want the same get the same bytes.
The last ones are kept, so that a reader who was cut off misses nothing, or is told that it has.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Protocol

import msgspec
import trio

from ..commands.broker import Broker
from ..commands.client import Client, Ending
from ..commands.pending import Pending
from ..protocol.limits import Limits
from .event_filter import Filter, passes

log = logging.getLogger(__name__)

CHANNELS: Final = (b"respcache:events", b"respcache:cluster")

TOGETHER_S: Final = 0.02
"""How long events are collected: nobody sees that, and it is one send instead of a hundred."""

TOGETHER_MORE_S: Final = 0.04
"""So much longer for each thousand readers: sending to them takes most of the time then, and is shared by more events."""

LONGEST_TOGETHER_S: Final = 0.1

KEPT_EVENTS: Final = 10_000
"""Two seconds of a busy server, minutes of a quiet one."""

KEPT_BYTES: Final = 4 << 20
"""The same where values are long."""

LINGER_S: Final = 60.0
"""For so long after the last reader has gone events are kept for its return."""

BEAT_S: Final = 7.5
"""Who has heard nothing between two beats is sent something: proxies close what has been silent for half a minute."""

MOST_UNSENT_BYTES: Final = 4 << 20
"""What may wait for one reader; then it is let go."""

LEAST_UNSENT_BYTES: Final = 256 << 10
"""What may wait for each of many readers: a quarter of a second of a busy server, beside what the system's buffers hold."""

ALL_UNSENT_BYTES: Final = 512 << 20
"""What may wait for all of them together, as long as each may have the least."""


class Event:
    """One event and its place among all."""

    __slots__ = ("_facts", "json", "number")

    def __init__(self, number: int, json: bytes) -> None:
        self.number = number
        self.json = json
        self._facts: Mapping[str, Any] | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the JSON says, read when a filter asks."""
        if self._facts is None:
            self._facts = msgspec.json.decode(self.json)
        assert self._facts is not None
        return self._facts


class Batch:
    """Events that leave together, for all readers who want the same."""

    def __init__(self, run: bytes, events: Sequence[Event], *, is_after_gap: bool = False) -> None:
        self.run = run
        """Stands before the numbers: they begin anew with every run of the server."""
        self.events = events
        self.is_after_gap = is_after_gap
        """Whether events before these are missing."""
        self._forms: dict[Callable[[Batch], bytes], bytes] = {}

    def __bool__(self) -> bool:
        return bool(self.events) or self.is_after_gap

    def form(self, make: Callable[["Batch"], bytes]) -> bytes:
        """Return the batch as bytes; made once, however many readers there are."""
        made = self._forms.get(make)
        if made is None:
            made = self._forms[make] = make(self)
        return made


class Beating(Protocol):
    """Who must not keep silent for long."""

    def beat(self) -> None:
        """Say something if nothing was said since the last beat, or the way to the client may be closed."""


class Reader(Beating, Protocol):
    """Who follows events."""

    chosen: Filter

    def take(self, batch: Batch) -> None:
        """Take what passes the filter."""


class EventHub:
    """The one subscriber for all readers. Is its client's ``Connection``."""

    def __init__(self, broker: Broker, run_id: str, next_client: Callable[["EventHub"], Client]) -> None:
        self.readers: dict[Reader, None] = {}
        self.sockets: dict[Beating, None] = {}
        """WebSockets: these have heartbeats, whether or not they follow events."""
        self.dropped_readers: dict[str, int] = {}
        """How many were let go, by reason."""
        self.sent_events = 0
        """Told to whoever was there, each counted once."""
        self.lost_events = 0
        """Gone before they could be told, because too many came at once."""
        self.run_id = run_id[:8].encode()
        self._broker = broker
        self._next_client = next_client
        self._client: Client | None = None
        self._confirmation: Pending | None = None
        self._on_listening: list[Callable[[], None]] = []
        self._kept: deque[Event] = deque()
        self._kept_bytes = 0
        self._count = 0
        self._told = 0
        """The number of the last event that readers were told."""
        self._has_new = trio.Event()

    # -- readers -------------------------------------------------------------------

    def add(self, reader: Reader) -> None:
        """Tell a reader of everything from now on."""
        self._listen()
        self.flush()
        self.readers[reader] = None

    def leave(self, reader: Reader) -> None:
        self.readers.pop(reader, None)
        if not self.readers:
            self._has_new.set()

    def drop(self, reader: Reader, reason: str) -> None:
        """Count a reader that is let go, and tell it nothing more."""
        self.dropped_readers[reason] = self.dropped_readers.get(reason, 0) + 1
        self.leave(reader)

    def when_listening(self, call: Callable[[], None]) -> None:
        """Call once the other nodes of a cluster send what happens there: at once, or after a round trip."""
        self._listen()
        if self._confirmation is None:
            call()
        else:
            self._on_listening.append(call)

    def missed(self, chosen: Filter, last_id: str) -> Batch:
        """Return what a reader has missed that was told ``last_id`` last, as far as that is known."""
        run, _, number = last_id.encode("latin-1", "replace").partition(b"-")
        is_ours = run == self.run_id and number.isdigit() and len(number) < 16
        after = int(number) if is_ours else -1
        if not is_ours or not self._count - len(self._kept) <= after <= self._count:
            return Batch(self.run_id, (), is_after_gap=True)
        return Batch(self.run_id, self._passing(self._newest(self._count - after), chosen))

    @property
    def allowance_bytes(self) -> int:
        """How much may wait for each reader."""
        share = ALL_UNSENT_BYTES // max(len(self.readers), 1)
        return max(LEAST_UNSENT_BYTES, min(MOST_UNSENT_BYTES, share))

    @property
    def pause_s(self) -> float:
        """How long events are collected."""
        return min(TOGETHER_S + TOGETHER_MORE_S * len(self.readers) / 1000, LONGEST_TOGETHER_S)

    # -- events --------------------------------------------------------------------

    def push(self, wire: bytes) -> None:
        """Take a message of a channel: the last of three bulk strings."""
        end = len(wire) - 2
        begin = wire.index(b"\r\n", wire.index(b"\r\n$", wire.index(b"respcache:")) + 2) + 2
        self._count += 1
        self._kept.append(Event(self._count, wire[begin:end]))
        self._kept_bytes += end - begin
        while len(self._kept) > KEPT_EVENTS or (self._kept_bytes > KEPT_BYTES and len(self._kept) > 1):
            self._kept_bytes -= len(self._kept.popleft().json)
        self._has_new.set()

    async def run(self) -> None:
        """Send events on until cancelled."""
        quiet_since_s = trio.current_time()
        beat_due_s = quiet_since_s + BEAT_S
        while True:
            with trio.move_on_at(beat_due_s):
                await self._has_new.wait()
            self._has_new = trio.Event()
            await trio.sleep(self.pause_s)
            self.flush()
            now_s = trio.current_time()
            if now_s >= beat_due_s:
                beat_due_s = now_s + BEAT_S
                for one in list(dict.fromkeys((*self.readers, *self.sockets))):
                    one.beat()
            if self.readers:
                quiet_since_s = now_s
            elif self._client is not None and now_s - quiet_since_s > LINGER_S:
                self._stop_listening()

    def flush(self) -> None:
        """Tell what has been collected."""
        new = self._count - self._told
        if not new:
            return
        events = self._newest(new)
        lost = new - len(events)
        self._told = self._count
        self.lost_events += lost
        self.sent_events += len(events)
        batches: dict[Filter, Batch] = {}
        for reader in list(self.readers):
            batch = batches.get(reader.chosen)
            if batch is None:
                passing = self._passing(events, reader.chosen)
                batch = batches[reader.chosen] = Batch(self.run_id, passing, is_after_gap=lost > 0)
            if batch:
                reader.take(batch)

    def _newest(self, count: int) -> list[Event]:
        """Return the last events in order; fewer where not so many are kept."""
        found = list(islice(reversed(self._kept), count))
        found.reverse()
        return found

    def _passing(self, events: Sequence[Event], chosen: Filter) -> Sequence[Event]:
        return events if chosen.is_open else [event for event in events if passes(event.facts, chosen)]

    # -- its subscription ------------------------------------------------------------

    def _listen(self) -> None:
        if self._client is not None:
            return
        self._client = self._next_client(self)
        for channel in CHANNELS:
            self._broker.subscribe(self._client, channel)
        answer = self._broker.confirmation(self._client, None)
        if isinstance(answer, Pending):
            self._confirmation = answer
            answer.when_done(lambda _: self._listens())

    def _listens(self) -> None:
        self._confirmation = None
        waiting, self._on_listening = self._on_listening, []
        for call in waiting:
            call()

    def _stop_listening(self) -> None:
        assert self._client is not None
        self._broker.forget(self._client)
        self._client = None
        self._kept.clear()
        self._kept_bytes = 0
        # What happens now will have no numbers. Who was told the last one must not take it that nothing has.
        self._count += 1
        self._told = self._count

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
