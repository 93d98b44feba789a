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
from respcache.loading.write_statistics import WriteStatistics
from respcache.loading.writing import Writer
from respcache.protocol.replies import ErrorReply
from tests.loading import rig

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


class Rig(rig.Rig):
    """The rig of the loaders, for those that write."""

    def __init__(
        self, nursery: trio.Nursery, *shelves: Rows, settings: Mapping[str, str] = {}, **options: Any
    ) -> None:
        super().__init__(nursery, *shelves, settings=settings, **options)
        self.shelves = shelves
        self.shelf = shelves[0]

    @property
    def writer(self) -> Writer:
        return self.loading.writers[0]

    @property
    def write_statistics(self) -> WriteStatistics:
        return self.writer.statistics()

    def send(self, command: str) -> rig.Client:
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
        super().assert_at_rest()
        for writer in self.loading.writers:
            assert not writer.behind.pendings
            assert not writer.through.is_waiting


def failed(reason: str) -> ErrorReply:
    return ErrorReply("WRITEFAILED", reason)
