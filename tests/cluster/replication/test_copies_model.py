"""Random commands on one node, their records cut into frames anywhere: the copy on another is always the same."""

from collections.abc import Iterator

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from respcache.cluster.replication.applying import COPY_BYTES
from respcache.cluster.replication.debts import DEBT_BYTES, Debts
from respcache.cluster.replication.records import BEGIN, END, OFFER, Record
from respcache.cluster.replication.tombstones import TOMBSTONE_BYTES
from respcache.keyspace.entry import size_of
from respcache.keyspace.lives import Lives, Renewal
from tests.cluster.replication.nodes import KEYS, PLACES, Node
from tests.thoroughness import examples

KEY = st.sampled_from([key.decode() for key in KEYS])
FIELD = st.sampled_from(["f", "g", "h"])
TEXT = st.sampled_from(["1", "x", "yy", "10", "z" * 70])
STRINGS = (
    "SET {k} {t}", "SET {k} {t} PX 30", "SET {k} {t} KEEPTTL", "SETNX {k} {t}", "APPEND {k} {t}", "APPEND {k} {t}",
    "SETRANGE {k} 1 {t}", "SETRANGE {k} 9 {t}", "INCR {k}", "INCRBYFLOAT {k} 0.5", "GETSET {k} {t}",
    "MSET {k} {t} {k2} {t}", "GETEX {k} PX 50", "GET {k}", "GETDEL {k}",
)  # fmt: skip
HASHES = (
    "HSET {k} {f} {t}", "HSET {k} {f} {t} g 2", "HSET {k} f {t} h 1", "HSETNX {k} {f} {t}", "HDEL {k} {f}",
    "HDEL {k} {f} g", "HINCRBY {k} {f} 1", "HINCRBYFLOAT {k} {f} 0.5",
)  # fmt: skip
EITHER = (
    "DEL {k}", "RENAME {k} {k2}", "COPY {k} {k2} REPLACE", "COPY {k} {k2} DB 1", "MOVE {k} 1", "PEXPIRE {k} 40",
    "PERSIST {k}",
)  # fmt: skip
ALL = ("FLUSHDB", "FLUSHALL")


def spelled(templates: tuple[str, ...], keys: st.SearchStrategy[str] = KEY) -> st.SearchStrategy[str]:
    return st.builds(
        lambda template, k, k2, f, t: template.format(k=k, k2=k2, f=f, t=t),
        st.sampled_from(templates), keys, KEY, FIELD, TEXT,
    )  # fmt: skip


FIRST, SECOND = st.sampled_from(["a", "c{a}"]), st.sampled_from(["b", "{a}d"])
COMMANDS = st.one_of(
    spelled(
        STRINGS, FIRST
    ),  # two keys are mostly strings and two mostly hashes, or few commands would meet their type
    spelled(STRINGS, FIRST),
    spelled(HASHES, SECOND),
    spelled(HASHES, SECOND),
    spelled(HASHES, SECOND),
    spelled(EITHER),
    spelled(STRINGS + HASHES + ALL),
)


class CopyMachine(RuleBasedStateMachine):
    """Two nodes, of which one serves; they change their parts now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.server, self.copy = Node(b"one"), Node(b"other", serves=())
        self.server.stream.take()
        self.copies: dict[int, Iterator[Record]] = {}
        self.delivered: list[Record] = []

    @rule(command=COMMANDS)
    def command(self, command: str) -> None:
        self.server.client(command)

    @rule(commands=st.lists(COMMANDS, min_size=2, max_size=8))
    def pipeline(self, commands: list[str]) -> None:
        for command in commands:
            self.server.client(command)

    @rule(milliseconds=st.integers(1, 60), is_swept=st.booleans())
    def wait(self, milliseconds: int, is_swept: bool) -> None:
        for node in (self.server, self.copy):
            node.harness.clock.advance(milliseconds)
        if is_swept:
            self.server.harness.sweep()

    @rule(key=st.sampled_from(KEYS))
    def evict(self, key: bytes) -> None:
        entry = self.server.db.entries.get(key)
        if entry is not None:
            self.server.db.evict(entry)

    @rule(key=st.sampled_from(KEYS), db=st.sampled_from([0, 0, 1]), is_owed=st.booleans())
    def note_a_debt(self, key: bytes, db: int, is_owed: bool) -> None:
        debts = Debts(self.server.recorder)
        (debts.owe if is_owed else debts.settle)(db, key)

    @rule(life_ms=st.none() | st.integers(20, 200))
    def let_lives_slide(self, life_ms: int | None) -> None:
        for node in (self.server, self.copy):
            node.keyspace.set_lives(None if life_ms is None else Lives(life_ms, renewal=Renewal.ON_ACCESS))

    @rule(most=st.integers(0, 20))
    def deliver(self, most: int) -> None:
        queue = self.server.stream.records
        for record in queue[:most]:
            self._take(record)
        del queue[:most]

    def _take(self, record: Record) -> None:
        if record[0] == BEGIN:
            self.copy.holdings.begin(record[1], is_kept=False)
            self.delivered.clear()  # what was sent before the copy began is not sent again behind it
        elif record[0] == END:
            assert self.copy.holdings.end(record[1]) == []
        else:
            assert self.copy.apply([record]) != ["MISSING"]
            self.delivered.append(record)

    @rule(count=st.integers(1, 30))
    def send_again(self, count: int) -> None:
        """Send the last of what was delivered again, in its order, as a stream does after a connection was lost."""
        assert "MISSING" not in self.copy.apply(self.delivered[-count:])

    @rule(p=st.sampled_from(PLACES))
    def begin_to_copy(self, p: int) -> None:
        self.server.stream.add((BEGIN, p))
        self.copies[p] = self.server.holdings.records(p)
        self.go_on_copying(p, 1)

    @precondition(lambda self: self.copies)
    @rule(p=st.sampled_from(PLACES), count=st.integers(1, 3))
    def go_on_copying(self, p: int, count: int) -> None:
        for _ in range(count if p in self.copies else 0):
            record = next(self.copies[p], None)
            if record is None:
                del self.copies[p]
                self.server.stream.add((END, p))
                return
            self.server.stream.add(record)

    @rule()
    def hand_over(self) -> None:
        self._finish()
        content = self.server.content()
        for p in PLACES:
            self.server.holdings.release(p)
            self.copy.holdings.adopt(p)
        assert self.copy.content() == content
        assert not any(db.entries for db in self.server.keyspace.databases)
        self.server, self.copy = self.copy, self.server
        self.delivered.clear()

    def _finish(self) -> None:
        for p in list(self.copies):
            self.go_on_copying(p, 1000)
        self.deliver(1_000_000)

    @invariant()
    def what_is_told_is_what_is_there(self) -> None:
        if not self.copies and not self.server.stream.records:
            assert self.copy.digests() == self.server.digests()
            assert self.copy.owed() == self.server.owed()

    @invariant()
    def the_tables_are_those_of_the_databases(self) -> None:
        for db in self.server.keyspace.databases:
            tables = [self.server.recorder.parts[p].table(db.index) for p in PLACES]
            assert {k: e for table in tables for k, e in table.entries.items()} == db.entries

    @invariant()
    def accounts_are_right(self) -> None:
        for node in (self.server, self.copy):
            copied = [e for p in PLACES if not node.recorder.parts[p].is_served for e in node.entries(p)]
            payload_bytes = sum(len(entry.key) + size_of(entry.value) for entry in copied)
            tombstones = len(node.recorder.tombstones) * TOMBSTONE_BYTES
            debts = sum(len(owed) for owed in node.owed()) * DEBT_BYTES
            assert node.holdings.copied_entries == len(copied)
            assert node.holdings.used_bytes == payload_bytes + len(copied) * COPY_BYTES + tombstones + debts

    def teardown(self) -> None:
        self._finish()
        assert self.copy.digests() == self.server.digests()


TestCopies = CopyMachine.TestCase
TestCopies.settings = settings(max_examples=examples(60, 300), stateful_step_count=40, deadline=None)


class SplitMachine(RuleBasedStateMachine):
    """Two nodes that both serve everything, not knowing of each other, until they meet."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes = (Node(b"one"), Node(b"other"))
        self.followers = (Node(b"three", serves=()), Node(b"four", serves=()))

    @rule(commands=st.lists(COMMANDS, min_size=1, max_size=5), which=st.booleans())
    def command(self, commands: list[str], which: bool) -> None:
        for command in commands:
            self.nodes[which].client(command)

    @rule(milliseconds=st.integers(1, 60), which=st.booleans())
    def wait(self, milliseconds: int, which: bool) -> None:
        """Let the clock of one go on; so clocks differ."""
        self.nodes[which].harness.clock.advance(milliseconds)

    @rule(which=st.booleans(), count=st.integers(1, 5))
    def merge_some(self, which: bool, count: int) -> None:
        for p in PLACES:
            for record in list(self.nodes[not which].holdings.records(p))[-count:]:
                self._offer(which, p, record)

    def _offer(self, which: bool, p: int, record: Record) -> None:
        self.nodes[which].holdings.merge(p, (record[0] + OFFER, *record[1:]))

    @rule(which=st.booleans())
    def meet(self, which: bool) -> None:
        for node in (which, not which):
            for p in PLACES:
                for record in list(self.nodes[not node].holdings.records(p)):
                    self._offer(node, p, record)
        self._expire()
        assert self.nodes[0].digests() == self.nodes[1].digests()
        assert self.nodes[0].content() == self.nodes[1].content()

    def _expire(self) -> None:
        """Let both have the later time: what only the clock that is ahead has taken for expired lies at one of them alone."""
        now_ms = max(node.harness.clock.now_ms for node in self.nodes)
        for node in self.nodes:
            node.harness.clock.now_ms = now_ms
            node.keyspace.sweep(1000)

    @invariant()
    def a_follower_of_either_has_the_same(self) -> None:
        for node, follower in zip(self.nodes, self.followers, strict=True):
            assert "MISSING" not in follower.apply(node.stream.take())
            assert follower.digests() == node.digests()


TestSplits = SplitMachine.TestCase
TestSplits.settings = settings(max_examples=examples(20, 300), stateful_step_count=30, deadline=None)
