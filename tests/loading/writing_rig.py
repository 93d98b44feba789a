"""A whole server without sockets whose changes go to a database of the test's own, on trio's mock clock.

async def test_x(nursery, autojump_clock):
    rig = Rig(nursery, Shelf(), write="through")
    assert await rig.ask("SET k:1 one") == b"OK"
    assert rig.shelf.rows == {b"k:1": b"one"}
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import trio

from respcache.loading import Change, Loader
from respcache.loading.assembly import make_sources
from respcache.loading.ground import Ground
from respcache.loading.loading import Loading
from respcache.loading.source import Source
from respcache.loading.write_statistics import WriteStatistics
from respcache.loading.writing import Writer
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import START_MS, Harness, HarnessClient

Step = Callable[[Sequence[Change]], Awaitable[None]]


class Rows(Loader):
    """Rows, and what each call that writes does instead of writing at once: the steps, one for each call."""

    pattern = "k:*"

    def __init__(self, rows: Mapping[bytes, Any] | None = None) -> None:
        self.rows: dict[bytes, Any] = dict(rows or {})
        self.loads: list[list[bytes]] = []
        self.calls: list[list[tuple[bytes, Any]]] = []
        self.steps: deque[Step] = deque()
        self.always: Step | None = None
        """For all calls that have no step of their own."""
        self.load_takes_s = 0.0
        self.now = self.most = 0
        """How many calls that write run, and how many did at once."""

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, Any]:
        self.loads.append(keys)
        found = {key: self.rows[key] for key in keys if key in self.rows}
        await trio.sleep(self.load_takes_s)
        return found

    async def put(self, changes: Sequence[Change]) -> None:
        """Take a call that writes."""
        self.calls.append([(change.key, change.value) for change in changes])
        step = self.steps.popleft() if self.steps else self.always
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if step is not None:
                await step(changes)
            self.take(changes)
        finally:
            self.now -= 1

    def take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.value is None:
                self.rows.pop(change.key, None)
            else:
                self.rows[change.key] = change.value

    @property
    def written(self) -> list[tuple[bytes, Any]]:
        """Everything that calls were made with, in order."""
        return [change for call in self.calls for change in call]


class Shelf(Rows):
    """Writes many keys at once."""

    async def bulk_write(self, changes: Sequence[Change]) -> None:
        await self.put(changes)


class SingleShelf(Rows):
    """Writes them one by one."""

    async def write(self, key: bytes, value: Any) -> None:
        await self.put([Change(key, value)])

    async def delete(self, key: bytes) -> None:
        await self.put([Change(key, None)])


def after(seconds: float) -> Step:
    """Write later."""

    async def step(changes: Sequence[Change]) -> None:
        await trio.sleep(seconds)

    return step


def fail(error: Exception) -> Step:
    async def step(changes: Sequence[Change]) -> None:
        raise error

    return step


async def hang(changes: Sequence[Change]) -> None:
    await trio.sleep_forever()


class Client(HarnessClient):
    """Waits for its replies, however late they come."""

    _spoke: trio.Event | None = None

    def _woken(self) -> None:
        super()._woken()
        if self._spoke is not None:
            self._spoke.set()

    async def read(self, count: int = 1) -> list[Any]:
        """Return so many replies."""
        got = self.replies()
        while len(got) < count:
            self._spoke = trio.Event()
            await self._spoke.wait()
            got += self.replies()
        return got

    async def ask(self, command: str | bytes, *more: str | bytes | int) -> Any:
        """Send one command and return its reply."""
        got = self.send(command, *more)
        return (got or await self.read())[0]


class Rig:
    """The server, and its loaders at work in a nursery until ``stop``."""

    def __init__(
        self, nursery: trio.Nursery, *shelves: Rows, settings: Mapping[str, str] = {}, **options: Any
    ) -> None:
        self.shelves = shelves
        self.harness = Harness(spawn=nursery.start_soon, **settings)
        self.parts = self.harness.composition
        self.parts.owners.before_turn = self.set_clock
        node = self.parts.node
        ground = Ground(
            databases=node.keyspace.databases,
            clock=node.clock,
            set_clock=self.set_clock,
            chance=node.chance,
            owners=self.parts.owners,
            make_room=self.parts.memory.may_grow,
            is_mine=lambda key: self.owns(key),  # noqa: PLW0108  # a test may change it
            publish=lambda event: None,
            wants=lambda event: False,
            name="test",
        )
        self.owns: Callable[[bytes], bool] = lambda key: True
        self.loading = Loading(make_sources([(shelf, options) for shelf in shelves], ground))
        self.parts.dispatcher.load_by(self.loading)
        self.parts.dispatcher.write_by(self.loading)
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        nursery.start_soon(self._run)
        self.set_clock()
        self.first = self.client()

    async def _run(self) -> None:
        with self._scope:
            await self.loading.run()
        self._ended.set()

    async def stop(self) -> None:
        """Let the loaders end as at the end of a server."""
        self._scope.cancel()
        await self._ended.wait()

    @property
    def shelf(self) -> Rows:
        return self.shelves[0]

    @property
    def source(self) -> Source:
        return next(iter(self.loading.sources.values()))

    @property
    def writer(self) -> Writer:
        return self.loading.writers[0]

    @property
    def statistics(self) -> WriteStatistics:
        return self.writer.statistics()

    def set_clock(self) -> None:
        self.harness.clock.now_ms = START_MS + round(trio.current_time() * 1000)

    def client(self) -> Client:
        return Client(self.harness, 3, True)

    async def ask(self, command: str | bytes, *more: str | bytes | int) -> Any:
        """Send one command by the first client and return its reply."""
        self.set_clock()
        return await self.first.ask(command, *more)

    def send(self, command: str) -> Client:
        """Send one command by a client of its own, and return that."""
        self.set_clock()
        client = self.client()
        assert client.send(command) == []
        return client

    def held(self, key: str) -> Any:
        """Return what the cache has of a key, without anything happening to it."""
        entry = self.harness.node.keyspace.databases[0].find(key.encode())
        return None if entry is None else entry.value

    def assert_at_rest(self) -> None:
        """Nothing is left of anything."""
        assert not self.parts.owners.awake
        assert not any(self.parts.owners.busy_slots)
        for source in self.loading.sources.values():
            assert not source.flights.by_key
        for writer in self.loading.writers:
            assert not writer.behind.pendings
            assert not writer.through.is_waiting


def failed(reason: str) -> ErrorReply:
    return ErrorReply("WRITEFAILED", reason)
