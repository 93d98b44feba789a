"""A database against a dictionary: whatever is done, both hold the same, and the counts are those of what is there."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from respcache.keyspace.clock import BatchClock
from respcache.keyspace.database import Database
from respcache.keyspace.entry import DEADLINE_BYTES, ENTRY_BYTES, Value, size_of
from respcache.keyspace.hashes import Hash
from respcache.keyspace.journal import Journal, Notice
from respcache.keyspace.wheel import FINEST_MS
from respcache.telemetry.statistics import Statistics
from tests.thoroughness import examples

KEYS = st.sampled_from([b"a", b"bb", b"ccc", b"dddd", b"eeeee"])
VALUES = st.one_of(st.binary(max_size=9), st.binary(max_size=9).map(bytearray), st.builds(Hash))
WAITS = st.one_of(st.integers(1, 50), st.integers(1, 10**9))
NOTICE = Notice("$", "set")


class DatabaseMachine(RuleBasedStateMachine):
    """Does the same to a database and to a plain dictionary of values and deadlines."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = BatchClock(1_700_000_000_000)
        self.db = Database(0, self.clock, Journal(), Statistics())
        self.model: dict[bytes, tuple[Value, int | None]] = {}

    @rule(key=KEYS, value=VALUES, wait_ms=st.none() | WAITS, keep=st.booleans())
    def put(self, key: bytes, value: Value, wait_ms: int | None, keep: bool) -> None:
        deadline_ms = None if wait_ms is None else self.clock.now_ms + wait_ms
        self.db.put(key, value, NOTICE, deadline_ms, keep_deadline=keep)
        _, old_ms = self.model.get(key, (None, None))
        self.model[key] = value, old_ms if keep and wait_ms is None else deadline_ms

    @rule(key=KEYS)
    def remove(self, key: bytes) -> None:
        assert self.db.remove(key, NOTICE) == (self.model.pop(key, None) is not None)

    @rule(key=KEYS, wait_ms=WAITS)
    def expire(self, key: bytes, wait_ms: int) -> None:
        if (entry := self.db.find(key)) is not None:
            self.db.expire_at(entry, self.clock.now_ms + wait_ms, NOTICE)
            self.model[key] = self.model[key][0], self.clock.now_ms + wait_ms

    @rule(key=KEYS)
    def persist(self, key: bytes) -> None:
        if (entry := self.db.find(key)) is not None:
            assert self.db.persist(entry, NOTICE) == (self.model[key][1] is not None)
            self.model[key] = self.model[key][0], None

    @rule(key=KEYS, to=KEYS)
    def move(self, key: bytes, to: bytes) -> None:
        entry = self.db.find(key)
        if entry is not None and key != to:
            self.db.move(entry, self.db, to, NOTICE, NOTICE)
            self.model[to] = self.model.pop(key)

    @rule(wait_ms=WAITS)
    def wait(self, wait_ms: int) -> None:
        self.clock.advance(wait_ms)
        self.model = {k: (v, at) for k, (v, at) in self.model.items() if at is None or at > self.clock.now_ms}

    @rule(most=st.integers(0, 10))
    def sweep(self, most: int) -> None:
        self.db.sweep(most)

    @rule()
    def flush(self) -> None:
        self.db.flush()
        self.model.clear()

    @invariant()
    def both_hold_the_same(self) -> None:
        entries = [self.db.entries[key] for key in list(self.db.keys())]
        held = {entry.key: (entry.value, entry.expires_at_ms) for entry in entries}
        assert held == self.model

    @invariant()
    def counts_are_those_of_what_is_there(self) -> None:
        entries = self.db.entries.values()
        deadlines = sum(entry.expires_at_ms is not None for entry in entries)
        sizes = sum(
            ENTRY_BYTES + entry.slack_bytes + len(entry.key) + size_of(entry.value) for entry in entries
        )
        assert self.db.deadlines == deadlines
        assert self.db.used_bytes == sizes + deadlines * DEADLINE_BYTES

    @invariant()
    def every_deadline_will_be_looked_at_in_time(self) -> None:
        for entry in self.db.entries.values():
            if entry.expires_at_ms is not None:
                assert entry.bucket is not None
                assert entry in entry.bucket
                assert entry.bucket.due_ms < entry.expires_at_ms + FINEST_MS

    @invariant()
    def a_scan_finds_each_key(self) -> None:
        entries = set(self.db.entries.values())
        assert entries == {entry for entry in self.db.roster.items if entry.value is not None}


TestDatabase = DatabaseMachine.TestCase
TestDatabase.settings = settings(max_examples=examples(75, 500), stateful_step_count=40, deadline=None)
