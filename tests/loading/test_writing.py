"""Clients that do anything at all, against a database that fails now and then: nothing may be lost, and nothing disordered."""

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from respcache.loading import Change
from respcache.loading.breaker import Breaker
from respcache.protocol.replies import ErrorReply
from tests.loading.test_pendings import is_subsequence
from tests.loading.writing_rig import Rig, Rows, Shelf, SingleShelf
from tests.thoroughness import seeds

KEYS = [f"k:{n}" for n in range(12)]
SECONDS = 60

COMMANDS = (
    "SET {a} {n}",
    "SET {a} {n} PX 200",
    "SET {a} {n} NX",
    "SET {a} {n} XX",
    "INCR {a}",
    "APPEND {a} x",
    "DEL {a} {b}",
    "GETDEL {a}",
    "RENAME {a} {b}",
    "COPY {a} {b} REPLACE",
    "MSET {a} {n} {b} {n} other {n}",
    "HSET {h} f {n}",
    "HDEL {h} f",
    "EXPIRE {a} 0",
    "PEXPIRE {a} 300",
    "GET {a}",
    "MGET {a} {b} {h}",
)


class Moody:
    """What a database does: it is slow at times, fails at times, and may have written some of a call that fails."""

    def __init__(self, chance: random.Random, shelf: Rows) -> None:
        self._chance = chance
        self._shelf = shelf
        self.is_well = False

    async def __call__(self, changes: Sequence[Change]) -> None:
        await trio.sleep(self._chance.choice((0, 0.005, 0.1)))
        if not self.is_well and self._chance.random() < 0.3:
            if len(changes) > 1 and self._chance.random() < 0.5:
                self._shelf.take(changes[: self._chance.randrange(len(changes))])
            raise OSError("moody")


class Seen(dict[bytes, Any]):
    """Rows, and all values that each has had."""

    def __init__(self) -> None:
        super().__init__()
        self.history: defaultdict[bytes, list[Any]] = defaultdict(list)

    def __setitem__(self, key: bytes, value: Any) -> None:
        super().__setitem__(key, value)
        self.history[key].append(value)

    def pop(self, key: bytes, default: Any = None) -> Any:
        self.history[key].append(None)
        return super().pop(key, default)


def line(chance: random.Random, number: int) -> str:
    a, b = chance.sample(KEYS[:9], 2)
    return chance.choice(COMMANDS).format(a=a, b=b, h=chance.choice(KEYS[9:]), n=number)


async def live(rig: Rig, chance: random.Random, count: int) -> None:
    """Be one client: commands and transactions, one after another."""
    client = rig.client()
    for number in range(count):
        await trio.sleep(chance.choice((0, 0.002, 0.03)))
        rig.set_clock()
        if chance.random() < 0.15:
            for command in ("MULTI", line(chance, number), line(chance, number + 1000)):
                await client.ask(command)
            reply = await client.ask("EXEC")
        else:
            reply = await client.ask(line(chance, number))
        if isinstance(reply, ErrorReply):
            assert reply.code in {"WRITEFAILED", "WRONGTYPE", "ERR", "WRITETIMEOUT"}, reply


def cached(rig: Rig) -> dict[bytes, Any]:
    """Return what the cache has under the loader's pattern."""
    found: dict[bytes, Any] = {}
    db = rig.harness.node.keyspace.databases[0]
    for key in map(str.encode, KEYS):
        entry = db.find(key)
        if entry is not None and entry.value is not None:
            value = entry.value
            found[key] = bytes(value) if isinstance(value, bytes | bytearray) else dict(value.fields.items())
    return found


async def forget_some(rig: Rig, chance: random.Random) -> None:
    """Evict, flush and refresh now and then."""
    db = rig.harness.node.keyspace.databases[0]
    while True:
        await trio.sleep(chance.uniform(0.01, 0.2))
        rig.set_clock()
        key = chance.choice(KEYS).encode()
        entry = db.find(key)
        if chance.random() < 0.05:
            await rig.client().ask("FLUSHALL")
        elif chance.random() < 0.5:
            rig.source.flights.refresh(key)
        elif entry is not None:
            db.evict(entry)


@pytest.mark.parametrize("mode", ["through", "behind", "narrow"])
@pytest.mark.parametrize("kind", [Shelf, SingleShelf])
@pytest.mark.parametrize("seed", seeds(2, 12))
async def test_the_database_has_in_the_end_what_the_cache_has(
    nursery: trio.Nursery, autojump_clock: MockClock, mode: str, kind: type[Rows], seed: int
) -> None:
    chance = random.Random(seed)
    shelf = kind()
    shelf.rows = rows = Seen()
    shelf.always = moody = Moody(chance, shelf)
    shelf.load_takes_s = 0.01
    options: dict[str, Any] = {"write": "behind", "write_queue": 3} if mode == "narrow" else {"write": mode}
    rig = Rig(nursery, shelf, write_window_ms=20, circuit_failures=1000, **options)
    had: defaultdict[bytes, list[Any]] = defaultdict(list)
    note = rig.loading.note

    def note_too(changes: Any) -> None:
        for change in changes:
            had[change.key].append(change.value)
        note(changes)

    rig.loading.note = note_too  # type: ignore[method-assign]
    async with trio.open_nursery() as clients:
        forgetting = await clients.start(start_forgetting, rig, chance)
        async with trio.open_nursery() as busy:
            for _ in range(6):
                busy.start_soon(live, rig, random.Random(chance.random()), 150)
        forgetting.cancel()
    moody.is_well = True
    await rig.loading.drain(SECONDS)
    await trio.sleep(5)
    rig.set_clock()
    rig.assert_at_rest()
    for key, value in cached(rig).items():
        assert rows.get(key) == value, key
    if mode == "behind":
        assert rows == {key: values[-1] for key, values in had.items() if values[-1] is not None}
        for key, values in rows.history.items():
            distinct = [value for at, value in enumerate(values) if at == 0 or value != values[at - 1]]
            assert is_subsequence(distinct, had[key]), key
    assert shelf.most == 1


async def start_forgetting(
    rig: Rig, chance: random.Random, task_status: trio.TaskStatus[trio.CancelScope]
) -> None:
    with trio.CancelScope() as scope:
        task_status.started(scope)
        await forget_some(rig, chance)


async def test_an_error_within_loses_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(nursery, Shelf(), write="behind")
    pendings = rig.writer.behind.pendings

    def break_once(*arguments: Any) -> None:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(pendings, "written", break_once)
    await rig.ask("SET k:1 one")
    await trio.sleep(0.5)
    assert len(rig.writer.behind.pendings) == 1
    await trio.sleep(3)
    rig.assert_at_rest()
    assert rig.shelf.rows == {b"k:1": b"one"}


async def test_an_error_within_answers_those_who_wait(
    nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(nursery, Shelf(), write="through")
    monkeypatch.setattr(Breaker, "note_success", lambda breaker: 1 / 0)
    reply = await rig.ask("SET k:1 one")
    assert reply.code == "WRITETIMEOUT"
    monkeypatch.undo()
    await trio.sleep(2)
    assert await rig.ask("SET k:1 two") == b"OK"
    rig.assert_at_rest()


async def test_nothing_is_written_before_the_loader_has_started(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    class Slow(Shelf):
        async def start(self) -> None:
            await trio.sleep(2)

    rig = Rig(nursery, Slow(), write="through")
    begun_s = trio.current_time()
    assert await rig.ask("SET k:1 one") == b"OK"
    assert trio.current_time() - begun_s >= 2
