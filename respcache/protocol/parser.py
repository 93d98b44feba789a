"""The request parser that a session uses: three ways to the same commands, the quickest that fits.

* One small command in one read (a client that waits for each reply): split at
  the line ends, and compare the headers with what they must be. 0.4 us.
* Many commands in one read (a pipeline): hiredis' Reader, 0.1 us each.
* Everything else, such as inline commands, unfinished ones, big values and errors:
  the strict parser, which alone knows all the rules.

hiredis is never trusted with state, nor with anything unusual. It gets complete
commands only: what it is fed ends with a status line that no client can guess,
and unless exactly that comes out last, and before it nothing but arrays of bytes,
its work is thrown away and the strict parser does it again. It never sees a long
array header, for which it would allocate before it had read a single element.
"""

import re
from itertools import chain
from typing import Final

import hiredis

from .errors import ProtocolError
from .limits import Limits
from .strict import QUERY_LIMIT, StrictParser

__all__ = ["QUERY_LIMIT", "RequestParser"]

SMALL_READ_BYTES: Final = 512
"""Reads up to this size are tried as a single command first."""

LARGE_READ_BYTES: Final = 256 * 1024
"""Above this the strict parser, which does not look at the bytes of a value, is as quick as any."""

MOST_SPLIT_ARGUMENTS: Final = 10
"""As many as a client may send before it has logged in, so that no limit needs to be asked."""

_ARRAY_HEADERS: Final = {1 + 2 * count + 1: b"*%d" % count for count in range(1, MOST_SPLIT_ARGUMENTS + 1)}
"""By the number of pieces that splitting gives: the header, two for each argument, and an empty last one."""

_BULK_HEADERS: Final = [b"$%d" % length for length in range(SMALL_READ_BYTES)]

_has_long_array = re.compile(rb"\*\d{4}").search

# Statuses and verbatim strings come out of hiredis as bytes, like bulk strings.
_has_status = re.compile(rb"\r\n[+=]").search


class RequestParser:
    """Commands from a client's bytes, cut anywhere.

    ``limits`` may be replaced at any time. ``error`` is Redis' text once the stream
    is broken, after which nothing more comes out; the commands before the broken place
    are returned by the same ``feed``, because Redis, too, runs them first.
    ``secret`` is the status line's text; any that clients cannot know.
    """

    def __init__(self, limits: Limits, secret: bytes = b"between-commands") -> None:
        self.error: str | None = None
        self._strict = StrictParser(limits)
        self._reader = hiredis.Reader()
        self._secret = secret
        self._mark = b"+%b\r\n" % secret

    @property
    def limits(self) -> Limits:
        return self._strict.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._strict.limits = limits

    @property
    def buffered_bytes(self) -> int:
        """How much is kept of input that is not yet a command."""
        return self._strict.buffered_bytes

    @property
    def wanted_bytes(self) -> int:
        """How much more it takes at least before there is a command: a hint for the next read."""
        return self._strict.wanted_bytes

    def feed(self, data: bytes, most: int = 0) -> list[list[bytes]]:
        """Return the commands that are complete now: all of them, or the first ``most``.

        What is behind ``most`` commands is kept, and comes with the next call; that is for
        clients whose limits change between two commands of one read.
        """
        if most:
            return self._feed_strictly(data, most)
        strict = self._strict
        commands: list[list[bytes]] = []
        if not strict.is_idle:
            # Finish what has begun, and leave the rest to the quicker ways.
            commands = self._feed_strictly(data, 1)
            if not commands or self.error is not None:
                return commands
            data = strict.take_rest()
        size = len(data)
        if not size:
            return commands
        if size < SMALL_READ_BYTES and data.find(b"\r\n*") < 0:
            pieces = data.split(b"\r\n")
            words = pieces[2::2]
            if not pieces[-1] and _ARRAY_HEADERS.get(len(pieces)) == pieces[0] and pieces[1:-1:2] == [
                _BULK_HEADERS[len(word)] for word in words
            ]:
                commands.append(words)
                return commands
        elif size <= LARGE_READ_BYTES and data[0] == 0x2A and _has_long_array(data) is None:
            found = self._read_whole(data)
            if found is not None:
                return commands + found if commands else found
            cut = data.rfind(b"\r\n*") + 2
            found = self._read_whole(data[:cut]) if cut > 2 else None
            if found is not None:
                return commands + found + self._feed_strictly(data[cut:], 0)
        return commands + self._feed_strictly(data, 0)

    def _read_whole(self, data: bytes) -> list[list[bytes]] | None:
        """Let hiredis read commands that must be complete; None if they are not, or anything is unusual."""
        if data[-2:] != b"\r\n":
            return None
        if (b"+" in data or b"=" in data) and _has_status(data) is not None:
            return None
        reader = self._reader
        reader.feed(data)
        reader.feed(self._mark)
        try:
            found = list(iter(reader.gets, False))
            if found and found.pop() == self._secret and set(map(type, found)) == {list} and all(found):
                b"".join(chain.from_iterable(found))  # a TypeError unless every argument is bytes
                return found
        except (hiredis.ProtocolError, TypeError):
            pass  # the strict parser will say what is wrong
        self._reader = hiredis.Reader()
        return None

    def _feed_strictly(self, data: bytes, most: int) -> list[list[bytes]]:
        commands: list[list[bytes]] = []
        if self.error is not None:
            return commands
        try:
            self._strict.feed(data)
            while (command := self._strict.next()) is not None:
                commands.append(command)
                if len(commands) == most:
                    break
        except ProtocolError as error:
            self.error = str(error)
        return commands
