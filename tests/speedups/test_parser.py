"""The compiled parser gives the strict one's commands and errors, whichever way it is used and however the stream is cut."""

import random
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.protocol.limits import UNAUTHENTICATED, Limits
from respcache.protocol.parser import QUERY_LIMIT
from respcache.protocol.strict import StrictParser
from tests.protocol import streams
from tests.protocol.streams import ODD, PING, Commands, byte_by_byte, cut, request
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.parser import RequestParser

LONG_BYTES = 32 * 1024
"""Words from here on are received straight into their objects."""

LIMITS = [
    Limits(),
    UNAUTHENTICATED,
    Limits(max_inline_bytes=64, max_bulk_bytes=200),
    Limits(max_inline_bytes=3, max_bulk_bytes=50_000),
    Limits(max_arguments=1500, max_query_bytes=100_000),
    Limits(max_query_bytes=20_000),
]

MANY_WORDS = [1, 7, 8, 9, 63, 64, 65, 1023, 1024, 1025, 3000]
LONG_WORDS = [LONG_BYTES - 3, LONG_BYTES - 1, LONG_BYTES, LONG_BYTES + 1, 40_000, 70_000, 200_000]
PIECES = [0, 1, 2, 50, 100, 3000, 16_384, 16_385, 65_536, 131_072]

State = tuple[str | None, int, int]
Step = tuple[bytes, int, Limits | None]
"""A piece of the stream, how many commands of it are taken at a time, and new limits."""


def state(parser: StrictParser | RequestParser) -> State:
    return parser.error, parser.buffered_bytes, parser.wanted_bytes


def turns(
    feed: Callable[[bytes, int], Commands], parser: StrictParser | RequestParser, steps: list[Step]
) -> Iterator[tuple[Commands, State]]:
    """Take the steps; tell after each call what came out of it, and how things stand."""
    for piece, most, limits in steps:
        if limits is not None:
            parser.limits = limits
        found = feed(piece, most)
        yield found, state(parser)
        while most and len(found) == most:
            found = feed(b"", most)
            yield found, state(parser)


# -- streams with all that is special to somebody --------------------------------------


def some_requests(chance: random.Random) -> bytes:
    kind = chance.randrange(8)
    if kind == 0:
        return request(*[b"ab"] * chance.choice(MANY_WORDS))
    if kind == 1:
        long = [b"v" * chance.choice(LONG_WORDS) for _ in range(chance.randrange(1, 4))]
        return request(b"MSET", *long, b"end")
    if kind == 2:
        return (
            chance.choice([*ODD, chance.randbytes(30)]) if chance.random() < 0.3 else b"ECHO 'a b'\r\n\r\n\n"
        )
    words = [
        bytes(chance.choices(b"\r\n*$xyz", k=chance.randrange(20))) for _ in range(chance.randrange(1, 5))
    ]
    return request(*words) * chance.randrange(1, 40)


def pieces_of(stream: bytes, chance: random.Random) -> Iterator[bytes]:
    """Cut a stream in pieces of one kind, or of all kinds."""
    sizes = PIECES if chance.random() < 0.5 else [chance.choice(PIECES)]
    position = 0
    for _ in range(3000):
        if position >= len(stream):
            return
        size = chance.choice(sizes)
        yield stream[position : position + size]
        position += size
    yield stream[position:]


def steps_of(chance: random.Random, limits: list[Limits]) -> list[Step]:
    stream = b"".join(some_requests(chance) for _ in range(chance.randrange(1, 8)))
    return [
        (piece, chance.choice([0, 0, 1, 2]), chance.choice(limits) if chance.random() < 0.02 else None)
        for piece in pieces_of(stream, chance)
    ]


@every_row("seed", range(150))
def test_it_is_as_the_strict_parser_after_every_piece(seed: int) -> None:
    chance = random.Random(seed)
    limits = chance.choice(LIMITS)
    steps = steps_of(chance, LIMITS)
    strict, parser = StrictParser(limits), RequestParser(limits)
    for expected, found in zip(
        turns(strict.feed, strict, steps), turns(parser.feed, parser, steps), strict=True
    ):
        assert found == expected


@every_row("seed", range(150))
def test_both_ways_to_use_it_may_take_turns(seed: int) -> None:
    chance = random.Random(seed)
    steps = steps_of(chance, [Limits()])
    strict, parser = StrictParser(Limits()), RequestParser(Limits())

    def feed(data: bytes, most: int) -> Commands:
        return chance.choice([parser.feed, parser.read_all])(data, most)

    found = [command for commands, _ in turns(feed, parser, steps) for command in commands]
    assert found == strict.feed(b"".join(piece for piece, _, _ in steps))
    assert state(parser) == state(strict)


@given(
    streams.streams,
    streams.cuts,
    streams.mosts,
    st.lists(streams.limits | st.none(), max_size=8),
    st.booleans(),
)
def test_it_is_as_the_strict_parser_in_any_stream(
    stream: bytes, places: list[int], mosts: list[int], limits: list[Limits | None], is_loop: bool
) -> None:
    pieces = cut(stream, places)
    how_many, new = mosts + [0] * len(pieces), limits + [None] * len(pieces)
    steps: list[Step] = list(zip(pieces, how_many, new, strict=False))
    strict, parser = StrictParser(Limits()), RequestParser(Limits())
    feed = parser.read_all if is_loop else parser.feed
    expected, found = turns(strict.feed, strict, steps), turns(feed, parser, steps)
    assert [commands for commands, _ in found] == [commands for commands, _ in expected]
    assert state(parser) == state(strict)


# -- one by one --------------------------------------------------------------------------


@every_row("odd", ODD)
def test_the_loop_takes_nothing_that_is_no_request(odd: bytes) -> None:
    for pieces in ([PING + odd + PING], byte_by_byte(PING + odd + PING)):
        strict, parser = StrictParser(Limits()), RequestParser(Limits())
        assert [command for piece in pieces for command in parser.read_all(piece)] == strict.feed(
            PING + odd + PING
        )
        assert state(parser) == state(strict)


def test_the_words_of_a_line_are_given_away_as_a_list_of_its_own() -> None:
    parser = RequestParser(Limits())
    (words,) = parser.read_all(b"SET k 'a b'\r\n", 1)
    words.clear()
    assert parser.read_all(b"GET k\r\n") == [[b"GET", b"k"]]


def test_commands_before_the_broken_place_come_out_of_the_loop_and_none_behind_it() -> None:
    parser = RequestParser(Limits())
    assert parser.read_all(PING * 3 + b"*x\r\n" + PING) == [[b"PING"]] * 3
    assert parser.error == "Protocol error: invalid multibulk length"
    assert parser.read_all(PING) == parser.feed(PING) == []
    assert parser.buffered_bytes == 0


@pytest.mark.parametrize("begun", [b"", b"*1\r\n$1000000\r\n", b"*10000\r\n", b"*100\r\n$40000\r\n"])
def test_what_the_loop_receives_counts_against_the_query_limit(begun: bytes) -> None:
    parser = RequestParser(Limits(max_query_bytes=20_000))
    parser.read_all(begun)
    more = b"$3\r\nabc\r\n" * 100 if begun == b"*10000\r\n" else b"x" * 900
    fed_bytes = 0
    while parser.error is None:
        assert parser.read_all(more) == []
        fed_bytes += len(more)
    assert parser.error == QUERY_LIMIT
    assert 20_000 - 100 <= fed_bytes <= 20_000 + 1000


def test_no_read_of_the_loop_is_so_long_that_the_query_limit_is_overlooked() -> None:
    parser = RequestParser(Limits(max_query_bytes=1 << 20))
    assert parser.read_all(request(b"DEL", *[b"a" * 20_480] * 60)) == []
    assert parser.error == QUERY_LIMIT


def test_limits_that_are_none_are_not_taken() -> None:
    limits = Limits(max_arguments=10**30)  # more than there can be
    parser = RequestParser(limits)
    with pytest.raises(AttributeError):
        parser.limits = None
    assert parser.limits is limits
    assert parser.feed(PING) == [[b"PING"]]


@pytest.mark.parametrize("piece_bytes", [1, 7, 64, 1000, 65_536])
def test_many_arguments_in_small_reads_cost_what_they_weigh(piece_bytes: int) -> None:
    arguments = [b"ab"] * 200_000
    stream = request(*arguments)
    parser = RequestParser(Limits())
    found: Commands = []
    for piece in cut(stream, range(0, len(stream), piece_bytes)):
        found += parser.read_all(piece)
    assert found == [arguments]


def test_a_long_value_is_received_where_it_stays() -> None:
    parser = RequestParser(Limits())
    piece = b"x" * 65_536
    tracemalloc.start()
    try:
        parser.read_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$67108864\r\n")
        for _ in range(1024):
            assert parser.read_all(piece) == []
        ((_, _, value),) = parser.read_all(b"\r\n")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value == piece * 1024
    assert peak_bytes < 1.01 * len(value)
