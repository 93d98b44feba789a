r"""The request parser that a session uses: the compiled one where it is there, else one with three ways to the same commands.

The compiled parser is ``_speedups/parser.pyx``. The plain one takes the quickest way that fits:

* One command in one read, from a client that waits for each reply: split at the
  line ends, and compare the headers with what they must be.
* Many commands in one read, a pipeline: hiredis' Reader.
* All else, such as inline commands, unfinished ones, long values and errors: the
  strict parser (``strict.py``), which alone knows all rules and keeps all state.

What each costs is measured by ``benchmarks/parser_cost.py``.

hiredis is made for replies, so it is trusted with nothing:

* It gets complete commands only, and keeps no state between two reads. After them
  comes a status line; only if that comes out last, by itself, did the commands
  end where they should. (Whatever else ends with its bytes comes out as something
  else, so the line need not be secret.)
* It must see no array longer than 999: it allocates what the header says, and
  thirteen bytes can say sixteen gigabytes. The same for ``>``, ``~`` and ``|``.
* It takes types that no request has, and brings some of them out as bytes or
  lists, as if they were requests. Where a byte that begins one of those occurs,
  mostly in the midst of a value, it takes proof that none did (``_are_requests``).

When anything is odd its work is thrown away and the strict parser does it again:
so a stream has one meaning, however it is cut and whoever reads it.

A deep pipeline ends most of its reads in mid-command. The last ``\r\n*`` is then
nearly always where that command begins; if a value happens to hold these bytes, the
status line does not come out as it should, and only time is lost.
"""

import re
from itertools import chain
from typing import Any, Final

import hiredis

from .._speedups import best_parser
from .columns import read_columns
from .errors import ProtocolError
from .inline import split_inline
from .limits import Limits
from .strict import QUERY_LIMIT, StrictParser, argument_bytes, argument_count

__all__ = ["QUERY_LIMIT", "PlainRequestParser", "RequestParser"]

SMALL_READ_BYTES: Final = 512
"""A lone command up to this size is split at all its line ends; a longer one is not searched behind its last header."""

LARGE_READ_BYTES: Final = 256 * 1024
"""Above this the values must be long, and the strict parser copies them once, hiredis twice."""

KEPT_READER_BYTES: Final = 2048
"""After a longer read the Reader is let go. Its buffer never shrinks by itself: after a read of
64 KiB it would keep 116 KiB for every idle client. A new one costs 0.3 us."""

MOST_READER_ARGUMENTS: Final = 999
"""The longest command that hiredis may see."""

LONG_COMMAND_BYTES: Final = 4096
"""Where the first command of a pipeline is longer, the strict parser reads it: it looks at headers only, 3 us for
a SET, while what hiredis must not see is searched for in every byte, up to 1 us in a KiB."""

COUNTED_COMMAND_BYTES: Final = 200
"""Up to this length counting the line ends of a command costs less than encoding it again."""

_STAR: Final = ord("*")

# Numbers, because looking for a byte by its number takes a quarter of the time.
_EQUALS, _PLUS, _PARENTHESIS, _GREATER, _BAR, _TILDE = b"=+(>|~"

_MARK: Final = b"."
_MARK_LINE: Final = b"+.\r\n"
_ONLY_LISTS: Final = {list}

# By the number of pieces that splitting gives: the header, two for each argument, and an empty last one.
_COUNT_HEADERS: Final = {2 + 2 * count: b"*%d" % count for count in range(1, SMALL_READ_BYTES // 6)}
_LENGTH_HEADERS: Final = [b"$%d" % length for length in range(SMALL_READ_BYTES)]
_BULK_HEADERS: Final = [b"$%d\r\n" % length for length in range(SMALL_READ_BYTES)]

# By its first four bytes: where to split a command of up to nine words so that the last one stays whole.
_SPLITS: Final = {b"*%d\r\n" % count: 2 * count for count in range(1, 10)}

_has_long_array = re.compile(rb"\*\d{4}").search
# One for each: what begins with a letter is found in a tenth of the time of what begins with a choice.
_has_long_push = re.compile(rb">\d{4}").search
_has_long_set = re.compile(rb"~\d{4}").search
_has_long_attribute = re.compile(rb"\|\d{4}").search
_has_odd_line = re.compile(rb"\r\n[=+(>~]").search


class PlainRequestParser(StrictParser):
    """The strict parser with shortcuts: the same commands, errors and state."""

    __slots__ = ("_reader",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._reader: Any = None  # Any: hiredis has no types in some releases

    @property
    def is_between_commands(self) -> bool:
        """Whether nothing has begun, nothing is wrong, and the limits allow whatever a small read can hold."""
        limits = self.limits
        return (
            not self.buffered_bytes
            and not self._missing
            and self.error is None
            and limits.max_arguments >= MOST_READER_ARGUMENTS
            and limits.max_bulk_bytes >= SMALL_READ_BYTES
        )

    def feed(self, data: bytes, most: int = 0) -> list[list[bytes]]:
        """Return the commands that are complete now, as the strict parser does."""
        if most or self.error is not None:
            return super().feed(data, most)
        if not self.buffered_bytes and not self._missing:
            return self._feed_between_commands(data)
        # Finish what has begun, and leave the rest to the quicker ways.
        commands = super().feed(data, 1)
        if not self.wanted_bytes:
            commands += self._feed_between_commands(self._take_rest())
        return commands

    def feed_columns(
        self, data: bytes, beginning: bytes, count: int
    ) -> tuple[list[list[bytes]], bytes] | None:
        """Return what ``read_columns`` finds, and leave the bytes behind it to ``feed``; None if it cannot be asked or finds nothing."""
        limits = self.limits
        if (
            self.buffered_bytes
            or self._missing
            or self.error is not None
            or limits.max_arguments < MOST_READER_ARGUMENTS
            or len(data) > limits.max_bulk_bytes
        ):
            return None
        return read_columns(data, beginning, count)

    def _feed_between_commands(self, data: bytes) -> list[list[bytes]]:
        size = len(data)
        limits = self.limits
        if limits.max_arguments >= MOST_READER_ARGUMENTS and size <= limits.max_bulk_bytes:
            is_small = size < SMALL_READ_BYTES
            second = data.find(b"\r\n*") if is_small else _find_second(data)
            if second < 0:
                words = split_small(data) if is_small else _split_large(data)
                if words is not None:
                    return [words]
            elif (
                second <= LONG_COMMAND_BYTES
                and size <= LARGE_READ_BYTES
                and data[0] == _STAR
                and _has_long_array(data) is None
            ):
                commands, end = self._read_most(data)
                return commands if end == size else commands + super().feed(data[end:])
        return super().feed(data)

    def _read_most(self, data: bytes) -> tuple[list[list[bytes]], int]:
        """Read what hiredis can; return it and where it ends, which is 0 if anything is odd."""
        commands = self._read_whole(data) if data.endswith(b"\r\n") else None
        if commands is not None:
            return commands, len(data)
        end = data.rfind(b"\r\n*") + 2
        commands = self._read_whole(data[:end]) if end > 2 else None
        return ([], 0) if commands is None else (commands, end)

    def _read_whole(self, data: bytes) -> list[list[bytes]] | None:
        """Let hiredis read commands that must be complete; None if they are not, or anything is odd."""
        is_ambiguous = (
            _EQUALS in data
            or _PLUS in data
            or _PARENTHESIS in data
            or _GREATER in data
            or _BAR in data
            or _TILDE in data
        )
        if is_ambiguous and _has_long_other(data):
            return None
        reader = self._reader or hiredis.Reader()
        self._reader = None
        reader.feed(data)
        reader.feed(_MARK_LINE)
        try:
            found: list[Any] = list(iter(reader.gets, False))
            if found.pop() == _MARK and set(map(type, found)) == _ONLY_LISTS and all(found):
                joined = b"".join(chain.from_iterable(found))  # a TypeError unless every argument is bytes
                if not is_ambiguous or _are_requests(data, found, joined):
                    if len(data) <= KEPT_READER_BYTES:
                        self._reader = reader
                    return found
        except (hiredis.ProtocolError, TypeError, IndexError):
            pass  # the strict parser will find out what it is
        return None


def split_small(data: bytes) -> list[bytes] | None:
    """Return the words of a read, shorter than ``SMALL_READ_BYTES``, if it is one command and nothing else.

    Between two commands (``is_between_commands``) that is what ``feed`` would return of it.
    """
    pieces = data.split(b"\r\n")
    count = len(pieces)
    if count == 6:  # two words, as GET, or three, as SET: most reads, and half the cost of the general case
        header, first_header, first, last_header, last, end = pieces
        if (
            header == b"*2"
            and _LENGTH_HEADERS[len(first)] == first_header
            and _LENGTH_HEADERS[len(last)] == last_header
            and not end
        ):
            return [first, last]
    elif count == 8:
        header, first_header, first, second_header, second, last_header, last, end = pieces
        if (
            header == b"*3"
            and _LENGTH_HEADERS[len(first)] == first_header
            and _LENGTH_HEADERS[len(second)] == second_header
            and _LENGTH_HEADERS[len(last)] == last_header
            and not end
        ):
            return [first, second, last]
    elif _COUNT_HEADERS.get(count) == pieces[0] and not pieces[-1]:
        words = pieces[2::2]
        if pieces[1:-1:2] == [_LENGTH_HEADERS[len(word)] for word in words]:
            return words
    return None


def _find_second(data: bytes) -> int:
    r"""Return where a second command seems to begin, or a negative number.

    Looking for ``*`` alone costs a twentieth of looking for ``\r\n*``.
    """
    star = data.find(b"*", 1)
    return star if star < 0 or data[star - 2 : star] == b"\r\n" else data.find(b"\r\n*", star)


def _split_large(data: bytes) -> list[bytes] | None:
    """Return the words of a read if it is one command and nothing else. Its last word may be long: it is not searched."""
    count = _SPLITS.get(data[:4])
    if count is None:
        return None
    pieces = data.split(b"\r\n", count)
    last = pieces.pop()
    if len(pieces) < count or last[-2:] != b"\r\n":
        return None
    pieces.append(last[:-2])
    words = pieces[2::2]
    return words if pieces[1::2] == [b"$%d" % len(word) for word in words] else None


def _has_long_other(data: bytes) -> bool:
    return (
        (_GREATER in data and _has_long_push(data) is not None)
        or (_TILDE in data and _has_long_set(data) is not None)
        or (_BAR in data and _has_long_attribute(data) is not None)
    )


def _are_requests(data: bytes, commands: list[list[bytes]], joined: bytes) -> bool:
    r"""Say whether these lists of bytes stand in the data as arrays of bulk strings, and as nothing else.

    Counting line ends proves it for most data at a quarter of the cost of encoding it
    again. An array has one; a bulk string at most two if its value has no ``\r``; a
    status or a big number one. So if there are as many as there can be, everything is
    a bulk string or a verbatim one, and ends with ``\r\n``; and no line begins with an odd byte.
    (Attributes, ``|``, would spoil the count: what they hold does not come out.)
    Long values cost more to count in than to copy.
    """
    if (
        len(data) < COUNTED_COMMAND_BYTES * len(commands)
        and _BAR not in data
        and b"\r" not in joined
        and _has_odd_line(data) is None
        and data.count(b"\r\n") == len(commands) + 2 * sum(map(len, commands))
    ):
        return True
    return data == _encoded(commands)


def _encoded(commands: list[list[bytes]]) -> bytes:
    parts: list[bytes] = []
    append = parts.append
    for command in commands:
        append(b"*%d\r\n" % len(command))
        for argument in command:
            size = len(argument)
            append(_BULK_HEADERS[size] if size < SMALL_READ_BYTES else b"$%d\r\n" % size)
            append(argument)
            append(b"\r\n")
    return b"".join(parts)


RequestParser: Final = best_parser(
    PlainRequestParser,
    split_inline,
    count=argument_count,
    size=argument_bytes,
    error=ProtocolError,
    limit=QUERY_LIMIT,
)
"""The commands, errors, limits and attributes are the strict parser's, whichever it is."""
