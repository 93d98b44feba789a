from respcache.commands.info_sections import average_life_ms, lines_of, uptime_seconds
from tests.commands.harness import Harness, HarnessClient


def test_a_field_is_a_line() -> None:
    assert list(lines_of({"loading": 0, "role": "master"})) == ["loading:0", "role:master"]


def test_without_deadlines_there_is_no_mean_life(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1")
    assert average_life_ms(harness.node.keyspace.databases[0]) == 0


def test_the_mean_life_of_many_keys_is_estimated_from_some(harness: Harness, client: HarnessClient) -> None:
    for number in range(2000):
        client(f"SET {number} v EX 100")
    client("SET without-deadline v")
    assert average_life_ms(harness.node.keyspace.databases[0]) == 100_000


def test_what_is_due_and_not_yet_swept_has_no_life_left(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1 PX 10")
    client("SET b 1 PX 4000")
    harness.clock.advance(2_000)
    assert average_life_ms(harness.node.keyspace.databases[0]) == 1_000


def test_the_uptime_is_counted_from_the_start(harness: Harness) -> None:
    harness.clock.advance(61_999)
    assert uptime_seconds(harness.node) == 61
