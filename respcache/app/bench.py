"""``respcache bench``: a short load of SET and GET, to see at a glance how a server does where it runs.

The load comes from one Python process, which is as busy as the server: the figures
compare settings and machines, not servers. redis-benchmark loads harder.
"""

import os
import time
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final

import hiredis
import trio
from rich.table import Table

from .client import Address, ClientError, packed
from .client_tls import reason_of

READ_BYTES: Final = 65536
KEYS: Final = 10_000
"""Different keys: more than fit a processor's cache, few enough to be removed afterwards."""

UNLINKED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Load:
    """How much to ask for."""

    requests: int
    clients: int
    pipeline: int
    value_bytes: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one kind of command achieved; a latency is that of a whole batch of ``pipeline`` commands."""

    name: str
    requests: int
    seconds: float
    latencies_s: Sequence[float]
    """In ascending order."""

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that so many per cent of the batches did not exceed."""
        if not self.latencies_s:
            return 0.0
        rank = min(int(len(self.latencies_s) * percent / 100), len(self.latencies_s) - 1)
        return self.latencies_s[rank] * 1000


def run_bench(address: Address, load: Load) -> list[Result]:
    """Load a server with SET, then GET; remove the keys again. Raises ClientError."""
    try:
        return trio.run(_bench, address, load)
    except* ClientError as group:
        raise _first(group) from None


def table(results: Sequence[Result]) -> Table:
    """Show results to a person."""
    shown = Table()
    shown.add_column("command")
    for title in ("requests", "seconds", "per second", "p50 ms", "p99 ms", "max ms"):
        shown.add_column(title, justify="right")
    for result in results:
        shown.add_row(
            result.name,
            f"{result.requests:,}",
            f"{result.seconds:.2f}",
            f"{result.per_second:,.0f}",
            *(f"{result.percentile_ms(percent):.2f}" for percent in (50, 99, 100)),
        )
    return shown


def _first(group: BaseExceptionGroup[ClientError]) -> ClientError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, ClientError) else ClientError(str(error))


async def _bench(address: Address, load: Load) -> list[Result]:
    value = b"x" * load.value_bytes
    # The prefix is ours alone, so that removing the keys cannot hit anybody's data.
    prefix = f"respcache:bench:{os.getpid()}:{time.time_ns():x}:"
    keys = [f"{prefix}{number}".encode() for number in range(min(KEYS, load.requests))]
    try:
        return [
            await _measure("SET", address, load, lambda number: ("SET", keys[number % len(keys)], value)),
            await _measure("GET", address, load, lambda number: ("GET", keys[number % len(keys)])),
        ]
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(5):
            await _remove(address, keys)


Command = tuple[str | bytes, ...]


async def _measure(name: str, address: Address, load: Load, command: Callable[[int], Command]) -> Result:
    latencies_s = array("d")
    numbers = iter(range(load.requests))
    async with AsyncExitStack() as connections:
        clients = [await connections.enter_async_context(_connected(address)) for _ in range(load.clients)]
        started = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(_ask, client, numbers, command, load.pipeline, latencies_s)
        seconds = time.perf_counter() - started
    return Result(name, load.requests, seconds, sorted(latencies_s))


async def _ask(
    client: "_Client",
    numbers: Iterator[int],
    command: Callable[[int], Command],
    pipeline: int,
    latencies_s: "array[float]",
) -> None:
    """Take batches of the work that is left until there is none."""
    while batch := list(islice(numbers, pipeline)):
        wire = b"".join(packed(*command(number)) for number in batch)
        sent = time.perf_counter()
        await client.exchange(wire, len(batch))
        latencies_s.append(time.perf_counter() - sent)


async def _remove(address: Address, keys: Sequence[bytes]) -> None:
    async with _connected(address) as client:
        for start in range(0, len(keys), UNLINKED_AT_ONCE):
            await client.exchange(packed("UNLINK", *keys[start : start + UNLINKED_AT_ONCE]), 1)


@asynccontextmanager
async def _connected(address: Address) -> AsyncIterator["_Client"]:
    try:
        stream = await _open(address)
    except OSError as error:
        raise ClientError(f"cannot reach {address}: {error}") from None
    async with stream:
        client = _Client(address, stream)
        if address.password:
            await client.exchange(packed("AUTH", address.password), 1)
        yield client


async def _open(address: Address) -> trio.abc.Stream:
    if address.socket_path:
        return await trio.open_unix_socket(address.socket_path)
    stream = await trio.open_tcp_stream(address.host, address.port)
    if address.tls is None:
        return stream
    try:
        tls = trio.SSLStream(
            stream, address.tls.context(), server_hostname=address.tls.name, https_compatible=True
        )
        await tls.do_handshake()
    except BaseException as error:
        await trio.aclose_forcefully(stream)
        if isinstance(error, trio.BrokenResourceError) and isinstance(error.__cause__, OSError):
            raise ClientError(f"cannot reach {address}: {reason_of(error.__cause__)}") from None
        raise
    return tls


class _Client:
    """One connection that counts replies. An error reply ends the load."""

    def __init__(self, address: Address, stream: trio.abc.Stream) -> None:
        self._address = address
        self._stream = stream
        self._reader = hiredis.Reader()

    async def exchange(self, wire: bytes, replies: int) -> None:
        """Send commands and wait for as many replies."""
        try:
            await self._stream.send_all(wire)
            while replies:
                self._reader.feed(await self._received())
                while replies and (reply := self._reader.gets()) is not False:
                    if isinstance(reply, hiredis.ReplyError):
                        raise ClientError(f"{self._address} answered: {reply}")
                    replies -= 1
        except (trio.BrokenResourceError, hiredis.ProtocolError) as error:
            raise ClientError(f"lost {self._address}: {error}") from None

    async def _received(self) -> bytes:
        data = await self._stream.receive_some(READ_BYTES)
        if not data:
            raise ClientError(f"{self._address} closed the connection")
        return bytes(data)
