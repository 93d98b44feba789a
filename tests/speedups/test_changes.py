import pytest

from respcache._speedups import IS_COMPILED
from respcache.keyspace.entry import Entry
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from .twins import State, Twins

KINDS = [
    State(b"7"),
    State(b"x" * 20_000),
    State(bytearray(b"8")),
    State({b"f": b"v"}),
    State(b"7", 1_500),
    State(b"7", forgotten=True),
]


@every_row("state", KINDS)
@every_row("text", [b"", b"1", b"x" * 400, b"y" * 100_000])
def test_a_value_is_replaced_with_all_that_is_counted_of_it(state: State, text: bytes) -> None:
    assert Twins({b"k": state, b"l": state}).call([b"MSET", b"k", text, b"l", text, b"k", b"z"]) is not None


@pytest.mark.parametrize("state", KINDS)
def test_a_key_is_taken_out_of_everything(state: State) -> None:
    twins = Twins({b"before": State(b"1", 1_500), b"k": state, b"behind": State(b"2", 1_500)})
    assert twins.call([b"DEL", b"k"]) == b":1\r\n"
    for harness in twins.harnesses:
        harness.clock.advance(2_000)
        assert harness.sweep() == 2


@pytest.mark.parametrize("state", KINDS)
def test_a_key_whose_life_was_set_dies_when_it_is_over(state: State) -> None:
    twins = Twins({b"k": state})
    assert twins.call([b"EXPIRE", b"k", b"1"]) == b":1\r\n"
    for harness in twins.harnesses:
        harness.clock.advance(1_000 + 16)
        assert harness.sweep() == 1


def test_a_key_that_was_persisted_lives_on() -> None:
    twins = Twins({b"k": State(b"v", 1_500)})
    assert twins.call([b"PERSIST", b"k"]) == b":1\r\n"
    for harness in twins.harnesses:
        harness.clock.advance(2_000)
        assert harness.sweep() == 0
    assert twins.call([b"EXPIRE", b"k", b"100"]) == b":1\r\n"


class Heard:
    """A follower that writes down what it is told."""

    entry_bytes = deadline_bytes = 0

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes, object, int | None]] = []

    def _note(self, what: str, entry: Entry) -> None:
        self.told.append((what, entry.key, entry.value.__class__, entry.expires_at_ms))

    def entry_added(self, entry: Entry) -> None:
        self._note("added", entry)

    def entry_removed(self, entry: Entry) -> None:
        self._note("removed", entry)

    def deadline_set(self, entry: Entry) -> None:
        self._note("deadline", entry)

    def emptied(self) -> None:
        raise AssertionError("nobody empties anything here")


@every_row(
    "line",
    [
        "SET k 1",
        "SET new 1",
        "SET k 1 EX 9",
        "SET new 1 EX 9",
        "DEL k h",
        "EXPIRE k 9",
        "EXPIRE l 9",
        "PERSIST l",
        "HSET h f 1",
        "HSET new f 1",
        "MSET k 1 new 2 l 3",
        "GETDEL l",
        "INCR new",
        "GETEX k EX 5",
    ],
)
def test_a_policy_with_an_order_of_its_own_is_told_as_by_the_database(line: str) -> None:
    twins = Twins({b"k": State(b"7"), b"l": State(b"7", 1_500), b"h": State({b"f": b"v"})})
    heard = [Heard(), Heard()]
    for harness, follower in zip(twins.harnesses, heard, strict=True):
        harness.node.keyspace.databases[0].follow(follower)
    assert twins.call(line.encode().split()) is not None
    assert heard[0].told == heard[1].told


@every_row(
    "line",
    [
        "SET k 1",
        "DEL k",
        "INCR k",
        "EXPIRE k 9",
        "PERSIST k",
        "HSET h f v",
        "HDEL h f",
        "HINCRBY h n 1",
        "MSET k 1",
    ],
)
def test_nothing_is_changed_while_a_life_is_given_by_default(line: str) -> None:
    twins = Twins({b"k": State(b"7"), b"h": State({b"f": b"v", b"g": b"v"})}, expiration="3600")
    assert twins.call(line.encode().split()) is None
