import os
from collections.abc import Iterator

import pytest
import trio
from trio.testing import MockClock

from respcache.events.excerpt import Excerpt
from respcache.events.vocabulary import Expired
from respcache.sinks.console import ConsoleOutlet

from .fakes import flushed

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


async def test_each_event_is_a_line(pipe: Pipe) -> None:
    reader, writer = pipe
    await ConsoleOutlet(writer).write([flushed(1), flushed(2)])
    assert os.read(reader, 1000).decode().splitlines() == [
        "1970-01-01T00:00:01.001000Z alpha flushed db1",
        "1970-01-01T00:00:01.002000Z alpha flushed db2",
    ]


async def test_values_are_cut_at_the_limit(pipe: Pipe) -> None:
    reader, writer = pipe
    await ConsoleOutlet(writer, value_limit_bytes=3).write([Expired(0, "alpha", 0, b"k", Excerpt(b"value"))])
    assert os.read(reader, 1000).endswith(b'"k" = "val"...\n')


async def test_a_terminal_that_is_gone_is_an_error_to_be_counted() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        await ConsoleOutlet(writer).write([flushed(1)])
    os.close(writer)


async def test_a_terminal_that_stands_still_does_not_stop_the_loop(pipe: Pipe, mock_clock: MockClock) -> None:
    reader, writer = pipe
    outlet = ConsoleOutlet(writer)
    many = [flushed(number) for number in range(10_000)]  # more than a pipe holds
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outlet.write, many)
        await trio.lowlevel.wait_readable(reader)
        nursery.cancel_scope.cancel()
    await trio.to_thread.run_sync(read_lines, reader, len(many))  # lets the thread end


async def test_the_next_batch_waits_for_a_thread_left_hanging(pipe: Pipe) -> None:
    reader, writer = pipe
    outlet = ConsoleOutlet(writer)
    many = [flushed(number) for number in range(10_000)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outlet.write, many)
        await trio.lowlevel.wait_readable(reader)
        nursery.cancel_scope.cancel()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outlet.write, [flushed(77_777)])
        lines = await trio.to_thread.run_sync(read_lines, reader, len(many) + 1)
    assert lines[-1].endswith(b"db77777")


def read_lines(reader: int, count: int) -> list[bytes]:
    data = b""
    while data.count(b"\n") < count:
        data += os.read(reader, 1 << 16)
    return data.splitlines()
