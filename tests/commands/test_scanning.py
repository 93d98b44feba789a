from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient

SYNTAX = ErrorReply("ERR", "syntax error")
INVALID_CURSOR = ErrorReply("ERR", "invalid cursor")


def scan_all(client: HarnessClient, options: str = "") -> list[bytes]:
    cursor, found = client(f"SCAN 0 {options}")
    while cursor != b"0":
        cursor, more = client(f"SCAN {cursor.decode()} {options}")
        found += more
    return sorted(found)


def fill(client: HarnessClient, count: int) -> list[bytes]:
    keys = [b"key:%d" % number for number in range(count)]
    for key in keys:
        client("SET", key, "v")
    return sorted(keys)


def test_keys_finds_what_matches(client: HarnessClient) -> None:
    client("MSET one 1 two 2 three 3")
    client("SET", b"", "empty")
    assert sorted(client("KEYS *")) == [b"", b"one", b"three", b"two"]
    assert sorted(client("KEYS t*")) == [b"three", b"two"]
    assert [client("KEYS one"), client("KEYS four"), client("KEYS", b"")] == [[b"one"], [], [b""]]


def test_the_expired_are_nowhere(harness: Harness, client: HarnessClient) -> None:
    client("SET goes v PX 10")
    client("SET stays v")
    harness.clock.advance(10)
    assert client("KEYS *") == client("KEYS *s") == scan_all(client) == [b"stays"]
    assert client("KEYS goes") == []


def test_a_walk_finds_every_key_once(client: HarnessClient) -> None:
    keys = fill(client, 55)
    assert scan_all(client) == keys
    assert scan_all(client, "COUNT 7") == keys


def test_one_step_looks_at_as_many_as_count_says(client: HarnessClient) -> None:
    fill(client, 55)
    assert len(client("SCAN 0")[1]) == 10
    assert len(client("SCAN 0 COUNT 20")[1]) == 20
    assert [cursor := client("SCAN 0 COUNT 9223372036854775807")[0], cursor] == [b"0", b"0"]


def test_patterns_and_types_leave_some_out(client: HarnessClient) -> None:
    client("MSET a 1 ab 2")
    client("HSET ah f 1")
    client("APPEND ab 3")
    assert scan_all(client, "MATCH ?") == [b"a"]
    assert scan_all(client, "TYPE String") == [b"a", b"ab"]
    assert scan_all(client, "TYPE hash MATCH a*") == [b"ah"]
    assert scan_all(client, "TYPE nosuch") == []


def test_cursors_and_options_are_checked(client: HarnessClient) -> None:
    assert client("SCAN x") == client("SCAN ' 1'") == INVALID_CURSOR
    for options in ("FOO", "COUNT", "COUNT 0", "MATCH", "COUNT 1 TYPE", "NOVALUES"):
        assert client(f"SCAN 0 {options}") == SYNTAX
    assert client("SCAN 0 COUNT x") == ErrorReply("ERR", "value is not an integer or out of range")


def test_a_cursor_from_elsewhere_is_no_danger(client: HarnessClient) -> None:
    fill(client, 5)
    assert client("SCAN 18446744073709551615") == [b"0", [b"key:0", b"key:1", b"key:2", b"key:3", b"key:4"]]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=120), st.integers(1, 15))
def test_whatever_stays_is_found_while_others_come_and_go(
    changes: list[tuple[int, bool]], count: int
) -> None:
    client = Harness().client()
    stayed = set(fill(client, 40))
    met: set[bytes] = set()
    cursor, rest = b"", iter(changes)
    while cursor != b"0":
        cursor, found = client("SCAN", cursor, "COUNT", count)
        met.update(found)
        for number, is_added in (change for change, _ in zip(rest, range(20), strict=False)):
            client("SET" if is_added else "DEL", b"key:%d" % number, *(["v"] if is_added else []))
            stayed -= set() if is_added else {b"key:%d" % number}
    assert stayed <= met
