"""Equal commands answered together: nobody can tell it from one after the other."""

from collections.abc import Callable, Iterator
from importlib import import_module

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.keyspace.hashes import Hash
from respcache.protocol.replies import ErrorReply
from respcache.server import series
from respcache.server.series import COMMANDS_PER_CHECK, COMMANDS_PER_TURN
from tests.commands.harness import Harness, HarnessClient
from tests.protocol.streams import cut, request

if IS_COMPILED:
    pytest.skip("compiled code reads and runs pipelines in its own way", allow_module_level=True)

LEAST = 8
"""So many short commands are surely taken together."""


def gets(*keys: str) -> bytes:
    return b"".join(request(b"GET", key.encode()) for key in keys)


def sets(*pairs: tuple[str, str]) -> bytes:
    return b"".join(request(b"SET", key.encode(), value.encode()) for key, value in pairs)


class Taken:
    """Counts the commands that were answered together."""

    def __init__(self, harness: Harness) -> None:
        self.calls = 0
        ledger = harness.dispatcher.ledger
        count = ledger.count_series

        def note(client: object, bound: object, calls: int, *others: object) -> None:
            self.calls += calls
            count(client, bound, calls, *others)  # type: ignore[arg-type]

        ledger.count_series = note  # type: ignore[method-assign, assignment]


@pytest.fixture
def harness() -> Harness:
    return Harness(enable_debug_command="yes")


@pytest.fixture
def taken(harness: Harness) -> Taken:
    return Taken(harness)


@pytest.fixture
def client(harness: Harness) -> Iterator[HarnessClient]:
    client = harness.client()
    yield client
    client.close()


def test_a_pipeline_of_one_command_is_answered_together(client: HarnessClient, taken: Taken) -> None:
    assert client.receive(sets(*[(f"k{n}", str(n)) for n in range(20)])) == [b"OK"] * 20
    assert client.receive(gets(*[f"k{n}" for n in range(25)])) == [b"%d" % n for n in range(20)] + [None] * 5
    assert taken.calls == 45


def test_each_is_counted(harness: Harness, client: HarnessClient, taken: Taken) -> None:
    client("SET a 1")
    before = harness.node.statistics.total_commands_processed
    client.receive(gets("a", "none") * 50)
    assert taken.calls == 100
    record = harness.node.command_statistics["get"]
    assert (record.calls, sum(record.counts)) == (100, 100)
    assert record.nanoseconds > 0
    assert harness.node.statistics.total_commands_processed - before == 100
    assert (harness.node.statistics.keyspace_hits, harness.node.statistics.keyspace_misses) == (50, 50)
    assert client.record.last_command == "get"


def test_the_client_was_here_just_now(harness: Harness, client: HarnessClient, taken: Taken) -> None:
    harness.clock.advance(5000)
    client.receive(gets("a") * LEAST)
    assert taken.calls == LEAST
    assert client.record.last_used_ms == harness.clock.now_ms


def test_an_error_amid_the_series_stands_in_its_place(client: HarnessClient, taken: Taken) -> None:
    client("HSET h f v")
    client("SET a 1")
    replies = client.receive(gets("a", "h") * LEAST)
    assert taken.calls == 0
    assert replies[::2] == [b"1"] * LEAST
    assert {reply.code for reply in replies[1::2] if isinstance(reply, ErrorReply)} == {"WRONGTYPE"}


def test_what_follows_the_series_in_the_same_read_runs_after_it(client: HarnessClient, taken: Taken) -> None:
    one = sets(("a", "1"))
    assert client.receive(one * LEAST + one[:-5]) == [b"OK"] * LEAST
    assert client.receive(one[-5:] + gets("a")) == [b"OK", b"1"]
    assert taken.calls == LEAST


def test_broken_input_behind_the_series_ends_the_client_after_its_answers(client: HarnessClient) -> None:
    replies = client.receive(sets(("a", "1")) * LEAST + b"*3\r\n$3\r\nSET\r\n$x\r\n" + b"a" * 40)
    assert replies[:-1] == [b"OK"] * LEAST
    assert replies[-1].message.startswith("Protocol error: invalid bulk length")


def test_one_turn_runs_a_bounded_number(client: HarnessClient, taken: Taken) -> None:
    client.session.receive(gets("a") * (COMMANDS_PER_TURN + 100))
    assert taken.calls == COMMANDS_PER_TURN
    assert client.session.is_hungry
    assert not client.session.wants_input
    assert client.replies() == [None] * (COMMANDS_PER_TURN + 100)


def test_big_replies_end_a_turn_early(client: HarnessClient, taken: Taken) -> None:
    client("SET", "big", "x" * 50_000)
    client.session.receive(gets("big") * (4 * COMMANDS_PER_CHECK))
    assert taken.calls == COMMANDS_PER_CHECK
    assert client.session.is_hungry
    assert len(client.replies()) == 4 * COMMANDS_PER_CHECK


@pytest.mark.parametrize(
    "prepare",
    [
        lambda harness, client: client("MULTI"),
        lambda harness, client: client("CLIENT TRACKING ON"),
        lambda harness, client: client("CLIENT NO-TOUCH ON"),
        lambda harness, client: harness.client()("MONITOR"),
        lambda harness, client: harness.client()("CONFIG SET slowlog-log-slower-than 0"),
        lambda harness, client: harness.client()("CONFIG SET latency-monitor-threshold 1") and harness.client()(
            "CONFIG SET slowlog-log-slower-than 900"
        ),
    ],
    ids=["MULTI", "tracking", "no-touch", "monitor", "slow log", "slow log, in microseconds"],
)  # fmt: skip
def test_whoever_is_asked_about_each_command_gets_each(
    harness: Harness, client: HarnessClient, taken: Taken, prepare: Callable[[Harness, HarnessClient], object]
) -> None:
    prepare(harness, client)
    assert len(client.receive(gets("a") * LEAST)) == LEAST
    assert taken.calls == 0


def test_a_guard_is_asked_for_each_set_but_get_has_none(harness: Harness, taken: Taken) -> None:
    client = harness.client()
    client("CONFIG SET maxmemory 100mb")
    client.receive(sets(("a", "1")) * LEAST)
    assert taken.calls == 0
    client.receive(gets("a") * LEAST)
    assert taken.calls == LEAST


def test_a_series_that_takes_too_long_is_told_by_its_first_command(
    harness: Harness, client: HarnessClient
) -> None:
    bound = harness.dispatcher.fast[b"GET"]
    ledger = harness.dispatcher.ledger
    ledger.count_series(client.record, bound, 10, ledger.slow_ns - 1, [b"GET", b"a"])
    assert client("SLOWLOG LEN") == 0
    ledger.count_series(client.record, bound, 10, ledger.slow_ns, [b"GET", b"b"])
    assert client("SLOWLOG GET")[0][2:4] == [ledger.slow_ns // 1000, [b"GET", b"b"]]


def test_a_bug_in_a_series_costs_nothing_but_time(
    harness: Harness, client: HarnessClient, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    client("SET a 1")

    def fail(*_: object) -> None:
        raise ValueError("oops")

    monkeypatch.setattr(import_module("respcache.commands.strings"), "find_all", fail)
    assert client.receive(gets("a") * LEAST) == [b"1"] * LEAST
    assert taken.calls == 0


KEYS = st.sampled_from([b"a", b"b", b"c", b"dies", b"hash", b"raw"])
VALUES = st.sampled_from([b"", b"1", b"x" * 1500, b"\r\n", b"\0"])
COMMANDS = st.one_of(
    st.tuples(st.sampled_from([b"GET", b"get", b"DEL", b"INCR", b"EXISTS"]), KEYS),
    st.tuples(st.just(b"SET"), KEYS, VALUES),
    st.tuples(st.just(b"APPEND"), st.just(b"raw"), VALUES),
    st.tuples(st.just(b"HSET"), st.just(b"hash"), st.just(b"f"), VALUES),
    st.tuples(st.just(b"SET"), st.just(b"dies"), VALUES, st.just(b"PX"), st.just(b"100")),
    st.tuples(st.sampled_from([b"MULTI", b"EXEC", b"nonsense", b"GET"])),
    st.sampled_from([(b"CLIENT", b"TRACKING", b"ON"), (b"HELLO", b"2"), (b"HELLO", b"3"), (b"WATCH", b"a")]),
)
RUNS = st.one_of(
    st.lists(KEYS.map(lambda key: (b"GET", key)), min_size=LEAST, max_size=80),
    st.lists(st.tuples(st.just(b"SET"), KEYS, VALUES), min_size=LEAST, max_size=80),
    st.lists(COMMANDS, max_size=4),
)
READS = st.lists(st.tuples(RUNS, st.integers(0, 80)), max_size=8)


def outcome(reads: list[tuple[list[tuple[bytes, ...]], int]], places: list[int]) -> tuple[object, ...]:
    """Send reads, a while apart, and return all that can be seen afterwards."""
    harness = Harness()
    client = harness.client()
    wire = []
    for commands, later_ms in reads:
        for piece in cut(b"".join(request(*words) for words in commands), places):
            client.session.receive(piece)
            while client.session.is_hungry:
                client.session.resume()
            wire.append(b"".join(client.session.take_output()))
        harness.clock.advance(later_ms)
    db = client.session.context.db
    kept = {
        key: (
            dict(entry.value.fields) if isinstance(entry.value, Hash) else entry.value,
            entry.expires_at_ms,
            entry.seen,
        )
        for key, entry in db.entries.items()
    }
    statistics = harness.node.statistics
    calls = {
        name: (one.calls, one.failed_calls, one.rejected_calls)
        for name, one in harness.node.command_statistics.items()
    }
    counted = (statistics.keyspace_hits, statistics.keyspace_misses, statistics.expired_keys)
    total = statistics.total_commands_processed
    return wire, kept, db.payload_bytes, db.deadlines, db.journal.changes, counted, total, calls


@given(READS, st.lists(st.integers(0, 3000), max_size=4))
@example(
    [
        ([(b"SET", b"dies", b"1", b"PX", b"100")], 80),
        ([(b"GET", b"dies")] * 9, 80),
        ([(b"GET", b"dies")] * 9, 0),
    ],
    [],
)
@example([([(b"SET", b"dies", b"1", b"PX", b"100")], 200), ([(b"SET", b"dies", b"2")] * 9, 0)], [])
def test_nothing_differs(reads: list[tuple[list[tuple[bytes, ...]], int]], places: list[int]) -> None:
    together = outcome(reads, places)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series, "FEWEST_BYTES", 1 << 40)
        assert outcome(reads, places) == together
