import os
from collections.abc import Iterator

import pytest
import trio

from respcache.sinks.descriptors import write_all

MORE_THAN_A_PIPE_HOLDS = bytes(range(256)) * 4096


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def read_all(reader: int, size_bytes: int) -> bytes:
    data = b""
    while len(data) < size_bytes:
        data += os.read(reader, 1 << 16)
    return data


@pytest.mark.parametrize("is_blocking", [True, False])
async def test_everything_is_written_though_the_pipe_is_too_small(
    pipe: tuple[int, int], is_blocking: bool
) -> None:
    reader, writer = pipe
    os.set_blocking(writer, is_blocking)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, write_all, writer, MORE_THAN_A_PIPE_HOLDS)
        data = await trio.to_thread.run_sync(read_all, reader, len(MORE_THAN_A_PIPE_HOLDS))
    assert data == MORE_THAN_A_PIPE_HOLDS


def test_an_error_is_not_swallowed(pipe: tuple[int, int]) -> None:
    reader, _ = pipe
    with pytest.raises(OSError, match="Bad file descriptor"):
        write_all(reader, b"data")
