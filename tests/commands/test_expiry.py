import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import START_MS, Harness, HarnessClient
from tests.commands.recorder import Recorder

LATER_S = START_MS // 1000 + 100
SETTERS = {
    "EXPIRE": "EXPIRE k 100",
    "PEXPIRE": "PEXPIRE k 100000",
    "EXPIREAT": f"EXPIREAT k {LATER_S}",
    "PEXPIREAT": f"PEXPIREAT k {LATER_S}000",
}


@pytest.fixture
def stocked(client: HarnessClient) -> HarnessClient:
    client("SET k v")
    return client


@pytest.mark.parametrize("command", SETTERS.values(), ids=SETTERS)
def test_four_ways_to_the_same_deadline(stocked: HarnessClient, recorder: Recorder, command: str) -> None:
    assert stocked(command) == 1
    assert stocked("PEXPIRETIME k") == START_MS + 100_000
    assert recorder.take() == ["expire"]


@pytest.mark.parametrize(
    "command",
    [
        "EXPIRE k 0",
        "EXPIRE k -1",
        "PEXPIRE k -9223372036854775808",
        "EXPIREAT k 1",
        f"PEXPIREAT k {START_MS}",
    ],
)
def test_a_moment_that_has_passed_deletes_the_key(
    stocked: HarnessClient, recorder: Recorder, command: str
) -> None:
    assert stocked(command) == 1
    assert stocked("EXISTS k") == 0
    assert recorder.take() == ["del"]


def test_a_missing_key_gets_no_deadline(client: HarnessClient) -> None:
    assert [client(command) for command in SETTERS.values()] == [0, 0, 0, 0]


def test_an_expired_key_gets_no_new_life(harness: Harness, client: HarnessClient, recorder: Recorder) -> None:
    client("SET k v PX 10")
    harness.clock.advance(10)
    recorder.take()
    assert client("EXPIRE k 100") == 0
    assert recorder.take() == ["expired"]


@pytest.mark.parametrize(
    ("condition", "without", "earlier", "later"),
    [
        ("NX", 1, 0, 0),
        ("XX", 0, 1, 1),
        ("GT", 0, 0, 1),
        ("LT", 1, 1, 0),
        ("xx gt", 0, 0, 1),
        ("LT XX", 0, 1, 0),
        ("GT GT", 0, 0, 1),
    ],
)
def test_conditions_look_at_the_old_deadline(
    client: HarnessClient, condition: str, without: int, earlier: int, later: int
) -> None:
    client("SET k v")
    assert client(f"EXPIRE k 50 {condition}") == without
    for seconds, expected in ((50, earlier), (200, later)):
        client("SET k v EX 100")
        assert client(f"EXPIRE k {seconds} {condition}") == expected
        assert client("TTL k") == (seconds if expected else 100)


def test_the_same_deadline_is_neither_later_nor_earlier(client: HarnessClient) -> None:
    client("SET k v EX 100")
    assert [client("EXPIRE k 100 GT"), client("EXPIRE k 100 LT"), client("EXPIRE k 0 GT")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("10 FOO", "Unsupported option FOO"),
        ("x NX FOO", "Unsupported option FOO"),
        ("10 NX XX", "NX and XX, GT or LT options at the same time are not compatible"),
        ("10 NX GT LT", "NX and XX, GT or LT options at the same time are not compatible"),
        ("x GT LT", "GT and LT options at the same time are not compatible"),
        ("x NX", "value is not an integer or out of range"),
        ("9223372036854775807", "invalid expire time in 'expire' command"),
        ("-9223372036854775807", "invalid expire time in 'expire' command"),
    ],
)
def test_what_is_refused_is_refused_before_the_key_is_looked_at(
    client: HarnessClient, words: str, error: str
) -> None:
    assert client(f"EXPIRE none {words}") == ErrorReply("ERR", error)


def test_each_command_names_itself(client: HarnessClient) -> None:
    for name, too_far in (("pexpire", 2**63 - 1), ("expireat", 2**63 // 1000 + 1)):
        assert client(f"{name} k {too_far}") == ErrorReply("ERR", f"invalid expire time in '{name}' command")
    assert client(f"PEXPIREAT k {2**63 - 1}") == 0


def test_persist_takes_the_deadline_away_once(client: HarnessClient, recorder: Recorder) -> None:
    client("SET k v EX 100")
    recorder.take()
    assert [client("PERSIST k"), client("PERSIST k"), client("PERSIST none"), client("TTL k")] == [
        1,
        0,
        0,
        -1,
    ]
    assert recorder.take() == ["persist"]


def test_the_answers_without_a_deadline(stocked: HarnessClient) -> None:
    for command in ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"):
        assert [stocked(f"{command} k"), stocked(f"{command} none")] == [-1, -2]


@pytest.mark.parametrize(("left_ms", "ttl"), [(1, 0), (499, 0), (500, 1), (1499, 1), (1500, 2)])
def test_seconds_are_rounded(stocked: HarnessClient, left_ms: int, ttl: int) -> None:
    stocked(f"PEXPIRE k {left_ms}")
    assert [stocked("PTTL k"), stocked("TTL k")] == [left_ms, ttl]
    stocked(f"PEXPIREAT k {START_MS + left_ms}")
    assert stocked("EXPIRETIME k") == START_MS // 1000 + ttl


def test_time_passes(harness: Harness, client: HarnessClient) -> None:
    client("SET k v EX 100")
    harness.clock.advance(30_000)
    assert client("TTL k") == 70
    harness.clock.advance(70_000)
    assert [client("TTL k"), client("GET k")] == [-2, None]


def test_the_farthest_deadline_is_as_far_as_64_bits_go(stocked: HarnessClient) -> None:
    stocked(f"PEXPIREAT k {2**63 - 1}")
    assert [stocked("PEXPIRETIME k"), stocked("EXPIRETIME k")] == [2**63 - 1, (2**63 - 1 + 500) // 1000]


def test_deadlines_of_default_lives_are_plain_integers_to_clients() -> None:
    harness = Harness(expiration="100")
    client = harness.client()
    client("SET k v")
    assert client("PEXPIRETIME k") == START_MS + 100_000
