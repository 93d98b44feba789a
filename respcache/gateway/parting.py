"""How a connection comes to its end: what is owed to the client should reach it, but nobody waits for that for ever."""

from typing import Final, NamedTuple

LINGER_MS: Final = 1000
"""For so long the rest of a body that is refused is read and forgotten: a socket that is closed amid unread input takes the answer
with it."""

LINGER_BYTES: Final = 16 * 1024 * 1024

LAST_WORDS_MS: Final = 5000
"""How long a client that is let go may receive nothing of what is still owed to it."""


class Timeouts(NamedTuple):
    """How long clients may take."""

    head_ms: int
    """For a request to arrive, for each 64 KiB of it."""
    idle_ms: int
    """Between two requests, or two reads of an answer."""
    request_ms: int
    """For what a request waits for."""


class Lingering:
    """The rest of a body that is refused."""

    __slots__ = ("_bytes_left", "_until_ms")

    def __init__(self, now_ms: int) -> None:
        self._until_ms = now_ms + LINGER_MS
        self._bytes_left = LINGER_BYTES

    def take(self, data: bytes) -> None:
        """Forget a piece of it."""
        self._bytes_left -= len(data)

    def is_over(self, now_ms: int) -> bool:
        """Say whether the connection should end, whatever is still to come."""
        return now_ms >= self._until_ms or self._bytes_left < 0


class Stillness:
    """How long nothing has moved on a connection.

    Nothing else would end one whose client does not read, or whose request waits for what never comes.
    """

    __slots__ = ("_moved", "_since_ms")

    def __init__(self, now_ms: int, *moved: object) -> None:
        self._since_ms = now_ms
        self._moved = moved

    def lasts_ms(self, now_ms: int, *moved: object) -> int:
        """Return how long ``moved`` has been what it is: bytes sent, replies had; asked every now and then."""
        if moved != self._moved:
            self._since_ms, self._moved = now_ms, moved
        return now_ms - self._since_ms
