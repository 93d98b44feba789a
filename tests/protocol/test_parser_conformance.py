"""Bad and odd streams, sent to redis-server and to respcache: the same bytes come back, and the same connections close.

Whether a server has dealt with all that was sent, and whether it has closed, is found without waiting: what another
connection sends later is answered later, by the loop of either server.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.rows import every_row
from tests.servers import Server, running_redis, running_respcache
from tests.thoroughness import examples
from tests.wire import RawClient, encode_command

pytestmark = pytest.mark.redis

PASSWORD = "secret"
QUERY_LIMIT_BYTES = 1 << 20
"""The least that client-query-buffer-limit may be."""

ROUNDS = 4
"""Turns of a server's loop between an arrival and its reply or its end: read, write, close, and one to spare."""

BYTES_PER_ROUND = 4096
"""What a turn reads at least."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client sees."""

    replies: bytes
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers of equal settings."""

    redis: Server
    respcache: Server

    def outcomes(self, *pieces: bytes) -> tuple[Outcome, Outcome]:
        return outcome(self.redis, *pieces), outcome(self.respcache, *pieces)


def outcome(server: Server, *pieces: bytes) -> Outcome:
    """Send pieces, each in a read of its own (or in several, if it is long); return what came of it."""
    with server.client() as client, server.client() as clock:
        for piece in pieces:
            client.send(piece)
            for _ in range(ROUNDS + len(piece) // BYTES_PER_ROUND):
                clock.call("PING")
        return Outcome(*everything(client))


def everything(client: RawClient) -> tuple[bytes, bool]:
    replies = client.available_replies()
    assert not client.is_mid_reply
    return b"".join(replies), client.is_closed


@pytest.fixture(scope="module")
def servers(redis_server: Server, respcache_server: Server) -> Pair:
    return Pair(redis_server, respcache_server)


@pytest.fixture(scope="module")
def guarded_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Servers that want a password, and keep little of a request."""
    flags = ("--requirepass", PASSWORD, "--client-query-buffer-limit", str(QUERY_LIMIT_BYTES))
    folder = tmp_path_factory.mktemp
    with running_redis(folder("redis"), *flags) as redis, running_respcache(folder("ours"), *flags) as ours:
        yield Pair(redis, ours)


def echo(*arguments: bytes) -> bytes:
    return encode_command([b"ECHO", *arguments])


PING = encode_command([b"PING"])
AUTH = encode_command([b"AUTH", PASSWORD.encode()])
KIB = 1024
LINE = 64 * KIB
EXCESS = 4 * LINE
"""So much that some read ends between the limit and the end, however long redis-server's reads are."""

COUNTS = {
    f"count {count!r}": b"*%b\r\n" % count
    for count in (
        b"x", b"", b"+1", b"01", b"00", b"-0", b"-", b" 1", b"1 ", b"1x", b"0x1", b"1.0", b"\t1", b"0", b"-1", b"-1000",
        b"-9223372036854775808", b"-9223372036854775809", b"9223372036854775807", b"18446744073709551617",
        b"2147483647", b"2147483648", b"1048576", b"1048577", b"\xff", b"1\0",
    )
}  # fmt: skip
BULKS = {
    f"bulk length {length!r}": b"*1\r\n$%b\r\nPING\r\n" % length
    for length in (
        b"4", b"+4", b"04", b"4x", b" 4", b"4 ", b"", b"-", b"-0", b"-1", b"-4", b"0x4", b"4\0", b"16384", b"16385",
        b"536870912", b"536870913", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
    )
}  # fmt: skip
ELEMENTS = {
    f"argument {argument!r}": b"*2\r\n$4\r\nECHO\r\n" + argument
    for argument in (
        b":1\r\n", b"+OK\r\n", b"-ERR\r\n", b"_\r\n", b"#t\r\n", b",1\r\n", b"(1\r\n", b"=5\r\ntxt:a\r\n", b"!1\r\na\r\n",
        b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n", b">1\r\n$1\r\na\r\n", b"%1\r\n$1\r\na\r\n$1\r\nb\r\n", b"|0\r\n$1\r\na\r\n",
        b"a\r\n", b"\r\n", b"\n\r\n", b"\0\r\n", b"\xff\r\n", "\u00e9\r\n".encode(), b"\t\r\n", b"$0\r\n\r\n", b"$3\r\na\0b\r\n",
        b"$1\rXaXX", b"$1\r\naXX", b"$1\na\n",
    )
}  # fmt: skip
STARTS = {
    f"a command that begins with {start!r}": start
    for start in (
        b"$4\r\nPING\r\n", b"+PING\r\n", b":1\r\n", b"_\r\n", b">1\r\n$4\r\nPING\r\n", b"~1\r\n$4\r\nPING\r\n", b"%1\r\n", b"|1\r\n",
        b"*1\rX$4\rXPINGXX", b"*1\n$4\nPING\n", b"*1\r", b"*1\r\n$4\r\nPI", b"*1\r\n\r\n", b"*1\r\n*1\r\n",
    )
}  # fmt: skip
LINES = {
    f"line {line!r}": line
    for line in (
        b"PING\r\n", b"PING\n", b"PING\r\r\n", b"\r\n", b"\n", b"\r\n\n\r\n \n", b" \t\v\f\r\n", b"ECHO\ra\n", b"ECHO a\vb\r\n",
        b"PING\0\r\n", b"\0\n", b'""\r\n', b'"PING"\r\n', b"'ECHO' 'a b'\r\n", b"ECHO 'a\r\n", b'ECHO "a\r\n', b'ECHO "a"b\r\n',
        b"ECHO 'a'b\r\n", b"ECHO 'a\\'\\n'\r\n", rb'ECHO "a\x00\xfF\n\"\q"' + b"\r\n", b'ECHO "a\\"\r\n', b"ECHO a'b c'\r\n",
        b"ECHO " + b"a " * 20 + b"\r\n", b"ECHO " + b"a" * 20 * KIB + b"\r\n", b"\xa0PING\r\n",
    )
}  # fmt: skip
WEB = {
    "a web page's form": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nSET a b\r\n",
    "a web page's header": b"X: y\r\nHost: x\r\nSET a b\r\n",
    "a browser": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a form in an array": encode_command([b"POST", b"/"]),
    "a form in small letters": b"post\r\n",
    "a header in an array": encode_command([b"host:"]),
}
LONG_LINES = {
    "a line as long as may be": b"ECHO " + b"a" * (LINE - 6) + b"\r\n",
    "a line longer than may be": b"ECHO " + b"a" * LINE + b"\r\n",
    "as much of a line as may wait": b"a" * (LINE - 100),
    "more of a line than may wait": b"a" * EXCESS,
    "as much of a count as may wait": b"*" + b"1" * (LINE - 100),
    "more of a count than may wait": b"*" + b"1" * EXCESS,
    "as much of a length as may wait": b"*1\r\n$" + b"1" * (LINE - 100),
    "more of a length than may wait": b"*1\r\n$" + b"1" * EXCESS,
    "a NUL in a line, and more": b"PING\0\r\n" + b"x" * EXCESS,
    "a NUL in a count, and more": b"*1\0\r\n" + b"x" * EXCESS,
    "a NUL in a length, and more": b"*1\r\n$4\0\r\n" + b"x" * EXCESS,
    "a NUL in a line, and a little more": b"PING\0\r\n" + b"x" * (LINE - 100),
}
STRANGERS = {
    "ten arguments": echo(*[b"a"] * 9),
    "eleven arguments": echo(*[b"a"] * 10),
    "eleven words": b"ECHO" + b" a" * 10 + b"\r\n",
    "an argument of 16 KiB": echo(b"a" * 16 * KIB),
    "an argument of 16 KiB and a byte": echo(b"a" * (16 * KIB + 1)),
    "a word of more than 16 KiB": b"ECHO " + b"a" * (16 * KIB + 1) + b"\r\n",
    "eleven arguments after AUTH": AUTH + echo(*[b"a"] * 10) + PING,
    "a long argument after AUTH": AUTH + echo(b"a" * 20 * KIB),
    "eleven arguments after a wrong password": encode_command([b"AUTH", b"x"]) + echo(*[b"a"] * 10),
    "an error after AUTH": AUTH + PING + b"*x\r\n" + PING,
}
ENDS = {
    "commands around an error": PING + b"PING\r\n" + PING + b"*1\r\n:1\r\n" + PING,
    "commands after QUIT": PING + b"QUIT\r\n" + PING,
    "an error after QUIT": encode_command([b"QUIT"]) + b"*x\r\n",
    "a pipeline": PING * 300 + b"*x\r\n" + PING,
    "a thousand arguments": echo(*[b"a"] * 999),
    "a long value": echo(b"a\r\n*1\r\n$4\r\nPING\r\n" * 10_000),
}
STREAMS = COUNTS | BULKS | ELEMENTS | STARTS | LINES | WEB | LONG_LINES | STRANGERS | ENDS

_FEWER_ARGUMENTS = "two billion arguments are an attack: ours end at 1024 * 1024"
_FIRM_LINES = "redis-server lets a longer line pass if its end comes in the same read; ours never does"
_BOUNDED = "redis-server counts only the argument that is coming in; we keep no more than the limit of a whole command"
_BOUNDED_QUEUE = "redis-server 7.0 queues without end for EXEC; ours counts what is queued against the limit"

DIFFERENCES = {
    "count b'2147483647'": _FEWER_ARGUMENTS,
    "count b'1048577'": _FEWER_ARGUMENTS,
    "a line longer than may be": _FIRM_LINES,
}


def halves(stream: bytes) -> tuple[bytes, bytes]:
    return stream[: len(stream) // 2], stream[len(stream) // 2 :]


@every_row("name", STREAMS)
def test_a_stream_is_answered_alike(servers: Pair, name: str) -> None:
    theirs, ours = servers.outcomes(STREAMS[name] + PING)
    assert (ours == theirs) is (name not in DIFFERENCES), (theirs, ours)


@every_row("name", STREAMS)
def test_a_stream_in_two_pieces_is_answered_alike(servers: Pair, name: str) -> None:
    theirs, ours = servers.outcomes(*halves(STREAMS[name]), PING)
    assert (ours == theirs) is (name not in DIFFERENCES), (theirs, ours)


@every_row("name", STREAMS)
def test_a_stranger_is_answered_alike(guarded_servers: Pair, name: str) -> None:
    theirs, ours = guarded_servers.outcomes(STREAMS[name] + PING)
    assert (ours == theirs) is (name not in DIFFERENCES.keys() - COUNTS.keys()), (theirs, ours)


QUERIES: dict[str, list[bytes]] = {
    "less of an argument than may wait": [b"*1\r\n$2000000\r\n", b"a" * (QUERY_LIMIT_BYTES - 100), b"a"],
    "more of an argument than may wait": [b"*1\r\n$2000000\r\n", b"a" * (QUERY_LIMIT_BYTES + 1), b"a"],
    "a long argument": [echo(b"a" * (QUERY_LIMIT_BYTES - 1000)), PING],
    "a longer argument": [echo(b"a" * 4 * QUERY_LIMIT_BYTES), PING],
    "a pipeline longer than the limit": [echo(b"a" * 1000) * 1500, PING],
    "many words, together longer than the limit": [encode_command([b"DEL", *[b"a" * 20 * KIB] * 60]), PING],
    "a transaction longer than the limit": [
        encode_command([b"MULTI"]) + encode_command([b"SET", b"k", b"a" * 100 * KIB]) * 12,
        encode_command([b"DISCARD"]),
    ],
}
QUERY_DIFFERENCES = {
    "many words, together longer than the limit": _BOUNDED,
    "a transaction longer than the limit": _BOUNDED_QUEUE,
}


@pytest.mark.parametrize("name", QUERIES)
def test_no_more_of_a_request_is_kept_than_the_limit(guarded_servers: Pair, name: str) -> None:
    theirs, ours = guarded_servers.outcomes(AUTH, *QUERIES[name])
    assert (ours == theirs) is (name not in QUERY_DIFFERENCES), (theirs, ours)


def test_too_long_a_request_ends_without_a_word(guarded_servers: Pair) -> None:
    theirs, ours = guarded_servers.outcomes(AUTH, *QUERIES["more of an argument than may wait"])
    assert theirs == ours == Outcome(b"+OK\r\n", is_closed=True)


# Bytes of the protocol, in no order; what a value may hold, and what a parser of replies might take for a request.
scraps = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"*", b"$", b"+", b"-", b"=", b"(", b"~", b">", b"|", b"0", b"1", b"2", b"9", b" ", b"'", b'"', b"\\", b"\0", b"a", b"\xff"]),
    max_size=12,
).map(b"".join)  # fmt: skip
good = st.one_of(st.binary(max_size=20), scraps).map(echo)
odd = st.sampled_from(
    [stream for name, stream in STREAMS.items() if len(stream) < 100 and name not in DIFFERENCES]
)
streams = st.lists(st.one_of(good, good, odd, scraps), min_size=1, max_size=6).map(b"".join)
has_many_arguments = re.compile(rb"\*\d{7,10}\r").search


@settings(max_examples=examples(150, 600))  # ten milliseconds each
@given(stream=streams, places=st.lists(st.floats(0, 1), max_size=2))
def test_no_stream_is_answered_otherwise(servers: Pair, stream: bytes, places: list[float]) -> None:
    assume(not has_many_arguments(stream))  # see the differences
    ends = [0, *sorted(round(place * len(stream)) for place in places), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(ends)]
    theirs, ours = servers.outcomes(*pieces, PING)
    assert ours == theirs
