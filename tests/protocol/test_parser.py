"""The session's parsers: that their shortcuts change nothing, and that they are taken where it matters."""

import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from respcache.protocol.columns import beginning_of
from respcache.protocol.limits import UNAUTHENTICATED, Limits
from respcache.protocol.parser import (
    LARGE_READ_BYTES,
    LONG_COMMAND_BYTES,
    MOST_READER_ARGUMENTS,
    QUERY_LIMIT,
    SMALL_READ_BYTES,
    PlainRequestParser,
    split_small,
)
from respcache.protocol.strict import StrictParser
from tests.protocol import streams
from tests.protocol.conftest import Work
from tests.protocol.streams import ODD, PING, NewParser, cut, every_quick_parser, parse, request
from tests.rows import every_row
from tests.servers import REPOSITORY
from tests.thoroughness import examples

GET = request(b"GET", b"key:000000012345")


def strictly(stream: bytes, limits: Limits) -> StrictParser:
    parser = StrictParser(limits)
    parser.feed(stream)
    return parser


@every_quick_parser
@settings(max_examples=examples(50, 200))
@given(streams.streams, streams.cuts, streams.mosts, streams.limits)
@example(b"*2\r\n$1\r\naXX+b\r\n*2\r\n$1\r\naXX=5\r\ntxt:a\r\n", [], [], Limits())
@example(GET * 20 + b"*1\r\n$1\r\naXX|1\r\n$1\r\na\r\n$1\r\nb\r\n" + GET, [], [], Limits())
@example(request(b"SET", b"k", b"\r\n*1\r\n$4\r\nPING\r\n") * 20, [500], [], Limits())
def test_the_shortcuts_change_nothing(
    new_parser: NewParser, stream: bytes, places: list[int], mosts: list[int], limits: Limits
) -> None:
    strict, parser = StrictParser(limits), new_parser(limits)
    assert parse(parser, cut(stream, places), mosts) == strict.feed(stream)
    assert parser.error == strict.error
    assert parser.buffered_bytes == strict.buffered_bytes


@every_quick_parser
@every_row("odd", ODD)
def test_what_only_replies_have_is_no_request(new_parser: NewParser, odd: bytes) -> None:
    for stream in (odd, PING + odd, GET * 20 + odd + GET * 20, odd + GET * 20):
        strict, parser = StrictParser(Limits()), new_parser(Limits())
        assert parser.feed(stream) == strict.feed(stream)
        assert parser.error == strict.error


@every_quick_parser
@every_row("first", [b"=", b"+", b"(", b">", b"|", b"~", b"%", b"*", b"$", b"\r", b"\n", b"\r\n*"])
def test_a_value_may_begin_and_end_with_anything(new_parser: NewParser, first: bytes) -> None:
    commands = [[b"SET", first + b"k", first + b"x" * size + first] for size in range(40)]
    for pieces in ([b"".join(request(*each) for each in commands)], [request(*each) for each in commands]):
        assert parse(new_parser(Limits()), pieces) == commands


@every_quick_parser
@every_row("count", [1, 10, 84, 85, 86, MOST_READER_ARGUMENTS, MOST_READER_ARGUMENTS + 1, 5000])
@every_row("size_bytes", [0, 1, 400, SMALL_READ_BYTES, 5000])
def test_no_number_of_arguments_and_no_length_is_special(
    new_parser: NewParser, count: int, size_bytes: int
) -> None:
    command = [b"x" * size_bytes] * count
    for repeats in (1, 3):
        assert new_parser(Limits()).feed(request(*command) * repeats) == [command] * repeats


@every_quick_parser
@pytest.mark.parametrize("size_bytes", [SMALL_READ_BYTES, LARGE_READ_BYTES])
def test_no_size_of_a_read_is_special(new_parser: NewParser, size_bytes: int) -> None:
    around = len(request(b"SET", b"k", b"x" * size_bytes)) - size_bytes
    for length in range(size_bytes - around - 3, size_bytes + 3):
        assert new_parser(Limits()).feed(request(b"SET", b"k", b"x" * length)) == [
            [b"SET", b"k", b"x" * length]
        ]


@every_quick_parser
def test_a_pipeline_may_be_cut_anywhere(new_parser: NewParser) -> None:
    stream = GET * 40
    for place in range(len(stream) + 1):
        assert parse(new_parser(Limits()), cut(stream, [place])) == [[b"GET", b"key:000000012345"]] * 40


@every_quick_parser
@every_row("last", [b"", b"a", b"a\r\n*b", b"\r\n", b"*1\r\n"])
@every_row("count", [1, 2, 3, 9, 10])
def test_a_long_command_alone_ends_where_it_ends(new_parser: NewParser, count: int, last: bytes) -> None:
    command = [
        *[b"a" * SMALL_READ_BYTES] * (count - 1),
        last if count > 1 else last + b"a" * SMALL_READ_BYTES,
    ]
    stream = request(*command)
    for missing in (1, 2, 3, 4):
        parser = new_parser(Limits())
        assert parser.feed(stream[:-missing]) == []
        assert parser.feed(stream[-missing:] + PING) == [command, [b"PING"]]


@every_quick_parser
@every_row("star", [b"", b"*", b"a*", b"\r\n*"])
def test_long_values_may_come_in_a_pipeline(new_parser: NewParser, star: bytes) -> None:
    commands = [
        [b"SET", b"k", star + b"a" * size + star] for size in (0, 5000, 1, 600, LONG_COMMAND_BYTES, 0)
    ]
    for turn in range(len(commands)):
        turned = commands[turn:] + commands[:turn]
        assert new_parser(Limits()).feed(b"".join(request(*each) for each in turned)) == turned


# -- state --------------------------------------------------------------------------


@every_quick_parser
def test_limits_hold_on_every_way(new_parser: NewParser) -> None:
    for stream in (request(*[b"a"] * 11), request(*[b"a"] * 11) * 50, PING * 50 + request(b"x" * 16385)):
        parser = new_parser(UNAUTHENTICATED)
        strict = StrictParser(UNAUTHENTICATED)
        assert parser.feed(stream) == strict.feed(stream)
        assert parser.error == strict.error is not None


@every_quick_parser
def test_other_limits_hold_from_the_next_command_on(new_parser: NewParser) -> None:
    parser = new_parser(UNAUTHENTICATED)
    many = [b"a"] * 11
    assert parser.feed(b"AUTH secret\r\n" + request(*many) * 50, 1) == [[b"AUTH", b"secret"]]
    parser.limits = Limits()
    assert parser.feed(b"") == [many] * 50
    assert parser.buffered_bytes == 0


@every_quick_parser
def test_nothing_comes_out_after_an_error(new_parser: NewParser) -> None:
    for broken in (b"*x\r\n", b"'\n", GET * 20 + b"*1\r\n:1\r\n"):
        parser = new_parser(Limits())
        parser.feed(broken)
        assert parser.error is not None
        assert parser.feed(PING) == parser.feed(GET * 100) == parser.feed(b"", 1) == []


@every_quick_parser
def test_an_unfinished_command_counts_against_the_query_limit(new_parser: NewParser) -> None:
    parser = new_parser(Limits(max_query_bytes=1000))
    assert len(parser.feed(GET * 100 + b"*2\r\n$5000\r\nabc")) == 100
    assert parser.error is None
    parser.feed(b"x" * 1000)
    assert parser.error == QUERY_LIMIT


@every_quick_parser
@settings(max_examples=examples(50, 200))
@given(streams.streams, streams.cuts)
def test_nothing_happens_before_the_wanted_bytes_are_there(
    new_parser: NewParser, stream: bytes, places: list[int]
) -> None:
    parser = new_parser(Limits())
    for piece in cut(stream, places):
        wanted_bytes = parser.wanted_bytes
        assert not (parser.feed(piece) and len(piece) < wanted_bytes)


# -- cost -----------------------------------------------------------------------------


@every_quick_parser
@every_row("kind", [b"*", b">", b"~", b"|", b"%"])
def test_a_header_that_promises_much_costs_nothing(new_parser: NewParser, kind: bytes) -> None:
    # hiredis would allocate 16 GiB for it, and spend seconds on giving them back.
    tracemalloc.start()
    begin = time.perf_counter()
    try:
        for before in (b"", PING, GET * 20, b"*1\r\n", b"*2\r\n$1\r\naXX", b"*2\r\n+a\r\n"):
            new_parser(Limits()).feed(before + kind + b"2147483647\r\n")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000
    assert time.perf_counter() - begin < 1.0


@every_quick_parser
@pytest.mark.parametrize("piece_bytes", [1, 2, 5, 37, 100, 1000, 65536, 10**6])
@pytest.mark.parametrize("key", [b"key:000000012345", b"a+b=c", b"*1234"])
def test_thousands_of_commands_cost_what_they_weigh(
    new_parser: NewParser, work: Work, key: bytes, piece_bytes: int
) -> None:
    count = 2_000 if piece_bytes < 100 else 10_000
    stream = request(b"GET", key) * count
    pieces = cut(stream, range(0, len(stream), piece_bytes))
    assert parse(new_parser(Limits()), pieces) == [[b"GET", key]] * count
    # A piece that ends in mid-command is handed on up to five times, and a header is looked at for each of its bytes.
    assert work.bytes < 20 * len(stream)


@given(places=st.lists(st.integers(0, 10**6), max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cutting_costs_more_than_its_pieces(work: Work, places: list[int]) -> None:
    stream = GET * 2000
    work.bytes = 0
    assert len(parse(PlainRequestParser(Limits()), cut(stream, places))) == 2000
    assert work.bytes < 6 * len(stream) + len(places) * 4 * len(GET)


BOMBS = [
    b"*1048576\r\n" * 20_000, b"*2147483647\r\n" * 10_000, b"*999\r\n" * 40_000, GET + b"*999\r\n" * 40_000, b"*1\r\n" * 60_000,
    b"*2\r\n~999\r\n" * 20_000, b"*2\r\n$1\r\na\r\n>999\r\n" * 10_000, b"*1\r\n%999\r\n" * 20_000, b"*1\r\n|999\r\n" * 20_000,
    (b"*999\r\n" + b"*0\r\n" * 999) * 40, b"*0\r\n" * 60_000, b"*-1\r\n" * 50_000, b"\n" * 200_000, b"\0" * 60_000,
    b"*1\r\n$536870912\r\n" * 10_000, b"*" * 200_000, b"$" * 200_000, b'"' * 60_000 + b"\n", b"'\\" * 30_000 + b"\n",
]  # fmt: skip


@every_quick_parser
@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: repr(bomb[:24]))
def test_a_bomb_takes_no_more_than_its_fuse(new_parser: NewParser, work: Work, bomb: bytes) -> None:
    parser = new_parser(Limits())
    tracemalloc.start()
    try:
        parser.feed(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert work.bytes <= 4 * len(bomb)
    # The worst that hiredis takes: a thousand lists in one another, of 999 places of eight bytes.
    assert peak_bytes < 10_000_000


@pytest.fixture
def strict_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the strict parser, which is the slow one, has been given."""
    seen: list[int] = []
    feed = StrictParser.feed

    def spy(parser: StrictParser, data: bytes, most: int = 0) -> list[list[bytes]]:
        seen.append(len(data))
        return feed(parser, data, most)

    monkeypatch.setattr(StrictParser, "feed", spy)
    return seen


@pytest.mark.parametrize("key", [b"key:000000012345", b"user=1", b"a(b)", b"a->b", b"a+b", b"~a"])
def test_whole_commands_never_see_the_strict_parser(strict_bytes: list[int], key: bytes) -> None:
    for count in (1, 2, 16, 1000):
        assert PlainRequestParser(Limits()).feed(request(b"GET", key) * count) == [[b"GET", key]] * count
    assert strict_bytes == []


@pytest.mark.parametrize("size_bytes", [1000, 16384, 65536])
def test_the_strict_parser_only_sees_the_command_that_is_cut(
    strict_bytes: list[int], size_bytes: int
) -> None:
    stream = GET * 4000
    pieces = cut(stream, range(0, len(stream), size_bytes))
    assert len(parse(PlainRequestParser(Limits()), pieces)) == 4000
    # The tail of one read, and the next read, of which it takes one command and hands back the rest.
    tails = [size for size in strict_bytes if size < size_bytes]
    assert len(strict_bytes) <= 2 * len(pieces)
    assert sum(tails) <= len(pieces) * 2 * len(GET) + size_bytes


GROWTH_OF_IDLE_PARSERS = """
import os
from pathlib import Path
from respcache.protocol.limits import Limits
from respcache.protocol.parser import NAME as NewParser
def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
parsers = [NewParser(Limits()) for _ in range(300)]
before_bytes = resident_bytes()
for parser in parsers:
    assert len(parser.feed(b"*2\\r\\n$3\\r\\nGET\\r\\n$3\\r\\nkey\\r\\n" * 2300)) == 2300
print((resident_bytes() - before_bytes) // len(parsers))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux' /proc")
@every_quick_parser
def test_an_idle_client_keeps_no_memory_of_a_long_read(new_parser: NewParser) -> None:
    # In a process of its own: hiredis' memory shows only in the whole process' growth.
    done = subprocess.run(
        [sys.executable, "-c", GROWTH_OF_IDLE_PARSERS.replace("NAME", new_parser.__name__)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 20_000


def test_columns_are_read_only_between_two_commands() -> None:
    beginning = beginning_of(b"GET", 2)
    for begun in (GET[:-1], b"*2\r\n", b"GE"):
        parser = PlainRequestParser(Limits())
        parser.feed(begun)
        assert parser.feed_columns(GET * 9, beginning, 2) is None
    parser = PlainRequestParser(Limits())
    parser.feed(b"*x\r\n")
    assert parser.error is not None
    assert parser.feed_columns(GET * 9, beginning, 2) is None


def test_columns_are_left_to_the_strict_parser_where_limits_are_narrow() -> None:
    beginning = beginning_of(b"GET", 2)
    for limits, may_be_read in (
        (Limits(), True),
        (Limits(max_bulk_bytes=100), False),
        (UNAUTHENTICATED, False),
    ):
        assert (PlainRequestParser(limits).feed_columns(GET * 9, beginning, 2) is not None) == may_be_read


@settings(max_examples=examples(100, 1000))
@given(st.one_of(streams.requests, streams.streams), streams.cuts)
@example(b"", [])
@example(GET + b"\r\n", [])
@example(b"*2\r\n$3\r\nGET\r\n$01\r\na\r\n", [])
@example(request(b"SET", b"k", b"\r\n*1\r\n$4\r\nPING\r\n"), [])
def test_what_is_split_at_once_is_what_would_be_fed(stream: bytes, places: list[int]) -> None:
    parser = PlainRequestParser(Limits())
    for piece in cut(stream, places):
        words = split_small(piece) if parser.is_between_commands and len(piece) < SMALL_READ_BYTES else None
        commands = parser.feed(piece)
        if words is not None:
            assert commands == [words]
            assert parser.is_between_commands


@every_row("begun", [b"*", b"*2\r\n", b"*2\r\n$3\r\nGET\r\n", b"GET", b"*1\r\n$x\r\n"])
def test_what_has_begun_or_failed_is_not_between_commands(begun: bytes) -> None:
    parser = PlainRequestParser(Limits())
    assert parser.is_between_commands
    parser.feed(begun)
    assert not parser.is_between_commands


def test_narrow_limits_are_for_the_strict_parser_to_keep() -> None:
    assert not PlainRequestParser(UNAUTHENTICATED).is_between_commands
    assert not PlainRequestParser(Limits(max_bulk_bytes=SMALL_READ_BYTES - 1)).is_between_commands
