"""How a connection comes to its end: what is owed to the client should reach it, but nobody waits for that for ever."""

from typing import Final

LINGER_MS: Final = 1000
"""For so long the rest of a body that is refused is read and forgotten: a socket that is closed amid unread input takes the answer
with it."""

LINGER_BYTES: Final = 16 * 1024 * 1024

LAST_WORDS_MS: Final = 5000
"""How long a client that is let go may receive nothing of what is still owed to it."""


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


class LastWords:
    """What is still owed to a client that is let go."""

    __slots__ = ("_sent_bytes", "_since_ms")

    def __init__(self) -> None:
        self._since_ms: int | None = None
        self._sent_bytes = 0

    def are_lost(self, now_ms: int, sent_bytes: int) -> bool:
        """Say whether the client has taken nothing for too long; asked every now and then, from the end of the conversation on.

        ``sent_bytes`` is what was ever sent on the connection. Nothing else would end a connection whose client does not read.
        """
        if self._since_ms is None or sent_bytes != self._sent_bytes:
            self._since_ms, self._sent_bytes = now_ms, sent_bytes
        return now_ms - self._since_ms > LAST_WORDS_MS
