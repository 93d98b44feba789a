"""Commands that answer several calls together."""

import pytest

from respcache.commands.series import Columns
from tests.commands.harness import Harness


def answer(harness: Harness, name: str, columns: Columns, protocol: int = 2) -> bytes | None:
    series = harness.node.table[name].series
    assert series is not None
    assert series.words == 1 + len(columns)
    return series.answer(harness.client(protocol).session.context, columns)


@pytest.mark.parametrize(("protocol", "nothing"), [(2, b"$-1\r\n"), (3, b"_\r\n")])
def test_get_answers_in_the_protocol_of_the_client(harness: Harness, protocol: int, nothing: bytes) -> None:
    harness.client()("SET a 1")
    assert (
        answer(harness, "GET", [[b"a", b"none", b"a"]], protocol) == b"$1\r\n1\r\n" + nothing + b"$1\r\n1\r\n"
    )
    assert answer(harness, "GET", [[b"none"]], protocol) == nothing


def test_get_reads_strings_that_were_changed_in_place(harness: Harness) -> None:
    harness.client()("APPEND a 12")
    assert answer(harness, "GET", [[b"a", b"a"]]) == b"$2\r\n12\r\n" * 2


def test_get_leaves_what_is_no_string_to_its_handler_and_counts_nothing(harness: Harness) -> None:
    client = harness.client()
    client("SET a 1")
    client("HSET h f v")
    before = harness.node.statistics.keyspace_hits
    assert answer(harness, "GET", [[b"a", b"h"]]) is None
    assert answer(harness, "GET", [[b"a", b"h", b"none"]]) is None
    assert harness.node.statistics.keyspace_hits == before


def test_set_stores_in_order(harness: Harness) -> None:
    assert answer(harness, "SET", [[b"a", b"b", b"a"], [b"1", b"2", b"3"]]) == b"+OK\r\n" * 3
    assert harness.client()("MGET a b") == [b"3", b"2"]


def test_set_leaves_it_to_its_handler_while_somebody_is_told(harness: Harness) -> None:
    harness.client()("WATCH a")
    assert answer(harness, "SET", [[b"a"], [b"1"]]) is None
    assert harness.client()("GET a") is None
