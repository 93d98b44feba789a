"""The keys of one loader that are on their way: what a read finds or begins, and what becomes of it.

Everything here happens at once; ``source.py`` calls the loader. A key is asked for by one flight, however many wait. While somebody
waits for it, the key's owner is busy, so that nothing can happen to the key; else a flight may be *overtaken* by a write, and what it
brings is thrown away, or fetched once more for those who wait by then. A key that is there and is loaded anew is *marked*, so that no
write goes unnoticed.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

from ..commands.loads import MOVED_AWAY
from ..events.loading import (
    Blocked,
    CacheMiss,
    Disappeared,
    Loaded,
    LoadFailed,
    LoadingEvent,
    LoadTimedOut,
    NoKey,
    Refreshed,
)
from ..keyspace.entry import Entry
from ..protocol.replies import ErrorReply
from .breaker import Breaker
from .failures import Failures
from .flight import Flight, Stage, Wait
from .ground import Ground
from .known import Known
from .loader import KEEP, LoadError, Missing
from .options import Options
from .statistics import Statistics
from .storing import Store, plain_value
from .values import Found, Outcome, Plain, WrongAnswerError

MOST_FLIGHTS: Final = 200_000
"""Some 100 MB with what their clients keep; a preload of more is done in parts."""

KNOWN_ABSENT: Final = 100_000
"""Absent keys that are remembered, some 15 MB: enough against the same questions, and no way to fill the memory with new ones."""

OUT_OF_MEMORY: Final = ErrorReply("OOM", "command not allowed when used memory > 'maxmemory'.")

REFRESH_AGAIN_MS: Final = 1000
"""A value that could not be loaded anew is not tried again by reads before that."""


class Flights:
    """See above. ``wants_call`` is called when there is something to be fetched."""

    def __init__(self, options: Options, ground: Ground, now_s: Callable[[], float]) -> None:
        self.options = options
        self.statistics = Statistics()
        self.breaker = Breaker(options.circuit_failures, options.circuit_reset_ms)
        self.known = Known(KNOWN_ABSENT)
        self.store = Store(ground, options)
        self.by_key: dict[bytes, Flight] = {}
        self.queue: deque[Flight] = deque()
        """Those that no call has been made for; ended ones among them are passed over."""
        self.waits: OrderedDict[bytes, Wait] = OrderedDict()
        """Those that are not over, in the order of their ends."""
        self.failed = Failures()
        self.is_paused = self.is_closed = False
        self.last_reason = ""
        self.hangs: Callable[[], bool] = lambda: False
        """Says whether all calls that may be made are overdue."""
        self.wants_call: Callable[[], None] = lambda: None
        self._contents: object = self.store.db.entries
        self._absent_waits: WeakValueDictionary[bytes, Wait] = WeakValueDictionary()
        """Waits that have ended with nothing, as long as a command remembers them."""
        self.is_pending: Callable[[bytes], bool] = lambda key: False  # whether its last change is unwritten
        self._ground = ground
        self._now_s = now_s

    # -- what reads and writes ask ---------------------------------------------

    def wait_for(self, key: bytes) -> Wait | None:
        """Return what a command that needs a missing key has to wait for; None if it need not: the key has no value.

        A wait whose ``error`` is set is over before it has begun. None, too, where somebody else works for the key:
        the command waits for that, and asks again.
        """
        if self.is_known_absent(key):
            return None
        flight = self.by_key.get(key)
        if (flight is None or flight.wait is None) and self._ground.owners.is_working(self.options.db, key):
            return None
        if flight is None:
            refusal = self._refusal()
            if refusal:
                return self._refused(key, refusal)
            self._tell(CacheMiss, key)
            flight = self._begin(key, is_refresh=False)
        elif flight.is_refresh:  # the value that it was to replace has gone, perhaps on purpose
            self._set_refresh(flight, False)
            flight.is_overtaken = flight.stage is Stage.CALLED
        if flight.wait is None:
            flight.was_waited_for = True
            flight.wait = self.waits[key] = Wait(key, self._now_s() + self.options.timeout_ms / 1000)
            self._ground.owners.engage(self.options.db, key)
        self.statistics.blocked += 1
        self._tell(Blocked, key)
        self.wants_call()
        return flight.wait

    def note_read(self, entry: Entry) -> None:
        """Load a value anew that has not long to live, while it is still served."""
        if self.is_due(entry):
            self.refresh(entry.key)

    def is_due(self, entry: Entry) -> bool:
        """Say whether ``note_read`` would have a key loaded anew."""
        deadline_ms, now_ms = entry.expires_at_ms, self._ground.clock.now_ms
        if deadline_ms is None or deadline_ms - now_ms > self.options.ahead_ms or entry.key in self.by_key:
            return False
        return not self.failed.is_recent(entry.key, now_ms, REFRESH_AGAIN_MS)

    def refresh(self, key: bytes) -> bool:
        """Load a key again, or for the first time, without anybody waiting; say whether it is on its way."""
        if self.is_pending(key):
            return self.store.db.has(key)
        flight = self.by_key.get(key)
        if flight is None:
            if self._refusal():
                self.statistics.refused += 1
                return False
            self.known.forget(key)
            self._begin(key, is_refresh=self.store.db.has(key))
            self.wants_call()
        else:
            flight.is_wanted_again = flight.is_overtaken
            if flight.stage is not Stage.CALLED:
                self._set_refresh(flight, self.store.db.has(key))  # what it was to replace may have gone
        return True

    def request(self, key: bytes) -> bool:
        """Load a key if it is not there; say whether it is there or on its way."""
        return self.store.db.has(key) or self.refresh(key)

    def overtake(self, key: bytes) -> None:
        """Note that a key is written or deleted: what is on its way, or was known, may be older than that."""
        self.known.forget(key)
        wait = self._absent_waits.pop(key, None)
        if wait is not None:
            wait.is_absent = False
        flight = self.by_key.get(key)
        if flight is not None:
            flight.is_overtaken = flight.stage is Stage.CALLED
            flight.is_wanted_again = False

    def forget(self, key: bytes) -> None:
        """Know nothing of a key any more."""
        self.known.forget(key)
        self.failed.forget(key)

    def is_known_absent(self, key: bytes) -> bool:
        """Say whether a key is remembered to have no value."""
        if self._contents is not self.store.db.entries:  # FLUSHALL forgets that, too
            self._contents = self.store.db.entries
            self.known.clear()
        return self.known.is_absent(key, self._ground.clock.now_ms)

    def state_of(self, key: bytes) -> str:
        """Return where a key stands, in LOADER STATE's words."""
        flight = self.by_key.get(key)
        if flight is not None:
            return flight.state
        if self.store.db.has(key):
            return "loaded"
        if self.is_known_absent(key):
            return "absent"
        return "failed" if key in self.failed else "unknown"

    # -- what the source does --------------------------------------------------

    def has_queued(self) -> bool:
        """Say whether there is anything for the next call."""
        while self.queue:
            if self._is_worth_a_call(self.queue[0]):
                return True
            self.queue.popleft()
        return False

    def take_batch(self) -> list[Flight]:
        """Return the flights of the next call, at most ``batch_size``."""
        batch: list[Flight] = []
        while len(batch) < self.options.batch_size and self.has_queued():
            flight = self.queue.popleft()
            flight.stage = Stage.CALLED
            flight.is_overtaken = flight.is_wanted_again = False
            flight.contents = self.store.db.entries
            batch.append(flight)
        return batch

    def olds(self, batch: list[Flight]) -> dict[bytes, Plain]:
        """Return the values that are to be replaced."""
        return self.store.values([flight.key for flight in batch if flight.is_refresh])

    def arrive(self, flight: Flight, outcome: Outcome, old: Plain | None) -> None:
        """Take what a call has brought for a key, and let those who wait go on."""
        if flight.is_overtaken or not self._ground.is_mine(flight.key):
            self._drop(flight)
            return
        if isinstance(outcome, LoadError):
            flight.tries += 1
            flight.reason = str(outcome) or "no reason given"
            if not isinstance(outcome, WrongAnswerError) and self.may_retry(flight):
                self.again(flight)
            else:
                self.fail(flight)
            return
        entry = self.store.db.find(flight.key)
        if self._is_outdated(flight, entry, old):
            self._drop(flight)
        elif outcome is Missing:
            self._note_missing(flight, entry)
        elif outcome is KEEP:
            assert entry is not None, "it is not outdated"
            self.store.renew(entry)
            self._refreshed(flight)
        else:
            assert isinstance(outcome, Found)
            self._store(flight, outcome)

    def may_retry(self, flight: Flight) -> bool:
        """Say whether there is a point in trying a key once more."""
        age_ms = (self._now_s() - flight.begun_s) * 1000
        return (
            flight.tries < self.options.tries
            and not self.is_paused
            and self.breaker.state(self._ground.clock.now_ms) == "closed"
            and (flight.wait is not None or age_ms < self.options.timeout_ms)
        )

    def again(self, flight: Flight) -> None:
        """Put a flight back, to be tried once more; the source makes the pause."""
        self.statistics.retried += 1
        flight.stage = Stage.RESTING

    def fail(self, flight: Flight, error: ErrorReply | None = None) -> None:
        """Give a key up; those who wait are told ``error``, or else its reason."""
        self.statistics.failed += 1
        self.last_reason = flight.reason
        self.failed.note(flight.key, flight.reason, self._ground.clock.now_ms)
        self._tell(LoadFailed, flight.key, flight.reason)
        self._end(flight, error or ErrorReply("LOADFAILED", flight.reason))

    def time_out(self, wait: Wait) -> None:
        """Answer those who have waited long enough; their key is still on its way."""
        flight = self.by_key[wait.key]
        assert flight.wait is wait, "a flight that ends ends its wait"
        self.statistics.timed_out += 1
        self._tell(LoadTimedOut, wait.key)
        if flight.reason:
            error = ErrorReply("LOADFAILED", flight.reason)
        else:
            error = ErrorReply("LOADTIMEOUT", f"no value within {self.options.timeout_ms} ms")
        self._end_wait(flight, error)

    def fail_all(self, reason: str) -> None:
        """Give all keys up."""
        self.queue.clear()  # at first: commands that are answered now may ask for keys anew
        for flight in list(self.by_key.values()):
            flight.reason = reason
            self.fail(flight)

    # -- within ------------------------------------------------------------------

    def _begin(self, key: bytes, *, is_refresh: bool) -> Flight:
        flight = self.by_key[key] = Flight(key, self._now_s())
        self._set_refresh(flight, is_refresh)
        self.queue.append(flight)
        return flight

    def _set_refresh(self, flight: Flight, is_refresh: bool) -> None:
        if flight.is_refresh != is_refresh:
            owners = self._ground.owners
            (owners.mark if is_refresh else owners.unmark)(self.options.db, flight.key)
            flight.is_refresh = is_refresh

    def _is_worth_a_call(self, flight: Flight) -> bool:
        """Say whether a queued flight is still to be called for; end it if only its key stands against that."""
        if self.by_key.get(flight.key) is not flight or flight.stage is not Stage.QUEUED:
            return False
        if flight.wait is None and flight.is_refresh != self.store.db.has(flight.key):
            self._end(flight, None)  # written by somebody since, or gone
            return False
        return True

    def enqueue(self, flight: Flight) -> None:
        """Let a flight be in the next call."""
        flight.stage = Stage.QUEUED
        self.queue.append(flight)
        self.wants_call()

    def _refusal(self) -> str:
        """Return why no flight may begin now; empty if one may."""
        name = self.options.name
        if self.is_closed:
            return "the server is shutting down"
        if self.is_paused:
            return f"the loader {name} is paused"
        if self.hangs():
            return f"the loader {name} does not answer"
        if len(self.by_key) >= MOST_FLIGHTS:
            return f"too many keys wait for the loader {name}"
        if self.breaker.state(self._ground.clock.now_ms) == "open":
            return f"the loader {name} keeps failing: {self.last_reason}"
        return ""

    def _refused(self, key: bytes, reason: str) -> Wait | None:
        self.statistics.refused += 1
        if self.options.on_failure == "miss":
            return None
        wait = Wait(key, self._now_s())
        wait.is_over = True
        wait.error = ErrorReply("LOADFAILED", reason)
        return wait

    def _is_outdated(self, flight: Flight, entry: Entry | None, old: Plain | None) -> bool:
        """Say whether the key has changed since it was asked for."""
        if flight.contents is not self.store.db.entries:
            return True
        if flight.is_refresh and flight.wait is None:
            return entry is None or plain_value(entry) != old
        return entry is not None

    def _drop(self, flight: Flight) -> None:
        """Throw away what has come; fetch it anew if somebody waits for it."""
        self.statistics.outdated += 1
        is_there = self.store.db.has(flight.key)
        if flight.wait is None and not flight.is_wanted_again:
            self._end(flight, None)
        elif not self._ground.is_mine(flight.key):
            self._end(flight, MOVED_AWAY)
        elif flight.wait is not None and is_there:
            self._end(flight, None)
        else:
            self._set_refresh(flight, is_there)
            self.enqueue(flight)

    def _note_missing(self, flight: Flight, entry: Entry | None) -> None:
        life_ms = round(self.options.negative_expiration * 1000)
        if life_ms:
            self.known.note_absent(flight.key, self._ground.clock.now_ms, life_ms)
        if entry is not None:
            self.statistics.disappeared += 1
            self._tell(Disappeared, flight.key)
            self.store.drop(flight.key)
        else:
            self.statistics.absent += 1
            self._tell(NoKey, flight.key)
        self._end(flight, None, is_absent=True)

    def _store(self, flight: Flight, found: Found) -> None:
        if not self.store.put(flight.key, found):
            flight.reason = OUT_OF_MEMORY.message
            self.fail(flight, OUT_OF_MEMORY)
        elif flight.is_refresh:
            self._refreshed(flight)
        else:
            self.statistics.loaded += 1
            self.statistics.late += flight.wait is None and flight.was_waited_for
            self.failed.forget(flight.key)
            self._tell(Loaded, flight.key)
            self._end(flight, None)

    def _refreshed(self, flight: Flight) -> None:
        self.statistics.refreshed += 1
        self.failed.forget(flight.key)
        self._tell(Refreshed, flight.key)
        self._end(flight, None)

    def _end(self, flight: Flight, error: ErrorReply | None, *, is_absent: bool = False) -> None:
        del self.by_key[flight.key]
        self._set_refresh(flight, False)
        if flight.wait is not None:
            self._end_wait(flight, error, is_absent=is_absent)

    def _end_wait(self, flight: Flight, error: ErrorReply | None, *, is_absent: bool = False) -> None:
        wait, flight.wait = flight.wait, None
        assert wait is not None
        is_hidden = error is not None and self.options.on_failure == "miss" and error is not MOVED_AWAY
        wait.is_over = True
        wait.error = None if is_hidden else error
        wait.is_absent = is_absent or is_hidden
        if wait.is_absent:
            self._absent_waits[flight.key] = wait
        del self.waits[flight.key]
        self._ground.owners.release(self.options.db, flight.key)

    def _tell(self, event: type[LoadingEvent], key: bytes, reason: str = "") -> None:
        if self._ground.wants(event):
            options, now_ms = self.options, self._ground.clock.now_ms
            self._ground.publish(event(now_ms, self._ground.name, options.db, key, options.name, reason))
