"""What loaders tell of themselves, and what people may tell them: behind LOADER and INFO loading."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ..commands.loads import LoaderReport
from ..keyspace.clock import Clock
from .flight import Flight, Stage
from .flights import Flights
from .loading import Loading
from .options import Options
from .source import Source
from .write_statistics import WriteStatistics

TOLD_ELSEWHERE: Final = frozenset({"name", "pattern", "db"})

SETTINGS: Final = tuple(name for name in Options.__struct_fields__ if name not in TOLD_ELSEWHERE)


class Controls:
    """See ``commands.loads.LoaderControls``."""

    def __init__(self, loading: Loading, clock: Clock) -> None:
        self._loading = loading
        self._clock = clock

    # -- keys ------------------------------------------------------------------

    def state_of(self, db: int, key: bytes) -> str | None:
        """Return where a key stands; None if no loader is there for such keys."""
        flights = self._flights(db, key)
        return None if flights is None else flights.state_of(key)

    def request(self, db: int, key: bytes) -> bool:
        """Load a key if it is not there; say whether it is there or on its way."""
        flights = self._flights(db, key)
        return flights is not None and flights.request(key)

    def refresh(self, db: int, key: bytes) -> bool:
        """Load a key, there or not; say whether it is on its way."""
        flights = self._flights(db, key)
        return flights is not None and flights.refresh(key)

    def forget(self, db: int, key: bytes) -> str | None:
        """Know nothing of a key any more, and return where it stood; what is on its way is thrown away when it comes."""
        flights = self._flights(db, key)
        if flights is None:
            return None
        state = flights.state_of(key)
        flights.overtake(key)
        flights.forget(key)
        return state

    def _flights(self, db: int, key: bytes) -> Flights | None:
        source = self._loading.source_of(db, key)
        return None if source is None else source.flights

    # -- loaders -----------------------------------------------------------------

    def pause(self, name: str) -> bool:
        """Call a loader no more; say whether there is one of that name. Calls that run may end, and what they bring is kept."""
        source = self._loading.sources.get(name)
        if source is None:
            return False
        source.flights.is_paused = True
        source.flights.wants_call()  # keys that wait for a call learn that there will be none
        return True

    def resume(self, name: str) -> bool:
        """Undo ``pause``; say whether there is one of that name."""
        source = self._loading.sources.get(name)
        if source is not None:
            source.flights.is_paused = False
        return source is not None

    def reports(self) -> Sequence[LoaderReport]:
        """Tell of every loader, in the order in which they are asked for a key."""
        now_ms = self._clock.now_ms
        return [report_of(source, now_ms) for source in self._loading.sources.values()]


def report_of(source: Source, now_ms: int) -> LoaderReport:
    """Tell how a loader stands. It walks over the keys that are on their way, some 10 ms for as many as there may be."""
    flights, options = source.flights, source.options
    breaker = flights.breaker.state(now_ms)
    stands = "stuck" if flights.hangs() else breaker
    writes = msgspec.structs.asdict(
        WriteStatistics() if source.writer is None else source.writer.statistics()
    )
    return LoaderReport(
        name=options.name,
        pattern=options.pattern,
        db=options.db,
        state="paused" if flights.is_paused else stands,
        breaker=breaker,
        now={
            **on_their_way(flights.by_key),
            "failed": len(flights.failed),
            "absent": flights.known.counts(now_ms)[0],
            "running_calls": source.running,
            "overdue_calls": source.overdue,
            "pending_writes": writes.pop("pending"),
            "oldest_pending_ms": writes.pop("oldest_pending_ms"),
        },
        totals=msgspec.structs.asdict(flights.statistics)
        | {"unasked": source.caller.unasked, "opened": flights.breaker.opened}
        | {f"write_{name}": count for name, count in writes.items()},
        settings={name: getattr(options, name) for name in SETTINGS},
        last_failure=flights.last_reason,
    )


def on_their_way(flights: Mapping[bytes, Flight]) -> dict[str, int]:
    """Count keys by state, as ``Flights.state_of`` tells it of each."""
    called, loading, reloading = Stage.CALLED, 0, 0
    for flight in flights.values():  # asking each for its state takes four times as long
        if flight.is_refresh and not flight.is_overtaken:
            reloading += 1
        elif flight.stage is called:
            loading += 1
    return {"requested": len(flights) - loading - reloading, "loading": loading, "reloading": reloading}
