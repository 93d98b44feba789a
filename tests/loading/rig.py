"""A whole server without sockets whose missing keys come from loaders of the tests, on trio's mock clock.

async def test_x(nursery, autojump_clock):
    table = Table({b"k:1": b"one"})
    rig = Rig(nursery, table)
    assert await rig.ask("GET k:1") == b"one"
    assert table.calls == [[b"k:1"]]
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import trio

from respcache.loading.assembly import make_sources
from respcache.loading.flights import Flights
from respcache.loading.ground import Ground
from respcache.loading.loader import Loader
from respcache.loading.loading import Loading
from respcache.loading.source import Source
from respcache.loading.statistics import Statistics
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import START_MS, Harness, HarnessClient

Step = Callable[[list[bytes]], Awaitable[Any]]


class Table(Loader):
    """Rows that a test may change, and what a call does instead of looking into them: the steps, one for each call."""

    pattern = "k:*"

    def __init__(self, rows: Mapping[bytes, Any] | None = None) -> None:
        self.rows: dict[bytes, Any] = dict(rows or {})
        self.calls: list[list[bytes]] = []
        self.steps: deque[Step] = deque()
        self.always: Step | None = None
        """For all calls that have no step of their own."""
        self.started = self.closed = 0
        self.now = self.most = 0
        """How many calls run, and how many did at once."""

    async def bulk_load(self, keys: list[bytes]) -> Any:
        self.calls.append(keys)
        self.now += 1
        self.most = max(self.most, self.now)
        step = self.steps.popleft() if self.steps else self.always
        try:
            return self.found(keys) if step is None else await step(keys)
        finally:
            self.now -= 1

    def found(self, keys: list[bytes]) -> dict[bytes, Any]:
        return {key: self.rows[key] for key in keys if key in self.rows}

    async def start(self) -> None:
        self.started += 1

    async def close(self) -> None:
        self.closed += 1

    # -- steps -----------------------------------------------------------------

    def after(self, seconds: float) -> Step:
        """Look now, and answer later: what comes is old by then."""

        async def step(keys: list[bytes]) -> Any:
            found = self.found(keys)
            await trio.sleep(seconds)
            return found

        return step


def answer(result: Any) -> Step:
    async def step(keys: list[bytes]) -> Any:
        return result

    return step


def fail(error: BaseException) -> Callable[[Sequence[object]], Awaitable[Any]]:
    """Fail, whatever the call is about: keys to load, or changes to write."""

    async def step(concerned: Sequence[object]) -> Any:
        raise error

    return step


async def hang(concerned: Sequence[object]) -> Any:
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
        self, nursery: trio.Nursery, *loaders: Loader, settings: Mapping[str, str] = {}, **options: Any
    ) -> None:
        self._nursery = nursery
        self.harness = Harness(spawn=nursery.start_soon, **settings)
        self.parts = self.harness.composition
        self.owners = self.parts.owners
        self.owners.before_turn = self.set_clock
        self.harness.host.sleep = trio.sleep  # type: ignore[method-assign]
        node = self.parts.node
        self.events: list[Any] = []
        ground = Ground(
            databases=node.keyspace.databases,
            clock=node.clock,
            set_clock=self.set_clock,
            chance=node.chance,
            owners=self.owners,
            make_room=self.parts.memory.may_grow,
            is_mine=self._owns,
            publish=self.events.append,
            wants=lambda event: True,
            name="test",
        )
        self.owns: Callable[[bytes], bool] = lambda key: True
        self.loading = Loading(make_sources([(loader, options) for loader in loaders], ground))
        self.parts.dispatcher.load_by(self.loading)
        if self.loading.writers:
            self.parts.dispatcher.write_by(self.loading)
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        nursery.start_soon(self._run)
        self.set_clock()
        self.first = self.client()

    def _owns(self, key: bytes) -> bool:
        return self.owns(key)

    async def _run(self) -> None:
        with self._scope:
            await self.loading.run()
        self._ended.set()

    async def stop(self) -> None:
        """Let the loaders end as at the end of a server."""
        self._scope.cancel()
        await self._ended.wait()

    @property
    def source(self) -> Source:
        return next(iter(self.loading.sources.values()))

    @property
    def flights(self) -> Flights:
        return self.source.flights

    @property
    def statistics(self) -> Statistics:
        return self.flights.statistics

    def set_clock(self) -> None:
        self.harness.clock.now_ms = START_MS + round(trio.current_time() * 1000)

    def client(self, protocol: int = 3) -> Client:
        return Client(self.harness, protocol, True)

    async def ask(self, command: str | bytes, *more: str | bytes | int) -> Any:
        """Send one command by the first client and return its reply."""
        self.set_clock()
        return await self.first.ask(command, *more)

    async def after(self, seconds: float, command: str | bytes, *more: str | bytes | int) -> Any:
        """Send one command by a client of its own, somewhat later."""
        await trio.sleep(seconds)
        self.set_clock()
        return await self.client().ask(command, *more)

    def assert_at_rest(self) -> None:
        """Nothing is left of any load."""
        for source in self.loading.sources.values():
            assert not source.flights.by_key
            assert not source.flights.waits
            assert not source.running
            assert not source.overdue
        assert not self.owners.awake
        assert not self.owners.marked
        assert not any(self.owners.busy_slots)


def told(events: list[Any]) -> list[tuple[str, bytes]]:
    """Return kinds and keys of events."""
    return [(event.kind, event.key) for event in events]


def failed(reason: str) -> ErrorReply:
    return ErrorReply("LOADFAILED", reason)


def timed_out(milliseconds: int) -> ErrorReply:
    return ErrorReply("LOADTIMEOUT", f"no value within {milliseconds} ms")


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that a thread does, or another task, and that nothing tells of."""
    with trio.fail_after(10):
        while not is_so():  # noqa: ASYNC110  # there is no event for it
            await trio.sleep(0.01)


async def together(*asked: Awaitable[Any]) -> list[Any]:
    """Wait for all of these, which run at once; return their results in order."""
    results: list[Any] = [None] * len(asked)

    async def run(at: int, one: Awaitable[Any]) -> None:
        results[at] = await one

    async with trio.open_nursery() as nursery:
        for at, one in enumerate(asked):
            nursery.start_soon(run, at, one)
    return results
