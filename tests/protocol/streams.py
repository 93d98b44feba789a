"""Streams of requests, good, odd and broken, and ways to cut them: for the tests of all parsers."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import strategies as st

from respcache.protocol.limits import UNAUTHENTICATED, Limits
from respcache.protocol.parser import PlainRequestParser, RequestParser
from respcache.protocol.strict import StrictParser

Commands = list[list[bytes]]

NewParser = type[StrictParser]
"""A parser's class. The compiled one is of no kin, but has all that a StrictParser offers."""

QUICK_PARSERS: list[NewParser] = list(dict.fromkeys([PlainRequestParser, RequestParser]))
every_parser = pytest.mark.parametrize("new_parser", [StrictParser, *QUICK_PARSERS])
every_quick_parser = pytest.mark.parametrize("new_parser", QUICK_PARSERS)

PING = b"*1\r\n$4\r\nPING\r\n"


def request(*arguments: bytes) -> bytes:
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%b\r\n" % (len(each), each) for each in arguments)


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(ends)]


def byte_by_byte(stream: bytes) -> list[bytes]:
    return cut(stream, range(len(stream)))


def parse(parser: StrictParser, pieces: Iterable[bytes], mosts: Iterable[int] = ()) -> Commands:
    """Feed the pieces, taking all commands or a few at a time; return the commands."""
    commands: Commands = []
    how_many: Iterator[int] = iter(mosts)
    for piece in pieces:
        most = next(how_many, 0)
        found = parser.feed(piece, most)
        commands += found
        while most and len(found) == most:
            found = parser.feed(b"", most)
            commands += found
    return commands


# What a parser of replies knows and a request must not have; what looks like a header, and isn't; what ends too early.
ODD = [
    b"\r\n", b"PING\r\n", b"ECHO 'a\r\n", b"PING\n", b"PI\0NG\r\n", b"+x\r\n", b":0\r\n", b"$-1\r\n", b"_\r\n", b"#f\r\n",
    b"+.\r\n", b"*0\r\n", b"*-1\r\n", b"*01\r\n$1\r\na\r\n", b"*999\r\n", b"*12345\r\n", b"*99999999999\r\n", b"*2\rX$1\rXaXX$1\rXbXX",
    b"*1\r\n$-1\r\n", b"*1\r\n$01\r\na\r\n", b"*1\r\n$1\r\naXX", b"*1\r\n$4\r\n", b"*1\r\n$9\r\n",
    b"*1\r\n+OK\r\n", b"*1\r\n(12\r\n", b"*1\r\n=5\r\ntxt:a\r\n", b"*2\r\n$1\r\naXX+b\r\n", b"*2\r\n$1\r\naXX=5\r\ntxt:a\r\n",
    b"*2\r\n$1\r\na\r+\n$2\r\n", b"*2\r\n$2\r\na\r\nX=5\r\ntxt:a\r\n", b"*1\r\n*1\r\n$1\r\na\r\n", b"*1\r\n>1\r\n$1\r\na\r\n",
    b"~1\r\n$1\r\na\r\n", b">1\r\n$1\r\na\r\n", b"%1\r\n$1\r\na\r\n$1\r\nb\r\n", b"|1\r\n$1\r\na\r\n$1\r\nb\r\n",
    b"*1\r\n$1\r\naXX|1\r\n$1\r\na\r\n$1\r\nb\r\n", b"*1\r\n$1\r\naXX~1\r\n$1\r\na\r\n",
]  # fmt: skip

values = st.one_of(
    st.text("\r\n*$+=(~|>%0129ab\0\"'", max_size=20).map(str.encode),
    st.binary(max_size=40),
    st.integers(0, 300).map(lambda size: b"v" * size),
    st.sampled_from([480, 500, 512, 600, 4090, 5000]).map(lambda size: b"v" * size),
    st.sampled_from([500, 4090]).map(lambda size: b"*" * size),
)
requests = st.lists(values, min_size=1, max_size=6).map(lambda arguments: request(*arguments))
pipelines = st.builds(lambda each, count: each * count, requests, st.integers(2, 30))
streams = st.lists(
    st.one_of(requests, requests, pipelines, st.sampled_from(ODD), st.binary(max_size=30)), max_size=8
).map(b"".join)
cuts = st.lists(st.integers(0, 10_000), max_size=8)
mosts = st.lists(st.integers(0, 2), max_size=8)
limits: st.SearchStrategy[Any] = st.sampled_from(
    [Limits(), Limits(), UNAUTHENTICATED, Limits(max_inline_bytes=64, max_bulk_bytes=200)]
)
