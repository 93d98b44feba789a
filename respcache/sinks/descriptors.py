"""Writing to file descriptors in threads, past Python's buffered files and their locks."""

import os
import select


def write_all(file_descriptor: int, data: bytes) -> None:
    """Write everything, in as many pieces as the system takes it; blocks, so only threads may call it."""
    remaining = memoryview(data)
    while remaining:
        try:
            remaining = remaining[os.write(file_descriptor, remaining) :]
        except BlockingIOError:  # a terminal that another program of the same shell has made non-blocking
            _wait_writable(file_descriptor)


def _wait_writable(file_descriptor: int) -> None:
    poll = select.poll()
    poll.register(file_descriptor, select.POLLOUT)
    poll.poll()
