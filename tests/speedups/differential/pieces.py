"""From calls to bytes: pieces of a stream, each a whole request or a broken one.

Most are arrays of bulk strings, as clients write them; some are lines, as people do, with quotes where words need them. The
broken ones are those that a parser meets in the wild and from its enemies: counts and lengths that are none, that are huge,
lines without an end, bytes lost, doubled or changed.
"""

import random
from collections.abc import Callable
from typing import Final

from tests.speedups.differential.calls import Call, Calls, spelled
from tests.speedups.differential.masks import UNORDERED
from tests.wire import encode_command

PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:*?_-.")
LONGEST_LINE_BYTES: Final = 30_000
"""Of a request in one line; above 64 KiB it is refused, which has a piece of its own."""

# Whatever comes next is read anew behind these.
HARMLESS: Final = [
    b"\r\n",
    b"\n",
    b"\r\n\r\n\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*-5\r\n",
    b"   \r\n",
    b"*2\rx$4\rxECHO\r\n$2\rxhi\r\n",
]

BROKEN: Final = [
    b"*1048577\r\n",
    b"*2147483648\r\n",
    b"*99999999999999999999\r\n",
    b"*abc\r\n",
    b"*01\r\n$4\r\nPING\r\n",
    b"*+1\r\n$4\r\nPING\r\n",
    b"*\r\n",
    b"*1\r\n4\r\nPING\r\n",
    b"*1\r\n\r\nPING\r\n",
    b"*2\r\n$3\r\nGET\r\n:1\r\n",
    b"*2\r\n$3\r\nGET\r\n$-1\r\n",
    b"*2\r\n$3\r\nGET\r\n$03\r\nabc\r\n",
    b"*2\r\n$3\r\nGET\r\n$\r\nabc\r\n",
    b"*2\r\n$3\r\nGET\r\n$999999999999\r\n",
    b"*2\r\n$3\r\nGET\r\n$536870913\r\n",
    b"*2\r\n$3\r\nGET\r\n$9223372036854775808\r\n",
    b"*2\r\n$3\r\nGET\r\n*1\r\n",
    b'SET a "unbalanced\r\n',
    b"GET 'a\r\n",
    b'GET "a"b\r\n',
    b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET \0 a\r\nPING\r\n",
    b"*1\0\r\n$4\r\nPING\r\n",
    b"*2\r\n$3\r\nGET\r\n$1" + b"0" * 70_000,
    b"*" + b"1" * 70_000 + b"\r\n",
    b"GET " + b"x" * 70_000,
    b"ECHO " + b"y" * 70_000 + b"\r\n",
]

# The rest of what follows is swallowed by these, or not, and nobody knows before how much.
UNFINISHED: Final = [
    b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n",
    b"*2\r\n$4\r\nECHO\r\n$30\r\n",
    b"*1\r\n$4\r\n",
    b"*5",
    b"GET a",
    b"$5\r\nhello\r\n",
]


LARGE_HASHES: Final = [b"large", b"large:other"]
"""Keys that only ``Pieces.large`` uses: hashes of so many fields that they show no order."""
LARGE_HASH_FIELDS: Final = 1500
FIELDS_AT_ONCE: Final = [1, 3, 20, 400]


class Pieces:
    """Draws pieces."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._chance = calls.chance

    def well_formed(self, draw: Callable[[], Call] | None = None) -> bytes:
        """Return one request that is whole; its words may still be wrong."""
        if draw is None and self._chance.random() < 0.02:
            return self._listing()
        call = spelled((draw or self._calls.any)(), self._chance)
        if self._chance.random() < 0.06:
            return as_line(call, self._chance)
        return encode_command(call)

    def _listing(self) -> bytes:
        """Ask for all keys, with a word in front that says that their order means nothing; twice, for CLIENT REPLY SKIP."""
        words, chance = self._calls.words, self._chance
        whole = [b"SCAN", b"0", b"COUNT", b"1000000"]
        asked = chance.choice(
            [
                [b"KEYS", words.pattern()],
                whole,
                [*whole, b"MATCH", words.pattern()],
                [*whole, b"TYPE", chance.choice([b"hash", b"string", b"x"])],
            ]
        )
        return encode_command([b"ECHO", UNORDERED]) * 2 + encode_command(spelled(asked, chance))

    def huge(self) -> bytes:
        """Return a request with a value of hundreds of KiB, or one that reads it."""
        words, chance = self._calls.words, self._chance
        key = chance.choice([b"big", b"big", b"text", b"hash"])
        return encode_command(
            chance.choice(
                [
                    lambda: [b"SET", key, words.huge()],
                    lambda: [b"SET", key, words.huge(), b"GET"],
                    lambda: [b"HSET", b"hash", b"f", words.huge(), b"g", words.value()],
                    lambda: [b"APPEND", key, words.huge()],
                    lambda: [b"GET", key],
                    lambda: [b"MGET", key, b"a", b"big"],
                    lambda: [b"HGETALL", b"hash"],
                    lambda: [b"PUBLISH", b"news", words.huge()],
                    lambda: [b"ECHO", words.huge()],
                    lambda: [b"GETRANGE", key, words.offset(), words.offset()],
                ]
            )()
        )

    def large(self) -> bytes:
        """Return a request to a hash that grows large, and shrinks; what tells its order is marked as ``_listing``."""
        chance, value = self._chance, self._calls.words.value
        key = chance.choice(LARGE_HASHES)
        first = chance.randrange(LARGE_HASH_FIELDS)
        names = [b"%d" % number for number in range(first, first + chance.choice(FIELDS_AT_ONCE))]
        pairs = [word for name in names for word in (name, value())]
        kind = chance.random()
        if kind < 0.15:
            listing = chance.choice(
                [
                    [b"HGETALL", key],
                    [b"HKEYS", key],
                    [b"HVALS", key],
                    [b"HSCAN", key, b"0", b"COUNT", b"1000000"],
                ]
            )
            return encode_command([b"ECHO", UNORDERED]) * 2 + encode_command(spelled(listing, chance))
        call = chance.choice(
            [
                [b"HSET", key, *pairs],
                [b"HSET", key, *pairs],
                [b"HMSET", key, *pairs],
                [b"HSETNX", key, *pairs[:2]],
                [b"HDEL", key, *names],
                [b"HGET", key, names[0]],
                [b"HGET", key, names[0]],
                [b"HMGET", key, *names],
                [b"HEXISTS", key, names[0]],
                [b"HSTRLEN", key, names[0]],
                [b"HINCRBY", key, names[0], self._calls.words.integer()],
                [b"HINCRBYFLOAT", key, names[0], b"0.5"],
                [b"HLEN", key],
                [b"OBJECT", b"ENCODING", key],
                [b"COPY", *LARGE_HASHES, b"REPLACE"],
            ]
        )
        if chance.random() < 0.01:
            call = [b"DEL", key]
        return encode_command(spelled(call, chance))

    def odd(self) -> bytes:
        """Return what is no request, or only the begin of one, or one that has suffered."""
        chance = self._chance
        kind = chance.random()
        if kind < 0.35:
            return chance.choice(HARMLESS)
        if kind < 0.55:
            return chance.choice(BROKEN)
        if kind < 0.7:
            return chance.choice(UNFINISHED)
        return damaged(self.well_formed(), chance)


def as_line(call: Call, chance: random.Random) -> bytes:
    """Write a call as people type it."""
    line = chance.choice([b" ", b"  ", b"\t"]).join(_quoted(word, chance) for word in call)
    if len(line) > LONGEST_LINE_BYTES:
        return encode_command(call)
    return line + chance.choice([b"\r\n", b"\r\n", b"\n"])


def _quoted(word: bytes, chance: random.Random) -> bytes:
    if word and PLAIN.issuperset(word) and chance.random() < 0.8:
        return word
    return b'"%b"' % b"".join(bytes([byte]) if byte in PLAIN else b"\\x%02x" % byte for byte in word)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return bytes with a few of them changed, lost, doubled or put in; long ones only at their begin."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        place = chance.randrange(min(len(changed), 100)) if changed else 0
        kind = chance.randrange(4)
        if kind == 0 and changed:
            changed[place] = chance.randrange(256)
        elif kind == 1:
            del changed[place : place + chance.randint(1, 3)]
        elif kind == 2:
            changed[place:place] = changed[place : place + 4]
        else:
            changed[place:place] = bytes([chance.choice(b"*$\r\n\x00-0123456789")])
    return bytes(changed)
