"""The hub: what readers are told, what is kept for them, and what is lost."""

import pytest
import trio
from trio.testing import MockClock

from respcache.commands.pending import Pending
from respcache.events.vocabulary import Created, Deleted, Updated
from respcache.gateway import events as hub_file
from respcache.gateway.event_filter import Filter
from respcache.gateway.events import BEAT_S, KEPT_EVENTS, LINGER_S, TOGETHER_EVENTS, Batch
from tests.gateway.live import Live
from tests.rows import every_row

EVERYTHING = Filter(frozenset(), "")


class Ear:
    """A reader that keeps what it takes."""

    def __init__(self, chosen: Filter = EVERYTHING) -> None:
        self.chosen = chosen
        self.batches: list[Batch] = []
        self.beats = 0

    def take(self, batch: Batch) -> None:
        self.batches.append(batch)

    def beat(self) -> None:
        self.beats += 1

    @property
    def keys(self) -> list[str]:
        return [(event.key or b"").decode() for batch in self.batches for event in batch.events]


def test_events_that_come_together_leave_together_and_once() -> None:
    live, ear = Live(), Ear()
    live.hub.add(ear)
    for key in "abc":
        live.client(f"SET {key} 1")
    live.hub.flush()
    live.hub.flush()
    assert [len(batch.events) for batch in ear.batches] == [3]
    assert ear.keys == ["a", "b", "c"]
    assert live.hub.sent_events == 3


def test_a_reader_is_told_nothing_that_was_before_it() -> None:
    live, first, second = Live(), Ear(), Ear()
    live.hub.add(first)
    live.client("SET a 1")
    live.hub.add(second)
    live.client("SET b 1")
    live.hub.flush()
    assert (first.keys, second.keys) == (["a", "b"], ["b"])


def test_who_has_left_is_told_nothing() -> None:
    live, ear = Live(), Ear()
    live.hub.add(ear)
    live.client("SET a 1")
    live.hub.leave(ear)
    live.hub.flush()
    assert ear.batches == []


def test_readers_who_want_the_same_share_the_same_bytes() -> None:
    live = Live()
    ears = [Ear(Filter(frozenset({"created"}), "a*")) for _ in range(3)]
    for ear in ears:
        live.hub.add(ear)
    live.client("SET ab 1")
    live.hub.flush()
    forms = [ear.batches[0].form(lambda_form) for ear in ears]
    assert forms[0] is forms[1] is forms[2]


def lambda_form(batch: Batch) -> bytes:
    return b"".join(event.json for event in batch.events)


def test_nobody_is_called_for_events_that_nobody_of_a_filter_wants() -> None:
    live, ear = Live(), Ear(Filter(frozenset(), "other:*"))
    live.hub.add(ear)
    live.client("SET a 1")
    live.hub.flush()
    assert ear.batches == []


def test_without_a_reader_nothing_is_listened_to() -> None:
    live = Live()
    live.client("SET a 1")
    assert not live.node.bus.listening
    live.hub.add(Ear())
    assert live.node.bus.listening


def test_what_is_kept_is_bounded_by_number() -> None:
    live = Live()
    live.hub.add(Ear())
    for _ in range(KEPT_EVENTS + 10):
        live.client("SET a 1")
    live.hub.flush()
    assert live.hub.lost_events == 0
    assert live.hub.sent_events == KEPT_EVENTS + 10
    assert missed(live, 9).is_after_gap
    assert len(missed(live, 10).events) == KEPT_EVENTS


def test_a_burst_leaves_before_any_of_it_is_pushed_out() -> None:
    live, ear = Live(), Ear()
    live.hub.add(ear)
    for number in range(TOGETHER_EVENTS + 1):
        live.client(f"SET key:{number} 1")
    assert [len(batch.events) for batch in ear.batches] == [TOGETHER_EVENTS]
    live.hub.flush()
    assert [len(batch.events) for batch in ear.batches] == [TOGETHER_EVENTS, 1]


def test_so_does_one_of_long_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "TOGETHER_BYTES", 5000)
    live, ear = Live(events_include_values="yes"), Ear()
    live.hub.add(ear)
    for _ in range(6):
        live.client("SET", "a", "x" * 1000)
    assert [len(batch.events) for batch in ear.batches] == [5]


def test_what_is_kept_is_bounded_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "KEPT_BYTES", 1000)
    live, ear = Live(), Ear()
    live.hub.add(ear)
    for number in range(100):
        live.client(f"SET key:{number} 1")
    live.hub.flush()
    [batch] = ear.batches
    assert sum(len(event.json) for event in batch.events) <= 1000
    assert batch.events[-1].key == b"key:99"
    assert batch.is_after_gap
    assert live.hub.lost_events == 100 - len(batch.events) > 0


def test_one_event_larger_than_everything_that_is_kept_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "KEPT_BYTES", 10)
    live, ear = Live(), Ear()
    live.hub.add(ear)
    live.client("SET a 1")
    live.hub.flush()
    assert ear.keys == ["a"]
    assert not ear.batches[0].is_after_gap


def missed(live: Live, last: int, run: bytes | None = None) -> Batch:
    return live.hub.missed(EVERYTHING, f"{(run or live.hub.run_id).decode()}-{last}")


def test_what_a_reader_has_missed_is_what_came_after_its_last_event() -> None:
    live = Live()
    live.hub.add(Ear())
    for key in "abc":
        live.client(f"SET {key} 1")
    live.hub.flush()
    assert [event.key for event in missed(live, 1).events] == [b"b", b"c"]
    assert not missed(live, 1).is_after_gap
    assert not missed(live, 3)


@every_row(
    "last_id",
    [
        "",
        "x",
        "-",
        "1",
        "00000000-1",
        "{run}-",
        "{run}-x",
        "{run}--1",
        "{run}-4",
        "{run}-" + "9" * 5000,
        "{run}-²",
    ],
)
def test_an_id_that_we_have_never_given_is_a_gap(last_id: str) -> None:
    live = Live()
    live.hub.add(Ear())
    for key in "abc":
        live.client(f"SET {key} 1")
    live.hub.flush()
    batch = live.hub.missed(EVERYTHING, last_id.format(run=live.hub.run_id.decode()))
    assert batch.is_after_gap
    assert not batch.events


def test_what_is_not_kept_any_more_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "KEPT_EVENTS", 2)
    live = Live()
    live.hub.add(Ear())
    for key in "abcd":
        live.client(f"SET {key} 1")
        live.hub.flush()
    assert missed(live, 1).is_after_gap
    assert [event.key for event in missed(live, 2).events] == [b"c", b"d"]


def test_many_readers_may_each_have_less_waiting() -> None:
    live = Live()
    assert live.hub.allowance_bytes == hub_file.MOST_UNSENT_BYTES
    for _ in range(1000):
        live.hub.add(Ear())
    assert live.hub.allowance_bytes == hub_file.ALL_UNSENT_BYTES // 1000
    for _ in range(9000):
        live.hub.add(Ear())
    assert live.hub.allowance_bytes == hub_file.LEAST_UNSENT_BYTES


def test_for_many_readers_events_are_collected_longer() -> None:
    live = Live()
    assert live.hub.pause_s == hub_file.TOGETHER_S
    for _ in range(1000):
        live.hub.add(Ear())
    assert live.hub.pause_s == pytest.approx(0.06)
    for _ in range(9000):
        live.hub.add(Ear())
    assert live.hub.pause_s == hub_file.LONGEST_TOGETHER_S


async def test_events_leave_soon_by_themselves(autojump_clock: MockClock) -> None:
    live, ear = Live(), Ear()
    live.hub.add(ear)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.hub.run)
        await trio.sleep(1)
        live.client("SET a 1")
        await trio.sleep(2 * hub_file.TOGETHER_S)
        assert ear.keys == ["a"]
        nursery.cancel_scope.cancel()


async def test_readers_have_beats_however_much_others_are_told(autojump_clock: MockClock) -> None:
    live, ear, quiet = Live(), Ear(), Ear(Filter(frozenset(), "nothing:*"))
    live.hub.add(ear)
    live.hub.add(quiet)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.hub.run)
        for _ in range(100):
            live.client("SET a 1")
            await trio.sleep(4 * BEAT_S / 100)
        assert quiet.beats == 3
        assert quiet.batches == []
        nursery.cancel_scope.cancel()


async def test_events_are_kept_a_while_for_the_return_of_the_last_reader(autojump_clock: MockClock) -> None:
    live, ear = Live(), Ear()
    live.hub.add(ear)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.hub.run)
        await trio.sleep(1)
        live.hub.leave(ear)
        await trio.sleep(LINGER_S / 2)
        live.client("SET a 1")
        await trio.sleep(1)
        assert [event.key for event in missed(live, 0).events] == [b"a"]
        await trio.sleep(LINGER_S / 2)
        assert not live.node.bus.listening
        nursery.cancel_scope.cancel()


async def test_what_happened_while_nobody_listened_is_a_gap(autojump_clock: MockClock) -> None:
    live, ear = Live(), Ear()
    live.hub.add(ear)
    live.client("SET a 1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.hub.run)
        await trio.sleep(1)
        live.hub.leave(ear)
        await trio.sleep(2 * LINGER_S)
        live.client("SET b 1")
        live.hub.add(ear)
        assert missed(live, 1).is_after_gap
        live.client("SET c 1")
        await trio.sleep(1)
        assert ear.keys == ["a", "c"]
        nursery.cancel_scope.cancel()


def test_only_what_readers_want_is_listened_to() -> None:
    live, created, deleted = Live(), Ear(only("created")), Ear(only("deleted", "died"))
    live.hub.add(created)
    assert (live.node.bus.wants(Created), live.node.bus.wants(Deleted)) == (True, False)
    live.hub.add(deleted)
    assert (live.node.bus.wants(Created), live.node.bus.wants(Deleted)) == (True, True)
    assert not live.node.bus.wants(Updated)
    for line in ("SET a 1", "SET a 2", "DEL a"):
        live.client(line)
    live.hub.flush()
    assert [event.kind for batch in created.batches for event in batch.events] == ["created"]
    assert [event.kind for batch in deleted.batches for event in batch.events] == ["deleted"]
    assert live.hub.sent_events == 2


async def test_a_kind_that_nobody_wants_any_more_is_let_go_by_itself(autojump_clock: MockClock) -> None:
    live, created, deleted = Live(), Ear(only("created")), Ear(only("deleted"))
    live.hub.add(created)
    live.hub.add(deleted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.hub.run)
        await trio.sleep(1)
        live.hub.leave(created)
        await trio.sleep(LINGER_S - 1)
        assert live.node.bus.wants(Created)
        await trio.sleep(2)
        assert (live.node.bus.wants(Created), live.node.bus.wants(Deleted)) == (False, True)
        nursery.cancel_scope.cancel()


async def test_a_reader_that_is_back_in_time_keeps_its_kinds(autojump_clock: MockClock) -> None:
    live, ear = Live(), Ear(only("created"))
    live.hub.add(ear)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.hub.run)
        for _ in range(10):
            live.hub.leave(ear)
            await trio.sleep(LINGER_S - 1)
            live.hub.add(ear)
        await trio.sleep(5 * LINGER_S)
        assert live.node.bus.wants(Created)
        assert not live.hub.missed(only("created"), f"{live.hub.run_id.decode()}-0").is_after_gap
        nursery.cancel_scope.cancel()


async def test_kinds_that_were_not_listened_to_are_a_gap_and_others_are_not(
    autojump_clock: MockClock,
) -> None:
    live, created = Live(), Ear(only("created"))
    live.hub.add(created)
    live.client("SET a 1")
    live.client("DEL a")
    live.hub.flush()
    last_id = f"{live.hub.run_id.decode()}-1"
    assert not live.hub.missed(only("created"), last_id)
    assert live.hub.missed(only("deleted"), last_id).is_after_gap
    live.hub.add(Ear(only("deleted")))
    live.client("DEL b")
    live.client("SET b 1")
    live.client("DEL b")
    live.hub.flush()
    assert [event.kind for event in live.hub.missed(EVERYTHING, last_id).events] == []
    assert live.hub.missed(EVERYTHING, last_id).is_after_gap
    both = live.hub.missed(only("created", "deleted"), last_id)
    assert [event.kind for event in both.events] == ["created", "deleted"]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.hub.run)
        live.hub.leave(created)
        await trio.sleep(2 * LINGER_S)
        live.hub.add(created)
        nursery.cancel_scope.cancel()
    assert live.hub.missed(only("created"), last_id).is_after_gap
    assert not live.hub.missed(only("deleted"), last_id).is_after_gap


def only(*kinds: str) -> Filter:
    return Filter(frozenset(kinds), "")


def test_who_begins_waits_for_other_nodes_to_hear_of_it() -> None:
    live = Live()
    live.hear_all_nodes()
    pending = Pending()
    live.node.broker.confirmation = lambda client, reply: pending  # type: ignore[method-assign]
    called: list[str] = []
    live.hub.add(Ear())
    live.hub.when_listening(lambda: called.append("first"))
    live.hub.when_listening(lambda: called.append("second"))
    assert called == []
    pending.resolve(None)
    live.hub.when_listening(lambda: called.append("third"))
    assert called == ["first", "second", "third"]
