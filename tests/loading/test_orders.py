"""Whatever clients, loaders and time do: nobody reads what is older than the last write he knows of, and no key is stuck.

Clients read, write, delete and flush at random; rows come and go; calls are slow, fail, hang or return at once. What a call
brings says at which tick the row was read. The property: let F be the tick at which the newest of those writes began that were
answered before a read began. Then the read gives

- what was read from the database at F or later, or
- what a client has SET, unless that was answered before F, or
- nothing, if the row was not there at some time since F, or
- an error.
"""

import random
from collections import defaultdict
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from respcache.loading.loader import KEEP, LoadError
from respcache.protocol.replies import ErrorReply
from tests.loading.rig import Client, Rig, Table

KEYS = [b"k:%d" % number for number in range(6)]
CLIENTS = 5
COMMANDS = 120
ERRORS = {"LOADFAILED", "LOADTIMEOUT", "TRYAGAIN"}


class World:
    """Ticks, rows, and what must be remembered of writes."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.tick = 0
        self.rows: dict[bytes, bool] = dict.fromkeys(KEYS, True)
        self.last_absent: dict[bytes, int] = {}
        self.floors: dict[bytes, int] = defaultdict(int)
        self.answered: dict[bytes, int] = {}
        """When a SET was answered, by its value."""

    def next_tick(self) -> int:
        self.tick += 1
        for key, is_there in self.rows.items():
            if not is_there:
                self.last_absent[key] = self.tick
        return self.tick

    def check(self, key: bytes, floor: int, value: Any) -> None:
        if isinstance(value, ErrorReply):
            assert value.code in ERRORS, value
        elif value is None:
            assert self.last_absent.get(key, -1) >= floor, (key, floor)
        elif value.startswith(b"row "):
            assert int(value[4:]) >= floor, (key, floor, value)
        else:
            assert self.answered.get(value, self.tick) >= floor, (key, floor, value)


class Rows(Table):
    """Answers with the tick at which it looked."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.always = self.look

    async def look(self, keys: list[bytes]) -> Any:
        world, chance = self._world, self._world.chance
        await trio.sleep(chance.choice([0, 0, 0.01, 0.3]))
        world.next_tick()
        found: dict[bytes, Any] = {key: b"row %d" % world.tick for key in keys if world.rows[key]}
        await trio.sleep(chance.choice([0, 0, 0.005, 0.05, 0.4, 0.8, 3]))
        kind = chance.random()
        if kind < 0.1:
            raise OSError("gone")
        if kind < 0.13:
            await trio.sleep_forever()
        if kind < 0.2 and found:
            found[chance.choice(list(found))] = LoadError("not this one")
        return found

    async def refresh(self, key: bytes, old: Any, datum: bytes) -> Any:  # in a thread it would take real time
        return KEEP if old == datum else datum


async def read(world: World, client: Client) -> None:
    keys = world.chance.sample(KEYS, world.chance.choice([1, 1, 1, 3]))
    floors = [world.floors[key] for key in keys]
    world.next_tick()
    if len(keys) == 1:
        world.check(keys[0], floors[0], await client.ask("GET", keys[0]))
        return
    values = await client.ask("MGET", *keys)
    if isinstance(values, ErrorReply):
        values = [values] * len(keys)
    for key, floor, value in zip(keys, floors, values, strict=True):
        world.check(key, floor, value)


async def write(world: World, client: Client) -> None:
    key = world.chance.choice(KEYS)
    began = world.next_tick()
    value = b"set %d" % began
    kind = world.chance.choice(["SET", "SET", "PX", "DEL", "DEL", "GETDEL", "EXEC", "FLUSHALL"])
    if kind == "SET":
        reply = await client.ask("SET", key, value)
    elif kind == "PX":
        reply = await client.ask("SET", key, value, "PX", "30")
    elif kind == "EXEC":
        for words in (("MULTI",), ("DEL", key), ("SET", key, value), ("EXEC",)):
            reply = await client.ask(*words)
    elif kind == "FLUSHALL":
        reply = await client.ask("FLUSHALL")
    else:
        reply = await client.ask(kind, key)
    if isinstance(reply, ErrorReply):
        assert reply.code in ERRORS, reply
        return
    world.answered[value] = world.next_tick()
    for one in KEYS if kind == "FLUSHALL" else [key]:
        world.floors[one] = max(world.floors[one], began)


async def behave(world: World, rig: Rig) -> None:
    client, chance = rig.client(), world.chance
    for _ in range(COMMANDS):
        rig.set_clock()
        kind = chance.random()
        if kind < 0.55:
            await read(world, client)
        elif kind < 0.8:
            await write(world, client)
        elif kind < 0.85:
            world.rows[chance.choice(KEYS)] ^= True
            world.next_tick()
        elif kind < 0.93:
            rig.flights.refresh(chance.choice(KEYS))
        elif kind < 0.98:
            rig.flights.request(chance.choice(KEYS))
        else:
            client.send("GET", chance.choice(KEYS))
            client.close()  # hangs up, perhaps while it waits
            client = rig.client()
        await trio.sleep(chance.choice([0, 0, 0, 0.001, 0.01, 0.1, 0.6]))


OPTIONS: list[dict[str, Any]] = [
    {"timeout_ms": 500, "retry_pause_ms": 10},
    {"timeout_ms": 500, "negative_expiration": 0, "batch_window_ms": 0, "tries": 1},
    {"timeout_ms": 900, "expiration": 0.5, "refresh_ahead": 0.5, "circuit_failures": 1000, "batch_size": 2},
    {"timeout_ms": 400, "expiration": 0.3, "on_failure": "stale", "stale_seconds": 1, "circuit_reset_ms": 50},
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("options", OPTIONS, ids=range(len(OPTIONS)))
async def test_no_read_is_older_than_a_write_before_it_and_nothing_is_stuck(
    seed: int, options: dict[str, Any], nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    world = World(seed)
    rig = Rig(nursery, Rows(world), **options)
    async with trio.open_nursery() as clients:
        for _ in range(CLIENTS):
            clients.start_soon(behave, world, rig)
    await trio.sleep(60)
    rig.assert_at_rest()
    assert rig.statistics.loaded > 10


class Patient(Table):
    """Has a row for every key, and takes its time; another each time that it is asked."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(dict.fromkeys(KEYS, b"row"))
        self.chance = chance
        self.always = self.look

    async def look(self, keys: list[bytes]) -> Any:
        found = self.found(keys)
        await trio.sleep(self.chance.choice([0, 0.01, 0.05, 0.2]))
        return found


async def ask_and_write(rig: Rig, key: bytes, chance: random.Random) -> None:
    """Ask for a key and delete it as it comes, without waiting for it; ask for it at last."""
    client = rig.client()
    for _ in range(chance.randrange(5)):
        rig.set_clock()
        kind = chance.random()
        if kind < 0.3:
            rig.flights.request(key)
        elif kind < 0.5:
            rig.flights.refresh(key)
        elif kind < 0.9:
            await client.ask("DEL", key)
        else:
            await client.ask("SET", key, "brief", "PX", 1)
        await trio.sleep(chance.choice([0, 0.005, 0.03]))
    await trio.sleep(0.002)
    rig.set_clock()
    rig.flights.request(key)


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_asked_for_last_comes_in_the_end(
    seed: int, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    chance = random.Random(seed)
    rig = Rig(nursery, Patient(chance), timeout_ms=500)
    for turn in range(40):
        async with trio.open_nursery() as asking:
            for key in KEYS:
                asking.start_soon(ask_and_write, rig, key, chance)
        await trio.sleep(2)
        rig.set_clock()
        db = rig.flights.store.db
        assert [key for key in KEYS if not db.has(key)] == [], turn
        rig.assert_at_rest()
