"""The strict parser, and those that say they are like it, against tables of streams, each tried whole, byte by byte and cut anywhere."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.protocol import strict
from respcache.protocol.inline import split_inline
from respcache.protocol.limits import UNAUTHENTICATED, Limits
from respcache.protocol.strict import QUERY_LIMIT, StrictParser
from tests.protocol import streams
from tests.protocol.conftest import Work
from tests.protocol.streams import PING, Commands, NewParser, byte_by_byte, cut, every_parser, parse, request
from tests.rows import every_row
from tests.thoroughness import examples

LINE = 64 * 1024

GOOD: list[tuple[bytes, Commands]] = [
    (PING, [[b"PING"]]),
    (PING * 3, [[b"PING"]] * 3),
    (request(b"SET", b"", b"\r\n\0*$"), [[b"SET", b"", b"\r\n\0*$"]]),
    (b"*1\rX$4\rYPINGZZ", [[b"PING"]]),
    (b"*0\r\n*-1\r\n*-9223372036854775808\r\n" + PING, [[b"PING"]]),
    (b"*1\r\n$0\r\n\r\n", [[b""]]),
    (b"PING\r\n", [[b"PING"]]),
    (b"PING\n", [[b"PING"]]),
    (b"\r\n\n \t\r\n" + PING, [[b"PING"]]),
    (b" SET  a\t'b c' \"\\x00\" \r\r\n", [[b"SET", b"a", b"b c", b"\0"]]),
    (b"$4\r\nPING\r\n", [[b"$4"], [b"PING"]]),
    (b'""\r\n', [[b""]]),
    (b"ECHO " + b"x" * (LINE - 5) + b"\n", [[b"ECHO", b"x" * (LINE - 5)]]),
    (request(*[b"%d" % number for number in range(2000)]), [[b"%d" % number for number in range(2000)]]),
]

UNFINISHED = [
    b"*", b"*1", b"*1\r", b"*1\r\n", b"*1\r\n$4", b"*1\r\n$4\r", b"*1\r\n$4\r\n", b"*1\r\n$4\r\nPING", b"*1\r\n$4\r\nPING\r",
    b"*2\r\n$4\r\nECHO\r\n", b"PING", b"PING\r", b"*1048576\r\n", b"*1\r\n$536870912\r\n", b"*1\r\n:4", b"*1\r\nxyz",
    b"PING\0\r\n" + PING, b"*1\0\r\n" + PING, b"*1\r\n$4\0\r\n" + PING, b"*1\n$4\nPING\n", b"x" * LINE, b"*" + b"1" * (LINE - 1),
]  # fmt: skip

BAD: list[tuple[bytes, str]] = [
    *[
        (b"*%b\r\n" % count, "invalid multibulk length")
        for count in (
            b"", b"x", b"01", b"-0", b"+1", b" 1", b"1 ", b"1a", b"1048577", b"2147483648",
            b"9223372036854775808", b"-9223372036854775809", b"9" * 30,
        )
    ],
    *[
        (b"*1\r\n$%b\r\n" % length, "invalid bulk length")
        for length in (b"", b"x", b"-1", b"04", b"-0", b"+4", b" 4", b"4a", b"536870913", b"9" * 19, b"9" * 30)
    ],
    (b"*1\r\n:4\r\n", "expected '$', got ':'"),
    (b"*1\r\n*1\r\n", "expected '$', got '*'"),
    (b"*1\r\n\r\n", "expected '$', got ' '"),
    (b"*1\r\n\n\r\n", "expected '$', got ' '"),
    (b"*1\r\n\xff\r\n", "expected '$', got '\xff'"),
    (b'ECHO "a\r\n', "unbalanced quotes in request"),
    (b"ECHO 'a'b\r\n", "unbalanced quotes in request"),
    (b"x" * (LINE + 1), "too big inline request"),
    (b"\0\r\n" + b"x" * LINE, "too big inline request"),
    (b"x" * (LINE + 1) + b"\r\n", "too big inline request"),
    (b"*" + b"1" * LINE, "too big mbulk count string"),
    (b"*1\r\n$" + b"1" * LINE, "too big bulk count string"),
    (b"*1\r\nx" + b"1" * LINE, "too big bulk count string"),
]  # fmt: skip


def ways_to_cut(stream: bytes) -> list[list[bytes]]:
    halves = [cut(stream, [place]) for place in range(min(len(stream), 100))]
    # A byte at a time takes a second for a line of 64 KiB.
    return [
        [stream],
        *halves,
        byte_by_byte(stream) if len(stream) < 10_000 else cut(stream, range(0, len(stream), 999)),
    ]


@every_parser
@every_row(("stream", "commands"), GOOD)
def test_a_good_stream_gives_its_commands_however_it_is_cut(
    new_parser: NewParser, stream: bytes, commands: Commands
) -> None:
    for pieces in ways_to_cut(stream):
        parser = new_parser(Limits())
        assert parse(parser, pieces) == commands
        assert (parser.error, parser.buffered_bytes, parser.wanted_bytes) == (None, 0, 1)


@every_parser
@every_row("stream", UNFINISHED)
def test_an_unfinished_request_is_kept(new_parser: NewParser, stream: bytes) -> None:
    for pieces in ways_to_cut(stream):
        parser = new_parser(Limits())
        assert parse(parser, [PING, *pieces]) == [[b"PING"]]
        assert parser.error is None
        assert parser.wanted_bytes > 0


@every_parser
@every_row(("stream", "text"), BAD)
def test_a_broken_stream_gives_what_came_before_and_the_reason(
    new_parser: NewParser, stream: bytes, text: str
) -> None:
    for pieces in ways_to_cut(stream):
        parser = new_parser(Limits())
        assert parse(parser, [PING + pieces[0], *pieces[1:]]) == [[b"PING"]]
        assert parser.error == f"Protocol error: {text}"


@every_parser
@every_row(
    ("stream", "text"),
    [
        (b"*11\r\n", "unauthenticated multibulk length"),
        (b"*2147483648\r\n", "invalid multibulk length"),
        (b"*1\r\n$16385\r\n", "unauthenticated bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
    ],
)
def test_who_has_not_logged_in_is_told_so(new_parser: NewParser, stream: bytes, text: str) -> None:
    parser = new_parser(UNAUTHENTICATED)
    assert parse(parser, byte_by_byte(stream)) == []
    assert parser.error == f"Protocol error: {text}"


@every_parser
def test_a_setting_below_or_above_the_default_is_the_limit(new_parser: NewParser) -> None:
    for max_bulk_bytes in (100, 10**9):
        parser = new_parser(Limits(max_bulk_bytes=max_bulk_bytes))
        parser.feed(b"*2\r\n$%d\r\n" % max_bulk_bytes)
        assert parser.error is None
        parser = new_parser(Limits(max_bulk_bytes=max_bulk_bytes))
        parser.feed(b"*2\r\n$%d\r\n" % (max_bulk_bytes + 1))
        assert parser.error == "Protocol error: invalid bulk length"


@every_parser
@settings(max_examples=examples(50, 200))
@given(streams.streams, streams.cuts, streams.mosts, streams.limits)
def test_any_cutting_gives_the_same(
    new_parser: NewParser, stream: bytes, places: list[int], mosts: list[int], limits: Limits
) -> None:
    whole, pieces = new_parser(limits), new_parser(limits)
    assert parse(pieces, cut(stream, places), mosts) == whole.feed(stream)
    assert pieces.error == whole.error


@every_parser
@settings(max_examples=examples(50, 200))
@given(st.lists(st.lists(streams.values, min_size=1), max_size=5), streams.cuts)
def test_what_a_client_encodes_is_what_comes_out(
    new_parser: NewParser, commands: Commands, places: list[int]
) -> None:
    stream = b"".join(request(*command) for command in commands)
    assert parse(new_parser(Limits()), cut(stream, places)) == commands


@every_parser
@settings(max_examples=examples(50, 200))
@given(streams.streams, streams.cuts)
def test_nothing_happens_before_the_wanted_bytes_are_there(
    new_parser: NewParser, stream: bytes, places: list[int]
) -> None:
    parser = new_parser(Limits())
    for piece in cut(stream, places):
        wanted_bytes = parser.wanted_bytes
        assert not (parser.feed(piece) and len(piece) < wanted_bytes)


@every_parser
def test_the_wanted_bytes_of_an_argument_are_all_it_lacks(new_parser: NewParser) -> None:
    parser = new_parser(Limits())
    parser.feed(b"*2\r\n$100000\r\nabc")
    assert parser.wanted_bytes == 100000 + 2 - 3
    parser.feed(b"x" * 90000)
    assert parser.wanted_bytes == 10000 + 2 - 3


@every_parser
def test_nothing_comes_out_after_an_error(new_parser: NewParser) -> None:
    parser = new_parser(Limits())
    assert parser.feed(PING + b"*x\r\n" + PING) == [[b"PING"]]
    assert parser.feed(PING) == parser.feed(b"") == parser.feed(PING, 1) == []
    assert parser.buffered_bytes == 0


@every_parser
def test_limits_may_change_between_two_commands_of_one_read(new_parser: NewParser) -> None:
    parser = new_parser(UNAUTHENTICATED)
    many = [b"a"] * 11
    assert parser.feed(b"AUTH secret\r\n" + request(*many), 1) == [[b"AUTH", b"secret"]]
    assert parser.error is None
    parser.limits = Limits()
    assert parser.feed(b"") == [many]


@every_parser
def test_what_is_behind_the_most_wanted_commands_is_kept_in_order(new_parser: NewParser) -> None:
    parser = new_parser(Limits())
    assert parser.feed(b"A\nB\nC\nD", 2) == [[b"A"], [b"B"]]
    assert (parser.buffered_bytes, parser.wanted_bytes) == (3, 0)
    assert parser.feed(b"D\nE", 1) == [[b"C"]]
    assert parser.feed(b"\n") == [[b"DD"], [b"E"]]


@every_parser
@every_row(
    ("begun", "more"),
    [
        (b"", b"x" * 100),
        (b"*1\r\n$1000000\r\n", b"x" * 100),
        (b"*10000\r\n", b"$3\r\nabc\r\n" * 10),
        (b"*100\r\n", b"$40000\r\n" + b"x" * 10_000),
    ],
)
def test_all_that_is_kept_counts_against_the_query_limit(
    new_parser: NewParser, begun: bytes, more: bytes
) -> None:
    parser = new_parser(Limits(max_query_bytes=20_000))
    parser.feed(begun)
    fed_bytes = 0
    while parser.error is None:
        assert fed_bytes - 100 <= parser.buffered_bytes <= fed_bytes + 100
        assert parser.feed(more) == []
        fed_bytes += len(more)
    assert parser.error == QUERY_LIMIT
    assert 20_000 - 100 <= fed_bytes <= 20_000 + 100 + len(more)


@every_parser
def test_complete_commands_do_not_count_against_the_query_limit(new_parser: NewParser) -> None:
    parser = new_parser(Limits(max_query_bytes=20))
    assert len(parser.feed(PING * 100)) == 100
    assert len(parser.feed(PING * 100, 1)) == 1
    assert parser.error is None


@every_parser
def test_a_consumed_read_is_let_go(new_parser: NewParser) -> None:
    parser = new_parser(Limits())
    tracemalloc.start()
    try:
        parser.feed(request(b"SET", b"k", b"x" * 1_000_000) + b"*1\r\n$4\r\nPI")
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 10_000


# -- cost: each of these would take minutes if a piece cost as much as all before it ------


@every_parser
def test_a_long_value_in_pieces_costs_what_it_weighs(new_parser: NewParser, work: Work) -> None:
    parser = new_parser(Limits())
    piece = b"x" * 65536
    tracemalloc.start()
    try:
        parser.feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$67108864\r\n")
        for _ in range(1024):
            assert parser.feed(piece) == []
        ((_, _, value),) = parser.feed(b"\r\n")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(value) == 67108864
    assert work.bytes < 1.1 * len(value)
    assert peak_bytes < 1.1 * len(value)  # the pieces are one and the same object


@every_parser
@pytest.mark.parametrize("piece_bytes", [1, 7, 64, 1000])
def test_many_arguments_in_small_pieces_cost_what_they_weigh(
    new_parser: NewParser, work: Work, piece_bytes: int
) -> None:
    arguments = [b"ab"] * (20_000 if piece_bytes < 100 else 200_000)
    stream = request(*arguments)
    assert parse(new_parser(Limits()), cut(stream, range(0, len(stream), piece_bytes))) == [arguments]
    assert work.bytes < 8 * len(stream)


@every_parser
def test_a_line_cut_anywhere_is_searched_again_but_it_is_short(new_parser: NewParser, work: Work) -> None:
    parser = new_parser(Limits())
    (command,) = parse(parser, byte_by_byte(b"ECHO " + b"a" * (LINE - 6) + b"\n"))
    assert len(command[1]) == LINE - 6
    assert (
        work.bytes <= LINE * (LINE + 1) // 2
    )  # two thousand million at most, a second's work in sixty thousand reads


def test_a_flood_of_empty_lines_is_read_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []

    def spy(line: bytes) -> list[bytes] | None:
        lines.append(line)
        return split_inline(line)

    monkeypatch.setattr(strict, "split_inline", spy)
    assert StrictParser(Limits()).feed(b"\r\n\n" * 50_000 + PING + b"\n" * 50_000) == [[b"PING"]]
    assert len(lines) == 2


@every_parser
def test_a_wide_array_costs_nothing_until_it_comes(new_parser: NewParser) -> None:
    tracemalloc.start()
    try:
        parsers = [new_parser(Limits()) for _ in range(100)]
        for parser in parsers:
            parser.feed(b"*1048576\r\n$536870912\r\n")
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 200_000
