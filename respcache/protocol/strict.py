r"""The request parser in plain Python: knows every rule, keeps its place, never reads a byte twice.

It takes what a client sends, cut anywhere, and returns commands (lists of
bytes). A request is either an array of bulk strings or a line (``inline.py``).
Texts and rules are those of Redis 7.0, found by asking it:

* A line of an array ends at its first ``\r`` and one byte after it; which byte is
  not looked at, nor are the two after a bulk string. An inline command ends at ``\n``.
* A NUL byte in a line hides its end: the line never completes, and is an error
  once it is longer than ``max_inline_bytes``.
* Numbers are what Redis' ``string2ll`` accepts: no sign but a minus, no leading
  zero, no blank, at most 64 bits.
* An array of no or minus n elements is no command and no error.

Two rules are firmer than Redis', where the outcome depends on how the bytes
happened to be cut: a line longer than ``max_inline_bytes`` is always refused; and
``max_arguments`` is one million (Redis 7.0: two thousand million), because every
argument costs forty bytes more here than on the wire.

The state between two calls is the place in an unfinished command: the arguments
read so far, and how many are missing. So a command of a million arguments in
small pieces costs as much as in one, which a parser that begins each command
anew could not promise; nor is a long bulk string looked at before it is whole.
"""

import re
from typing import Final

from .errors import ProtocolError
from .inline import split_inline
from .limits import Limits

QUERY_LIMIT: Final = "reached the query buffer limit"
"""The error after which Redis closes the connection without a reply."""

_NUMBER: Final = re.compile(rb"0|-?[1-9][0-9]{0,18}")
_STAR: Final = 0x2A
_DOLLAR: Final = 0x24


def _number(text: bytes) -> int | None:
    """Read a 64-bit integer by the rules of Redis' ``string2ll``."""
    if _NUMBER.fullmatch(text) is None:
        return None
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 63 else None


def argument_count(header: bytes, limits: Limits) -> int:
    """Read ``*n``; none or minus n is 0."""
    count = _number(header[1:])
    if count is None or count > 0x7FFFFFFF:
        raise ProtocolError("Protocol error: invalid multibulk length")
    if count > limits.max_arguments:
        kind = "invalid" if limits.is_authenticated else "unauthenticated"
        raise ProtocolError(f"Protocol error: {kind} multibulk length")
    return max(count, 0)


def bulk_length(header: bytes, limits: Limits) -> int:
    """Read ``$n``."""
    if header[:1] != b"$":
        raise ProtocolError(f"Protocol error: expected '$', got '{header[:1].decode('latin-1')}'")
    length = _number(header[1:])
    if length is None or length < 0 or (limits.is_authenticated and length > limits.max_bulk_bytes):
        raise ProtocolError("Protocol error: invalid bulk length")
    if length > limits.max_bulk_bytes:
        raise ProtocolError("Protocol error: unauthenticated bulk length")
    return length


class StrictParser:
    """Commands from bytes, one at a time, with all that is not yet a command kept inside."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._chunks: list[bytes] = []
        self._buffer = b""
        self._at = 0
        self._have = 0  # bytes in _chunks and in _buffer from _at on
        self._need = 0  # how many it takes to get on
        self._arguments: list[bytes] = []
        self._missing = 0
        self._length = -1  # of the bulk string that has begun; -1: its header comes next

    @property
    def is_idle(self) -> bool:
        """Whether nothing is kept: the next byte begins a command."""
        return not self._have and not self._missing

    @property
    def buffered_bytes(self) -> int:
        return self._have

    @property
    def wanted_bytes(self) -> int:
        """How many bytes are certainly missing before there is anything to do."""
        return max(self._need - self._have, 0)

    def feed(self, data: bytes) -> None:
        """Add what has arrived. Raises ProtocolError when it is more than may be kept."""
        if data:
            self._chunks.append(data)
            self._have += len(data)
            if self._have > self.limits.max_query_bytes:
                raise ProtocolError(QUERY_LIMIT)

    def take_rest(self) -> bytes:
        """Hand back what lies behind the last command. Only between two commands."""
        assert not self._missing, "a command has begun"
        self._join()
        rest = self._buffer[self._at :]
        self._buffer, self._at, self._have, self._need = b"", 0, 0, 0
        return rest

    def next(self) -> list[bytes] | None:
        """Return the next command that is complete. Raises ProtocolError for what can never be one."""
        while self._have and self._have >= self._need:
            if self._chunks:
                self._join()
            if self._missing:
                if not self._read_argument():
                    return None
                if not self._missing:
                    command, self._arguments = self._arguments, []
                    return command
            elif self._buffer[self._at] == _STAR:
                header = self._line(b"\r", "too big mbulk count string")
                if header is None:
                    return None
                self._missing = argument_count(header, self.limits)
            else:
                line = self._line(b"\n", "too big inline request")
                if line is None:
                    return None
                words = split_inline(line.removesuffix(b"\r"))
                if words is None:
                    raise ProtocolError("Protocol error: unbalanced quotes in request")
                if words:
                    return words
        return None

    def _join(self) -> None:
        if self._have > sum(map(len, self._chunks)):
            self._chunks.insert(0, self._buffer[self._at :] if self._at else self._buffer)
        self._buffer = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._at = 0
        self._chunks = []

    def _advance(self, to: int) -> None:
        self._have -= to - self._at
        self._at = to
        self._need = 0

    def _line(self, end_mark: bytes, complaint: str) -> bytes | None:
        """Read a line up to its mark; None while it is not complete."""
        start = self._at
        end = self._buffer.find(end_mark, start)
        if end >= 0 and self._buffer.find(b"\0", start, end) >= 0:
            end = -1
        if (end < 0 and self._have > self.limits.max_inline_bytes) or (
            end - start > self.limits.max_inline_bytes
        ):
            raise ProtocolError(f"Protocol error: {complaint}")
        stop = end + (2 if end_mark == b"\r" else 1)
        if end < 0 or stop > len(self._buffer):
            self._need = self._have + 1
            return None
        self._advance(stop)
        return self._buffer[start:end]

    def _read_argument(self) -> bool:
        """Read one bulk string; say whether it was there."""
        if self._length < 0:
            header = self._line(b"\r", "too big bulk count string")
            if header is None:
                return False
            self._length = bulk_length(header, self.limits)
        start, end = self._at, self._at + self._length
        if end + 2 > len(self._buffer):
            self._need = self._length + 2
            return False
        self._arguments.append(self._buffer[start:end])
        self._advance(end + 2)
        self._length = -1
        self._missing -= 1
        return True
