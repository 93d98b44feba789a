"""HSCAN and HRANDFIELD."""

from collections import Counter

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def client() -> HarnessClient:
    return Harness(hash_max_listpack_entries="8").client()


def fill(client: HarnessClient, fields: int) -> set[bytes]:
    names = {b"field-%d" % number for number in range(fields)}
    client(b"HSET", b"h", *(word for name in names for word in (name, b"of " + name)))
    return names


def walk(client: HarnessClient, *options: str) -> list[bytes]:
    """Scan from start to end; return the names met."""
    met: list[bytes] = []
    cursor = b"0"
    while True:
        cursor, words = client(b"HSCAN", b"h", cursor, *options)
        met += words[::2]
        assert all(value == b"of " + name for name, value in zip(words[::2], words[1::2], strict=True))
        if cursor == b"0":
            return met


def test_a_small_hash_comes_whole(client: HarnessClient) -> None:
    names = fill(client, 8)
    cursor, words = client("HSCAN h 0 COUNT 1")
    assert cursor == b"0"
    assert set(words[::2]) == names


def test_a_walk_meets_every_field_of_a_large_hash_once(client: HarnessClient) -> None:
    names = fill(client, 1000)
    met = walk(client, "COUNT", "7")
    assert len(met) == 1000
    assert set(met) == names


def test_a_walk_meets_the_fields_that_stay(client: HarnessClient) -> None:
    fill(client, 500)
    cursor, met = client("HSCAN h 0 COUNT 100")
    client(b"HDEL", b"h", *(b"field-%d" % number for number in range(0, 500, 2)))
    client(b"HSET", b"h", *(word for number in range(300) for word in (b"new-%d" % number, b"1")))
    while cursor != b"0":
        cursor, words = client(b"HSCAN", b"h", cursor, b"COUNT", b"50")
        met += words
    assert set(met) >= {b"field-%d" % number for number in range(1, 500, 2)}


def test_match_leaves_others_out(client: HarnessClient) -> None:
    fill(client, 100)
    assert sorted(walk(client, "MATCH", "*-1?")) == [b"field-%d" % number for number in range(10, 20)]


def test_novalues_gives_names_only(client: HarnessClient) -> None:
    client("HSET h a 1 b 2")
    assert client("HSCAN h 0 NOVALUES") == [b"0", [b"a", b"b"]]


def test_hscan_reads_its_options_only_when_there_is_a_hash(client: HarnessClient) -> None:
    assert client("HSCAN h 0 NONSENSE") == [b"0", []]
    assert client("HSCAN h x NONSENSE") == ErrorReply("ERR", "invalid cursor")
    client("HSET h a 1")
    assert client("HSCAN h 0 NONSENSE") == ErrorReply("ERR", "syntax error")


def test_a_positive_count_draws_different_fields(client: HarnessClient) -> None:
    names = fill(client, 300)
    for count in (1, 2, 99, 101, 299):
        drawn = client(f"HRANDFIELD h {count}")
        assert len(drawn) == len(set(drawn)) == count
        assert set(drawn) <= names


def test_a_count_beyond_the_hash_gives_all_of_it(client: HarnessClient) -> None:
    names = fill(client, 20)
    assert set(client("HRANDFIELD h 9223372036854775807")) == names


def test_a_negative_count_draws_with_repetition(client: HarnessClient) -> None:
    client("HSET h a 1 b 2")
    drawn = Counter(client("HRANDFIELD h -1000"))
    assert drawn.total() == 1000
    assert min(drawn[b"a"], drawn[b"b"]) > 400


def test_every_field_is_as_likely_as_any_other(client: HarnessClient) -> None:
    fill(client, 30)
    client(b"HDEL", b"h", *(b"field-%d" % number for number in range(20)))
    drawn = Counter(client("HRANDFIELD h") for _ in range(3000))
    assert len(drawn) == 10
    assert min(drawn.values()) > 200


def test_values_are_pairs_in_resp3_and_flat_in_resp2(client: HarnessClient) -> None:
    client("HSET h a 1")
    assert client("HRANDFIELD h 1 WITHVALUES") == [[b"a", b"1"]]
    client("HELLO 2")
    assert client("HRANDFIELD h 1 WITHVALUES") == [b"a", b"1"]


def test_nothing_is_drawn_from_nothing(client: HarnessClient) -> None:
    assert client("HRANDFIELD h") is None
    assert client("HRANDFIELD h 5") == []
    assert client("HRANDFIELD h -5 WITHVALUES") == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("x", "value is not an integer or out of range"),
        ("1 NONSENSE", "syntax error"),
        ("1 WITHVALUES more", "syntax error"),
        (
            "-9223372036854775808",
            "value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("-1000001", "value is out of range"),
        ("9223372036854775807 WITHVALUES", "value is out of range"),
    ],
)
def test_counts_that_are_none_are_refused(client: HarnessClient, words: str, message: str) -> None:
    client("HSET h a 1")
    assert client(f"HRANDFIELD h {words}") == ErrorReply("ERR", message)
