r"""The request parser in plain Python: knows every rule, keeps its place, never reads a byte twice.

It takes what a client sends, cut anywhere, and returns commands: lists of bytes.
A request is an array of bulk strings or else a line (``inline.py``). Rules and
texts are those of Redis 7.0, found by asking it:

* A length ends at its first ``\r`` and one byte more; which byte is not looked at,
  nor are the two after a bulk string. An inline command ends at ``\n``.
* A NUL byte in a line hides its end: the line never completes, and is an error
  once it is longer than ``max_inline_bytes``.
* A number has no sign but a minus, no leading zero, no blank, at most 64 bits.
* An array of no or minus n elements is no command, and no error.

Three rules are firmer than Redis'. A line longer than ``max_inline_bytes`` is
always refused; there it may pass if its end arrives in the same read.
``max_arguments`` is a million, in Redis 7.0 two thousand million, because an
argument of two bytes takes fifty here. And ``max_query_bytes`` counts the
arguments that an unfinished command already has; there only the last one counts.

The state between two calls is the place in an unfinished command: the arguments
read so far, and how many are missing. So a command of a million arguments in
small pieces costs as much as in one piece, which a parser that starts each
command anew cannot promise; nor is a long argument touched before it is whole.
"""

import re
from typing import Final

from .errors import ProtocolError
from .inline import split_inline
from .limits import REDIS_MAX_BULK_BYTES, Limits

QUERY_LIMIT: Final = "reached the query buffer limit"
"""The one error after which Redis closes the connection without a reply."""

_STAR: Final = ord("*")
_NUMBER: Final = re.compile(rb"0|-?[1-9][0-9]{0,18}")

# Nearly every header of an argument is one of these: one look-up instead of four checks.
_SHORT_HEADERS: Final = {b"$%d" % length: length for length in range(1024)}

# A flood of empty lines, one by one, would cost 0.7 us for each of its bytes.
_skip_empty_lines: Final = re.compile(rb"(?:\r?\n)*+").match

# From here on an argument's pieces are joined apart from what surrounds them: one copy less, and it is a long one.
_LONG_ARGUMENT_BYTES: Final = 32 * 1024


def _number(text: bytes) -> int | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def argument_count(header: bytes, limits: Limits) -> int:
    """Return how many arguments a header announces; a ProtocolError if it is none, or too many."""
    count = _number(header[1:])
    if count is None or count >= 2**31:
        raise ProtocolError("Protocol error: invalid multibulk length")
    if count > limits.max_arguments:
        kind = "invalid" if limits.is_authenticated else "unauthenticated"
        raise ProtocolError(f"Protocol error: {kind} multibulk length")
    return max(count, 0)


def argument_bytes(header: bytes, limits: Limits) -> int:
    """Return the length that the header of an argument says; a ProtocolError if it is none, or too long."""
    if header[:1] != b"$":
        # The line end of an empty header would end the error's line; a character stands for one byte.
        found = (header[:1] or b" ").replace(b"\n", b" ").decode("latin-1")
        raise ProtocolError(f"Protocol error: expected '$', got '{found}'")
    length = _number(header[1:])
    if length is None or length < 0 or length > max(limits.max_bulk_bytes, REDIS_MAX_BULK_BYTES):
        raise ProtocolError("Protocol error: invalid bulk length")
    if length > limits.max_bulk_bytes:
        kind = "invalid" if limits.is_authenticated else "unauthenticated"
        raise ProtocolError(f"Protocol error: {kind} bulk length")
    return length


class StrictParser:
    """Commands from a client's bytes, cut anywhere.

    ``limits`` may be replaced at any time; a command that has begun goes on under
    the new ones. ``error`` is Redis' text once the stream is broken, one character
    for each byte (latin-1); nothing more comes out then. The commands before the broken
    place are returned by the same ``feed``, because Redis, too, runs them first.
    """

    __slots__ = (
        "_arguments",
        "_buffer",
        "_length",
        "_missing",
        "_pieces",
        "_position",
        "_taken_bytes",
        "buffered_bytes",
        "error",
        "limits",
        "wanted_bytes",
    )

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.error: str | None = None
        self.buffered_bytes = 0
        """What is kept of input that has not been returned, with the arguments of an unfinished command."""
        self.wanted_bytes = 1
        """How many bytes more it takes at least before there is anything to do: a hint for the next read."""
        self._arguments: list[bytes] = []  # of the unfinished command
        self._missing = 0  # how many it lacks
        self._taken_bytes = 0  # what its arguments so far took of the input
        self._length = -1  # of the argument that has begun; -1: its header comes next
        self._buffer = b""  # unread from _position on
        self._position = 0
        self._pieces: list[bytes] = []  # what came after _buffer

    def feed(self, data: bytes, most: int = 0) -> list[list[bytes]]:
        """Return the commands that are complete now: all of them, or the first ``most``.

        What is behind ``most`` commands is kept for the next call; that is for clients
        whose limits change between two commands of one read.
        """
        commands: list[list[bytes]] = []
        if self.error is not None:
            return commands
        if len(data) < self.wanted_bytes:
            if data:
                self._pieces.append(data)
                self.wanted_bytes -= len(data)
                self._count(self.buffered_bytes + len(data))
            return commands
        buffer, position = self._gather(data)
        try:
            position = self._parse(buffer, position, most, commands)
        except ProtocolError as error:
            self._break(str(error))
            return commands
        if self.wanted_bytes:
            # Not the whole buffer: ten thousand idle clients would keep the last read of each.
            buffer, position = buffer[position:], 0
        self._buffer, self._position = buffer, position
        self._count(self._taken_bytes + len(buffer) - position)
        return commands

    def _count(self, buffered_bytes: int) -> None:
        self.buffered_bytes = buffered_bytes
        if buffered_bytes > self.limits.max_query_bytes and self.wanted_bytes:
            self._break(QUERY_LIMIT)

    def _break(self, error: str) -> None:
        self.error = error
        self.buffered_bytes = 0
        self._arguments, self._buffer, self._pieces = [], b"", []

    def _take_rest(self) -> bytes:
        """Give up the input that has not been read. Only between two commands."""
        assert not self._missing, "a command has begun"
        rest = self._buffer[self._position :]
        self._buffer, self._position, self.buffered_bytes, self.wanted_bytes = b"", 0, 0, 1
        return rest

    def _gather(self, data: bytes) -> tuple[bytes, int]:
        """Put the unread input together; return it, and where to begin."""
        position = self._position
        if position == len(self._buffer) and not self._pieces:
            return data, 0
        if not data and not self._pieces:
            return self._buffer, position
        pieces = [self._buffer[position:], *self._pieces]
        self._pieces = []
        if self._length >= _LONG_ARGUMENT_BYTES:
            behind = sum(map(len, pieces)) + len(data) - self._length
            if behind <= len(data):
                end = len(data) - behind
                self._arguments.append(b"".join((*pieces, data[:end])))
                self._taken_bytes += self._length + 2
                self._missing -= 1
                self._length = -1
                return data, end + 2
        return b"".join((*pieces, data)), 0

    def _parse(self, buffer: bytes, position: int, most: int, commands: list[list[bytes]]) -> int:
        """Read as much as there is; return the place of the first byte that cannot be read yet."""
        self.wanted_bytes = 1
        size = len(buffer)
        while True:
            if self._arguments and not self._missing:
                commands.append(self._arguments)
                self._arguments = []
                self._taken_bytes = 0
            start = position
            if most and len(commands) >= most:
                self.wanted_bytes = 0
            elif position == size:
                return position
            elif self._missing:
                position = self._read_arguments(buffer, position)
                if self._missing:
                    return position
            elif buffer[position] == _STAR:
                position = self._read_count(buffer, position)
            else:
                position = self._read_inline(buffer, position, commands)
            if position == start:
                return position

    def _read_count(self, buffer: bytes, position: int) -> int:
        end = self._end_of_line(buffer, position, b"\r", "mbulk count string")
        if end < 0 or end + 2 > len(buffer):
            return position
        self._missing = argument_count(buffer[position:end], self.limits)
        return end + 2

    def _read_inline(self, buffer: bytes, position: int, commands: list[list[bytes]]) -> int:
        end = self._end_of_line(buffer, position, b"\n", "inline request")
        if end < 0:
            return position
        words = split_inline(buffer[position:end])
        if words is None:
            raise ProtocolError("Protocol error: unbalanced quotes in request")
        if words:
            commands.append(words)
            return end + 1
        empty_lines = _skip_empty_lines(buffer, end + 1)
        assert empty_lines is not None, "no lines are a match, too"
        return empty_lines.end()

    def _read_arguments(self, buffer: bytes, position: int) -> int:
        """Read what there is of the arguments of the command that has begun."""
        start = position
        size = len(buffer)
        limits = self.limits
        max_bulk_bytes = limits.max_bulk_bytes
        arguments = self._arguments
        length = self._length
        missing = self._missing
        while missing:
            if length < 0:
                end = buffer.find(b"\r", position)
                length = _SHORT_HEADERS.get(buffer[position:end], -1)
                if length < 0 or end < 0 or length > max_bulk_bytes:
                    length = -1
                    end = self._end_of_line(buffer, position, b"\r", "bulk count string")
                    if end < 0 or end + 2 > size:
                        break
                    length = argument_bytes(buffer[position:end], limits)
                elif end + 2 > size:
                    length = -1
                    break
                position = end + 2
            stop = position + length
            if stop + 2 > size:
                self.wanted_bytes = stop + 2 - size
                break
            arguments.append(buffer[position:stop])
            position = stop + 2
            length = -1
            missing -= 1
        self._length = length
        self._missing = missing
        self._taken_bytes += position - start
        return position

    def _end_of_line(self, buffer: bytes, position: int, mark: bytes, what: str) -> int:
        """Return the place of the mark that ends a line, or -1 while it is not there."""
        behind = position + self.limits.max_inline_bytes + 1
        end = buffer.find(mark, position, behind)
        if end >= 0 and buffer.find(b"\0", position, end) < 0:
            return end
        if len(buffer) >= behind:
            raise ProtocolError(f"Protocol error: too big {what}")
        return -1
