"""Two servers in the same state: one answers by compiled commands, the other by the handlers in Python.

    twins = Twins(states)
    twins.call([b"GET", b"key"], protocol=2)

``call`` fails unless the compiled command declines and leaves no trace, or answers in the same bytes and leaves
the same keyspace: values, deadlines, uses, sizes, numbers, order.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from respcache._speedups.single_calls import answer
from respcache.commands.context import Context
from respcache.keyspace.database import Database
from respcache.keyspace.entry import Entry, Value
from respcache.keyspace.hashes import Hash
from respcache.keyspace.journal import Notice
from respcache.keyspace.roster import FieldRoster
from respcache.protocol.encoder import encode
from tests.commands.harness import START_MS, Harness
from tests.commands.snapshots import check_accounts

MADE: Final = Notice("$", "made")
AGE_MS: Final = 5_000
"""How long ago all keys were made."""
LIFE_MS: Final = 90_000


@dataclass(frozen=True)
class State:
    """What stands at a key."""

    value: bytes | bytearray | dict[bytes, bytes]
    life_ms: int | None = None
    """How long it lives still; not positive: it is past its deadline, and nobody has noticed."""
    forgotten: bool = False
    """It had a deadline, which was taken away: the entry is in a bucket all the same."""
    walked: bool = False
    """A hash whose fields have been walked, so that it keeps their order."""

    def dying_in(self, life_ms: int | None) -> "State":
        return replace(self, life_ms=life_ms)


Trace: TypeAlias = tuple[object, ...]


def _value_of(state: State) -> Value:
    if not isinstance(state.value, dict):
        return state.value if isinstance(state.value, bytes) else bytearray(state.value)
    value = Hash()
    for field, content in state.value.items():
        value.set(field, content)
    value.outgrow(Database(0, None, None, None).hash_limits, ())  # type: ignore[arg-type]  # none is asked
    if state.walked:
        value.is_compact = False
        value.scan(0, 10)
    return value


def _put(db: Database, key: bytes, state: State) -> None:
    entry = db.put(key, _value_of(state), MADE)
    if state.life_ms is not None or state.forgotten:
        life_ms = LIFE_MS if state.life_ms is None else state.life_ms
        db.expire_at(entry, START_MS + life_ms, MADE)
    if state.forgotten and state.life_ms is None:
        db.persist(entry, MADE)


def _plain(value: Value | None) -> object:
    if isinstance(value, Hash):
        # A walk would tell less. A table is its own roster.
        order = value._roster._items if isinstance(value._roster, FieldRoster) else None
        return list(value.fields.items()), value.size_bytes, value.is_compact, order
    return value.__class__, value


def _trace_of(entry: Entry) -> Trace:
    due_ms = None if entry.bucket is None else entry.bucket.due_ms
    deadline_ms = entry.expires_at_ms
    return entry.key, _plain(entry.value), entry.seen, deadline_ms, deadline_ms.__class__, due_ms


class Twins:
    """See the file's docstring."""

    def __init__(self, states: dict[bytes, State] | None = None, **settings: str) -> None:
        self.harnesses = Harness(None, **settings), Harness(None, **settings)
        for harness in self.harnesses:
            harness.clock.now_ms = START_MS - AGE_MS
            for key, state in (states or {}).items():
                _put(harness.node.keyspace.databases[0], key, state)
            harness.clock.now_ms = START_MS
        self.contexts = [Context(one.node, one.client().record) for one in self.harnesses]

    def call(self, argv: Iterable[bytes], protocol: int = 2) -> bytes | None:
        """Run one command on both; return the answer, None where the compiled command declined, on both then."""
        words = list(argv)
        compiled, plain = self.contexts
        before = self.trace(compiled)
        wire = answer(words[0].upper(), compiled, words, protocol)
        if wire is None:
            assert self.trace(compiled) == before, "who declines leaves no trace"
            return None
        handler = plain.node.table.resolve(words)
        assert encode(handler.run(plain, words), protocol) == wire
        assert self.trace(compiled) == self.trace(plain)
        check_accounts(self.harnesses[0].node.keyspace)
        return wire

    @staticmethod
    def trace(context: Context) -> Trace:
        db, statistics = context.db, context.node.statistics
        entries = [_trace_of(entry) for entry in db.entries.values()]
        counts = statistics.keyspace_hits, statistics.keyspace_misses, statistics.expired_keys
        sizes = len(db), db.used_bytes, db.payload_bytes, db.deadlines, db.journal.changes
        walk = [entry.key for entry in db.roster.walk(0, 1000)[1]]
        return entries, counts, sizes, walk, db.wheel.next_due_ms()
