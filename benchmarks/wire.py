"""A small blocking client for the benchmarks: commands out, replies in, no more than that.

It costs little and hides nothing, so that what a script measures is the server. Replies are parsed by hiredis.
"""

import socket
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Self, TypeVar

import hiredis

Argument = bytes | str | int
Item = TypeVar("Item")

READ_BYTES: Final = 1 << 18
PIPELINE_DEPTH: Final = 1000
"""Commands in flight while loading: well inside every socket buffer's patience, and far past the round trip."""


def encoded(*arguments: Argument) -> bytes:
    """Return a command as Redis clients send it."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Connection:
    """One connection. An error reply is raised, by ``call`` and ``pipeline`` alike."""

    def __init__(self, port: int, timeout_s: float = 30) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def call(self, *arguments: Argument) -> Any:
        """Send one command and return its reply, whatever type that has."""
        self.socket.sendall(encoded(*arguments))
        return self.read()

    def pipeline(self, commands: Sequence[bytes]) -> list[Any]:
        """Send encoded commands in one go and return their replies."""
        self.socket.sendall(b"".join(commands))
        return [self.read() for _ in commands]

    def load(self, commands: Iterable[bytes]) -> int:
        """Send any number of encoded commands, a bounded number at a time; return how many."""
        sent = 0
        for batch in batches(commands, PIPELINE_DEPTH):
            sent += len(self.pipeline(batch))
        return sent

    def read(self) -> Any:
        """Wait for one reply or message."""
        while (reply := self._reader.gets()) is False:
            data = self.socket.recv(READ_BYTES)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._reader.feed(data)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def info(self, section: str) -> dict[str, str]:
        """Return a section of INFO as a dictionary."""
        lines = self.call("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists of at most ``size``."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch
