"""Versions, conditions, content types and tags; what HTTP makes of them is in tests/gateway/test_keys.py."""

from hashlib import blake2b
from importlib import import_module

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.commands.resources import BIG_BYTES, KIND_PREFIX, MOST_KNOWN, _known, kind_key, version_of
from respcache.keyspace.hashes import Hash
from respcache.keyspace.slots import key_slot
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness

OLD = version_of(b"old")


@pytest.fixture
def harness() -> Harness:
    return Harness()


@given(st.binary(max_size=20))
@example(b"")
@example(b"{}a")
@example(b"a{b")
@example(b"a}b")
@example(b"x{tag}y")
def test_a_content_type_is_kept_in_the_slot_of_its_key_or_not_at_all(key: bytes) -> None:
    name = kind_key(key)
    if name is None:
        assert not key or b"}" in key
    else:
        assert name.startswith(KIND_PREFIX)
        assert key_slot(name) == key_slot(key)


@given(st.lists(st.binary(max_size=12), max_size=8, unique=True))
def test_two_keys_have_their_types_at_two_places(keys: list[bytes]) -> None:
    names = [name for name in map(kind_key, keys) if name is not None]
    assert len(set(names)) == len(names)


def test_equal_values_have_equal_versions_whatever_holds_them() -> None:
    assert version_of(b"a") == version_of(bytearray(b"a")) != version_of(b"b")
    one, other = Hash(), Hash()
    one.set(b"a", b"bc")
    other.set(b"ab", b"c")
    assert version_of(one) != version_of(other)


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the lengths of all values of which digests are made from now on."""
    made: list[int] = []

    def digest(value: bytes) -> bytes:
        made.append(len(value))
        return blake2b(value, digest_size=16).hexdigest().encode()

    monkeypatch.setattr(import_module("respcache.commands.resources"), "_digest_of", digest)
    return made


def test_a_big_value_that_has_grown_is_digested_no_more_once_it_is_only_read(
    harness: Harness, digests: list[int]
) -> None:
    client = harness.client()
    before = client("APPEND a " + "x" * BIG_BYTES), client("APPEND a y")
    answers = [client("RESPCACHE.READ a") for _ in range(6)]
    assert before == (BIG_BYTES, BIG_BYTES + 1)
    assert len(digests) == 2
    assert {(value, version) for value, version, _, _ in answers} == {
        (b"x" * BIG_BYTES + b"y", version_of(b"x" * BIG_BYTES + b"y"))
    }
    assert client("APPEND a z") == BIG_BYTES + 2
    assert client("RESPCACHE.READ a")[1] == version_of(b"x" * BIG_BYTES + b"yz")
    assert harness.node.keyspace.databases[0].payload_bytes == len("a") + BIG_BYTES + 2


def test_a_log_that_grows_between_reads_goes_on_growing_in_place(harness: Harness) -> None:
    client = harness.client()
    client("APPEND a " + "x" * BIG_BYTES)
    client("APPEND a y")
    entries = harness.node.keyspace.databases[0].entries
    log = entries[b"a"].value
    assert isinstance(log, bytearray)
    for number in range(4):
        client("RESPCACHE.READ a")
        client("APPEND a z")
        client(f"SETRANGE a {number} z")
    assert entries[b"a"].value is log
    assert client("RESPCACHE.READ a")[1] == version_of(bytes(log))


def test_a_part_that_is_overwritten_is_no_guess(harness: Harness) -> None:
    client = harness.client()
    client("APPEND a " + "x" * BIG_BYTES)
    client("APPEND a y")
    for letter in "abc":
        client(f"SETRANGE a 5 {letter}")
        value, version, _, _ = client("RESPCACHE.READ a")
        assert value[5:6] == letter.encode()
        assert version == version_of(value)


def test_a_value_that_grows_in_place_is_read_as_it_is_now(harness: Harness) -> None:
    client = harness.client()
    client("SET a old")
    before = client("RESPCACHE.READ a")[1]
    client("APPEND a er")
    value, version, life_ms, kind = client("RESPCACHE.READ a")
    assert (value, life_ms, kind) == (b"older", -1, None)
    assert version == version_of(b"older") != before


def test_a_type_goes_with_its_value(harness: Harness) -> None:
    client = harness.client()
    client("RESPCACHE.WRITE a old KIND text/plain PX 5000")
    assert client("RESPCACHE.READ a")[2:] == [5000, b"text/plain"]
    client("RESPCACHE.WRITE a old")
    assert client("RESPCACHE.READ a")[2:] == [-1, None]
    assert client("DBSIZE") == 1


@pytest.mark.parametrize(
    "line",
    [
        "RESPCACHE.WRITE a new PX 0",
        "RESPCACHE.WRITE a new PX x",
        "RESPCACHE.WRITE a new KIND",
        "RESPCACHE.WRITE a new NX 1",
        "RESPCACHE.WRITE a new PX 1 px 1",
        "RESPCACHE.LIVE a -1",
        "RESPCACHE.REMOVE a IFMATCH",
        "RESPCACHE.UNTAG a b",
        "RESPCACHE.TAG a b c 1",
        "RESPCACHE.TAG t b c -1",
        "RESPCACHE.TAG t b c 9223372036854775807",
    ],
)
def test_an_error_changes_nothing(harness: Harness, line: str) -> None:
    client = harness.client()
    client("SET a old")
    assert isinstance(client(line), ErrorReply)
    assert client("GET a") == b"old"
    assert client("TTL a") == -1
    assert client("DBSIZE") == 1


def test_conditions(harness: Harness) -> None:
    client = harness.client()
    client("SET a old")
    assert client("RESPCACHE.WRITE", "a", "new", "IFMATCH", b"00," + OLD) == 0
    assert client("RESPCACHE.WRITE", "a", "x", "IFMATCH", OLD) == -1
    assert client("RESPCACHE.WRITE a x IFNONEMATCH *") == -1
    assert client("RESPCACHE.WRITE b x IFMATCH *") == -1
    assert client("RESPCACHE.WRITE b x IFNONEMATCH *") == 1
    assert client("RESPCACHE.REMOVE a IFNONEMATCH *") == -1
    assert client("MGET a b") == [b"new", b"x"]
    assert client("RESPCACHE.REMOVE c IFMATCH *") == 0


def test_a_deadline_in_the_past_is_no_key(harness: Harness) -> None:
    client = harness.client()
    client("RESPCACHE.WRITE a old PX 10")
    harness.clock.now_ms += 10
    assert client("RESPCACHE.READ a") is None
    assert client("RESPCACHE.WRITE a new IFMATCH *") == -1
    assert client("RESPCACHE.LIVE a 10") == 0


def test_watchers_and_followers_hear_of_it(harness: Harness) -> None:
    client, other = harness.client(), harness.client()
    other("WATCH a")
    client("RESPCACHE.WRITE a old")
    other("MULTI")
    other("PING")
    assert other("EXEC") is None


def test_a_tag_that_is_something_else_is_left_alone(harness: Harness) -> None:
    client = harness.client()
    client("SET t text")
    assert client("RESPCACHE.TAG t a v 0").code == "WRONGTYPE"
    assert client("RESPCACHE.UNTAG t a v").code == "WRONGTYPE"


def test_the_last_key_takes_its_tag_along(harness: Harness) -> None:
    client = harness.client()
    client("RESPCACHE.TAG t a 1 0")
    client("RESPCACHE.TAG t b 2 0")
    assert client("RESPCACHE.UNTAG t a 1 b 1 c 1") == 1
    assert client("RESPCACHE.UNTAG t b 2") == 1
    assert client("DBSIZE") == 0


def test_loaders_are_not_asked_for_what_is_respcaches_own() -> None:
    from respcache.loading.loading import Loading

    loading = Loading([])
    loading._rules = [(b"", 0, lambda key: True, object())]  # type: ignore[list-item]
    assert loading.covers(0, b"user:1")
    assert not loading.covers(0, KIND_PREFIX + b"{user:1}")


@given(st.lists(st.integers(-2, 2), min_size=2, max_size=8), st.binary(min_size=1, max_size=3))
def test_big_values_have_the_versions_that_they_had_before_one_remembered_them(
    sizes: list[int], piece: bytes
) -> None:
    for size in sizes:
        value = (piece * BIG_BYTES)[: BIG_BYTES + size]
        expected = blake2b(value, digest_size=16).hexdigest().encode()
        assert version_of(value) == version_of(bytearray(value)) == expected


def test_digests_of_big_values_are_remembered_up_to_a_bound() -> None:
    for number in range(MOST_KNOWN + 10):
        version_of(b"%d" % number * BIG_BYTES)
    assert len(_known) == MOST_KNOWN
