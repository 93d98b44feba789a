"""A cluster in trouble whose nodes write behind to one database: in the end that has what clients were told, deletions too.

    assert not Owing(17).run()

The writing is that of ``loading/behind.py``; the database is a dictionary that all nodes share, and is away now and then.
"""

import random
from collections.abc import Callable, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

from respcache.app.inheriting import join_writers
from respcache.commands.writes import Done, KeyChange, PlainValue
from respcache.keyspace.entry import Entry
from respcache.loading import Change, Loader
from respcache.loading.behind import Behind, Debts
from respcache.loading.flights import Flights
from respcache.loading.loading import Loading
from respcache.loading.options import options_of
from respcache.loading.write_statistics import WriteStatistics
from tests.cluster.bus.peer import Peer
from tests.cluster.replication.ledger import MISSING, Ledger
from tests.cluster.replication.simulation import Simulation

SHARES: Final = (("own", 30), ("del", 30), ("get own", 10), ("u", 5), ("c", 5))
"""How often each kind of command is sent: here mostly writes and deletions of the same few keys."""

OWN_KEYS: Final = 60
"""Of each client: so many that most are not touched again after whatever goes wrong."""

AWAY_S: Final = (0.2, 0.5, 1.0, 3.0)
PREFIX: Final = b"own:"


class Own(Loader):
    """The keys that are written."""

    pattern = "own:*"
    write_mode = "behind"

    def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        """Have nothing: what is missing in this cluster is not asked for."""
        return {}

    def bulk_write(self, changes: Sequence[Change]) -> None:
        """Be there, as whoever writes behind must have it."""


class Rows:
    """The database."""

    def __init__(self) -> None:
        self.by_key: dict[bytes, PlainValue] = {}
        self.is_away = False
        self.deleted = 0
        """Rows that were there and are not any more."""

    def write(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.value is not None:
                self.by_key[change.key] = change.value
            elif self.by_key.pop(change.key, None) is not None:
                self.deleted += 1


class Scribe:
    """The writing of one node, which takes its steps when it is told to."""

    def __init__(self, peer: Peer, rows: Rows) -> None:
        self.peer = peer
        self._rows = rows
        self.behind = Behind(
            options_of(Own()),
            flights=cast(Flights, SimpleNamespace(overtake=lambda key: None)),
            chance=random.Random(peer.number),
            statistics=WriteStatistics(),
            call=self._call,
            ring=lambda: None,
            now_s=lambda: peer.world.now_s,
            is_mine=peer.owns,
            most=4,
        )
        self.behind.pendings.partitions = {}
        peer.harness.dispatcher.load_by(self)
        peer.harness.dispatcher.write_by(self)
        join_writers(cast(Loading, self), peer.hub)
        self._tick = peer.hub.tick
        peer.hub.tick = self._tick_and_write  # type: ignore[method-assign]

    async def _call(self, changes: Sequence[Change]) -> Exception | None:
        if self._rows.is_away:
            return ConnectionError("away")
        self._rows.write(changes)
        return None

    def _tick_and_write(self) -> None:
        self._tick()
        self.work()

    def work(self) -> None:
        """Write what is due, as far as it can be."""
        while _result_of(self.behind.write_some()):
            pass

    # -- what commands ask -------------------------------------------------------------

    may_go_through = False

    def prefixes(self) -> list[tuple[int, bytes, int, bool]]:
        return [(0, PREFIX, 0, True)]

    def covers(self, db: int, key: bytes) -> bool:
        return self.takes_writes(db, key)

    def wait_for(self, db: int, key: bytes) -> None:
        """Load nothing: what is missing has no value."""

    def is_due(self, entry: Entry, db: int) -> bool:
        return False

    def note_read(self, db: int, entry: Entry) -> None:
        """Ignore it: nothing is loaded."""

    def takes_writes(self, db: int, key: bytes) -> bool:
        return db == 0 and key.startswith(PREFIX)

    def goes_through(self, db: int, key: bytes) -> bool:
        return False

    def overtake(self, db: int, key: bytes) -> None:
        """Ignore it: nothing is loaded."""

    def write(self, changes: Sequence[KeyChange], done: Done) -> None:
        raise AssertionError("nothing goes through")

    def note(self, changes: Sequence[KeyChange]) -> None:
        for change in changes:
            if self.takes_writes(change.db, change.key):
                self.behind.note(change)

    # -- what the cluster asks ---------------------------------------------------------

    def join_cluster(self, debts: Debts) -> None:
        self.behind.debts = debts

    def waiting_of(self, partition: int) -> list[KeyChange]:
        pendings = self.behind.pendings
        keys = (pendings.partitions or {}).get(partition, ())
        return [KeyChange(0, key, pendings.by_key[key].value) for key in keys]

    def forget(self, db: int, key: bytes) -> None:
        if self.takes_writes(db, key):
            self.behind.forget(key)

    def is_pending(self, db: int, key: bytes) -> bool:
        return self.behind.pendings.waits(key)

    def unwritten(self) -> set[int]:
        return set(self.behind.pendings.partitions or ())

    def hasten(self, partition: int) -> None:
        self.behind.hasten(partition)


class Owing(Simulation):
    """See the file's docstring."""

    def __init__(self, seed: int, *, trace: Callable[[str], None] | None = None) -> None:
        super().__init__(seed, trace=trace)
        self.ledger = Ledger(self.chance, has_flushes=False, shares=SHARES, own_keys=OWN_KEYS)
        self.rows = Rows()
        self.scribes = [Scribe(peer, self.rows) for peer in self.world.peers]
        self._weather = random.Random(seed)
        self._changes_s = 0.0
        self.most_owed = 0

    def _talk(self, *, is_last: bool = False) -> None:
        super()._talk(is_last=is_last)
        now_s = self.world.now_s
        if is_last:
            self.rows.is_away = False
        elif now_s >= self._changes_s:
            self._changes_s = now_s + self._weather.choice(AWAY_S)
            self.rows.is_away = self._weather.random() < 0.7
            self.trace(f"{now_s:.3f} the database is {'away' if self.rows.is_away else 'there'}")
        self.most_owed = max(
            self.most_owed, *(sum([len(part.owed) for part in _parts_of(p)]) for p in self._live())
        )

    def _end(self) -> list[str]:
        faults = super()._end()
        for peer in self._live():
            self.scribes[peer.number].behind.hurry()
            self.scribes[peer.number].work()
        self.world.settle()
        faults += [
            f"node {peer.number} owes {part.owed}"
            for peer in self._live()
            for part in _parts_of(peer)
            if part.owed
        ]
        if self.is_exact:
            faults += self._wrong_rows()
        return faults

    def _wrong_rows(self) -> list[str]:
        return [
            f"{key} is {row!r} in the database, must be of {allowed}"
            for key, allowed in self.ledger.own.items()
            if (row := self.rows.by_key.get(key.encode(), MISSING)) not in allowed
        ]


def _parts_of(peer: Peer) -> list[Any]:
    return peer.hub.replication.recorder.parts


def _result_of(work: Coroutine[Any, Any, bool]) -> bool:
    """Return what comes of work that never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        return bool(end.value)
    raise AssertionError("it waits")
