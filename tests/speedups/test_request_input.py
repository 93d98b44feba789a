"""Many clients share one place to receive into: nobody's bytes are lost or mixed up, and nobody who is idle keeps memory."""

import sys
import threading
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.protocol.limits import Limits
from respcache.protocol.strict import StrictParser
from tests.protocol import streams
from tests.protocol.streams import PING, Commands, cut, request

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.parser import RequestParser

SET = request(b"SET", b"key:000000012345", b"x" * 200)
LONG = request(b"SET", b"k", b"v" * 100_000)


def keeps_less(action: Callable[[], object], most_bytes: int) -> bool:
    """Say whether less memory is taken after an action that was not before: in one of three, for others may allocate meanwhile."""
    return any(_kept_once(action) < most_bytes for _ in range(3))


def _kept_once(action: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        result = action()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del result
    return kept


@given(
    st.lists(streams.streams, min_size=2, max_size=4),
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 400), st.integers(0, 2), st.booleans()), max_size=40
    ),
)
def test_clients_who_leave_off_in_turns_get_their_own(
    wires: list[bytes], turns: list[tuple[int, int, int, bool]]
) -> None:
    parsers = [RequestParser(Limits()) for _ in wires]
    found: list[Commands] = [[] for _ in wires]
    fed = [0] * len(wires)
    for who, size, most, is_loop in [
        *((turn[0] % len(wires), *turn[1:]) for turn in turns),
        *((who, 10**6, 0, True) for who in range(len(wires))),
    ]:
        parser = parsers[who]
        data = wires[who][fed[who] : fed[who] + size]
        fed[who] += len(data)
        found[who] += (parser.read_all if is_loop else parser.feed)(data, most)
    assert found == [StrictParser(Limits()).feed(wire) for wire in wires]


@pytest.mark.parametrize("wire", [PING * 3000, SET * 300, LONG * 2, SET * 10 + LONG + SET * 200])
def test_what_was_unread_is_kept_when_somebody_else_receives(wire: bytes) -> None:
    expected = StrictParser(Limits()).feed(wire)
    parser, other = RequestParser(Limits()), RequestParser(Limits())
    found = parser.read_all(wire, 1)
    while len(found) < len(expected):
        assert other.read_all(b"*1\r\n$5\r\nOTHER\r\n") == [[b"OTHER"]]
        found += parser.read_all(b"", 1)
    assert found == expected


def test_who_is_gone_has_no_claim() -> None:
    for _ in range(100):
        RequestParser(Limits()).read_all(SET * 10, 1)
        assert RequestParser(Limits()).read_all(PING) == [[b"PING"]]


def test_another_thread_has_a_place_of_its_own() -> None:
    expected = StrictParser(Limits()).feed(SET * 300)
    parser = RequestParser(Limits())
    found = {"here": parser.read_all(SET * 300, 1)}

    def elsewhere() -> None:
        other = RequestParser(Limits())
        pieces = cut(SET * 300 + LONG, range(0, 200_000, 5000))
        found["elsewhere"] = [command for piece in pieces for command in other.read_all(piece)]

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found["here"] + parser.read_all(b"") == expected
    assert found["elsewhere"] == StrictParser(Limits()).feed(SET * 300 + LONG)


def test_an_idle_client_is_small() -> None:
    assert sys.getsizeof(RequestParser(Limits())) <= 256


@pytest.mark.parametrize("wire", [PING * 10_000, LONG, request(*[b"a"] * 100_000), SET * 1000 + LONG])
@pytest.mark.parametrize("piece_bytes", [100, 65_536, 10**7])
@pytest.mark.parametrize("is_loop", [True, False])
def test_nothing_is_kept_of_what_is_done(wire: bytes, piece_bytes: int, is_loop: bool) -> None:
    limits = Limits()
    pieces = cut(wire, range(0, len(wire), piece_bytes))

    def serve() -> list[RequestParser]:
        parsers = [RequestParser(limits) for _ in range(3)]
        for parser in parsers:
            for piece in pieces:
                (parser.read_all if is_loop else parser.feed)(piece)
        return parsers

    assert keeps_less(serve, 10_000)  # half of which are lists that Python keeps for other use


def test_of_an_unfinished_command_little_more_is_kept_than_has_come() -> None:
    limits = Limits()

    def begin() -> list[RequestParser]:
        parsers = [RequestParser(limits) for _ in range(100)]
        for parser in parsers:
            parser.read_all(SET * 300 + SET[:100])
        return parsers

    assert keeps_less(begin, 100 * (256 + 128 + 256))


@pytest.mark.parametrize(
    "promise", [b"*1048576\r\n$536870912\r\n", b"*1048576\r\n", b"*3\r\n$3\r\nSET\r\n$1"]
)
def test_a_promise_costs_nothing(promise: bytes) -> None:
    limits = Limits()

    def promise_much() -> list[RequestParser]:
        parsers = [RequestParser(limits) for _ in range(100)]
        for parser in parsers:
            assert parser.read_all(promise) == []
        return parsers

    assert keeps_less(promise_much, 100 * 640)


def test_a_promised_value_is_trusted_up_to_a_megabyte_and_then_doubles() -> None:
    limits = Limits()

    def keeps(bytes_come: int, most_bytes: int) -> bool:
        def receive() -> RequestParser:
            parser = RequestParser(limits)
            parser.read_all(b"*2\r\n$536870912\r\n")
            for _ in range(0, bytes_come, 65_536):
                parser.read_all(piece)
            return parser

        piece = b"x" * min(bytes_come, 65_536)
        return keeps_less(receive, most_bytes)

    assert keeps(1, 1_100_000)
    assert keeps(3 << 20, 4_300_000)
