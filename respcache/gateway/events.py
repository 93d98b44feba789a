"""What happens to the cache, for everybody who follows it over HTTP: as a stream (``event_stream.py``) or a WebSocket.

One source stands for all readers (``event_sources.py``), and is asked for the kinds that they want, so that what nobody wants costs
nothing. Events are collected for a moment and leave together: readers that want the same get the same bytes.
The last ones are kept, so that a reader who was cut off misses nothing, or is told that it has.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Final, Protocol

import trio

from ..commands.pending import Pending
from ..events.vocabulary import ALL
from .event_filter import Filter, matcher_of
from .event_sources import Event, Source

log = logging.getLogger(__name__)

TOGETHER_S: Final = 0.02
"""How long events are collected: nobody sees that, and it is one send instead of a hundred."""

TOGETHER_MORE_S: Final = 0.04
"""So much longer for each thousand readers: sending to them takes most of the time then, and is shared by more events."""

LONGEST_TOGETHER_S: Final = 0.1

KEPT_EVENTS: Final = 10_000
"""Two seconds of a busy server, minutes of a quiet one."""

KEPT_BYTES: Final = 4 << 20
"""The same where values are long."""

LINGER_S: Final = 10.0
"""For so long after their last reader has gone events of a kind are kept for its return: a browser is back after one or two seconds."""

TOGETHER_EVENTS: Final = KEPT_EVENTS // 5
"""So many leave at once: none shall be pushed out before it was told."""

TOGETHER_BYTES: Final = KEPT_BYTES // 4
"""The same where values are long."""

BEAT_S: Final = 7.5
"""Who has heard nothing between two beats is sent something: proxies close what has been silent for half a minute."""

MOST_UNSENT_BYTES: Final = 4 << 20
"""What may wait for one reader; then it is let go."""

LEAST_UNSENT_BYTES: Final = 256 << 10
"""What may wait for each of many readers: a quarter of a second of a busy server, beside what the system's buffers hold."""

ALL_UNSENT_BYTES: Final = 512 << 20
"""What may wait for all of them together, as long as each may have the least."""


ALL_KINDS: Final = frozenset(event.kind for event in ALL)


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
    """Knows all readers, and keeps what they may have missed."""

    def __init__(self, source: Source, run_id: str) -> None:
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
        self._source = source
        self._choices: Counter[Filter] = Counter()
        """What the readers want, and how many each."""
        self._since: dict[str, int] = {}
        """The kinds that are listened to, and the number of the last event before that."""
        self._unwanted_s: dict[str, float] = {}
        """Those of them that no reader wants any more, and since when."""
        self._confirmation: Pending | None = None
        self._on_listening: list[Callable[[], None]] = []
        self._kept: deque[Event] = deque()
        self._kept_bytes = 0
        self._count = 0
        self._forgotten = 0
        """The number of the last event that is not kept any more."""
        self._told = 0
        """The number of the last event that readers were told."""
        self._untold_bytes = 0
        self._lost = 0
        """Since readers were told the last time."""
        self._has_new = trio.Event()

    # -- readers -------------------------------------------------------------------

    def add(self, reader: Reader) -> None:
        """Tell a reader of everything from now on."""
        self.flush()
        if reader not in self.readers:
            self.readers[reader] = None
            self._choices[reader.chosen] += 1
        self._listen(kinds_of(reader.chosen))

    def leave(self, reader: Reader) -> None:
        """Tell a reader nothing more; its filter must be as it was when it came."""
        if self.readers.pop(reader, self) is self:
            return
        self._choices[reader.chosen] -= 1
        if not self._choices[reader.chosen]:
            del self._choices[reader.chosen]
            self._has_new.set()

    def drop(self, reader: Reader, reason: str) -> None:
        """Count a reader that is let go, and tell it nothing more."""
        self.dropped_readers[reason] = self.dropped_readers.get(reason, 0) + 1
        self.leave(reader)

    def when_listening(self, call: Callable[[], None]) -> None:
        """Call once the other nodes of a cluster send what happens there: at once, or after a round trip."""
        if self._confirmation is None:
            call()
        else:
            self._on_listening.append(call)

    def missed(self, chosen: Filter, last_id: str) -> Batch:
        """Return what a reader has missed that was told ``last_id`` last, as far as that is known."""
        run, _, number = last_id.encode("latin-1", "replace").partition(b"-")
        is_ours = run == self.run_id and number.isdigit() and len(number) < 16
        after = int(number) if is_ours else -1
        if not self._forgotten <= after <= self._count or not self._has_heard(chosen, after):
            return Batch(self.run_id, (), is_after_gap=True)
        return Batch(self.run_id, passing(self._newer(after), chosen))

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

    def take(self, event: Event) -> None:
        """Take an event from the source."""
        self._count += 1
        event.number = self._count
        size_bytes = event.size_bytes
        self._kept.append(event)
        self._kept_bytes += size_bytes
        self._untold_bytes += size_bytes
        while len(self._kept) > KEPT_EVENTS or (self._kept_bytes > KEPT_BYTES and len(self._kept) > 1):
            oldest = self._kept.popleft()
            self._kept_bytes -= oldest.size_bytes
            self._forgotten = oldest.number
            self._lost += oldest.number > self._told
        if self._count - self._told >= TOGETHER_EVENTS or self._untold_bytes >= TOGETHER_BYTES:
            self.flush()
        elif not self._has_new.is_set():
            self._has_new.set()

    async def run(self) -> None:
        """Send events on until cancelled."""
        beat_due_s = trio.current_time() + BEAT_S
        while True:
            with trio.move_on_at(
                min(beat_due_s, min(self._unwanted_s.values(), default=beat_due_s) + LINGER_S)
            ):
                await self._has_new.wait()
            self._has_new = trio.Event()
            await trio.sleep(self.pause_s)
            self.flush()
            now_s = trio.current_time()
            if now_s >= beat_due_s:
                beat_due_s = now_s + BEAT_S
                for one in list(dict.fromkeys((*self.readers, *self.sockets))):
                    one.beat()
            self._narrow(now_s)

    def flush(self) -> None:
        """Tell what has been collected."""
        if self._count == self._told:
            return
        events = self._newer(self._told)
        lost, self._lost = self._lost, 0
        self._told, self._untold_bytes = self._count, 0
        self.lost_events += lost
        self.sent_events += len(events)
        batches: dict[Filter, Batch] = {}
        for reader in list(self.readers):
            batch = batches.get(reader.chosen)
            if batch is None:
                chosen = passing(events, reader.chosen)
                batch = batches[reader.chosen] = Batch(self.run_id, chosen, is_after_gap=lost > 0)
            if batch:
                reader.take(batch)

    def _newer(self, after: int) -> list[Event]:
        """Return the events behind a number, in order, of those that are kept."""
        found = list(takewhile(lambda event: event.number > after, reversed(self._kept)))
        found.reverse()
        return found

    # -- the kinds that are listened to ----------------------------------------------

    def _has_heard(self, chosen: Filter, after: int) -> bool:
        """Say whether everything that was chosen has been listened to since an event."""
        return all(self._since.get(kind, after + 1) <= after for kind in kinds_of(chosen))

    def _listen(self, kinds: frozenset[str]) -> None:
        """Listen to these kinds as well."""
        for kind in kinds:
            self._unwanted_s.pop(kind, None)
        new = kinds - self._since.keys()
        if not new:
            return
        self._since.update(dict.fromkeys(new, self._count))
        confirmation = self._source.follow(frozenset(self._since), self.take)
        if confirmation is not None:
            self._confirmation = confirmation
            confirmation.when_done(lambda _: self._listens(confirmation))

    def _listens(self, confirmation: Pending) -> None:
        if confirmation is not self._confirmation:
            return  # of a subscription that has ended
        self._confirmation = None
        waiting, self._on_listening = self._on_listening, []
        for call in waiting:
            call()

    def _narrow(self, now_s: float) -> None:
        """Listen no more to kinds that nobody has wanted for a while."""
        wanted = frozenset[str]().union(*map(kinds_of, self._choices))
        for kind in self._since.keys() - wanted:
            self._unwanted_s.setdefault(kind, now_s)
        gone = [kind for kind, since_s in self._unwanted_s.items() if now_s - since_s >= LINGER_S]
        if not gone:
            return
        for kind in gone:
            del self._since[kind], self._unwanted_s[kind]
        # What happens now will have no numbers. Who was told the last one must not take it that nothing has.
        self._count += 1
        self._told = self._count
        if not self._since:
            self._kept.clear()
            self._kept_bytes = 0
            self._forgotten = self._count
        self._source.follow(frozenset(self._since), self.take)


def kinds_of(chosen: Filter) -> frozenset[str]:
    """Return the kinds that a filter may let pass."""
    return chosen.kinds or ALL_KINDS


def passing(events: Iterable[Event], chosen: Filter) -> Sequence[Event]:
    """Return those events that a filter lets pass."""
    if chosen.is_open:
        return list(events)
    passes = matcher_of(chosen)
    return [event for event in events if passes(event.kind, event.key)]
