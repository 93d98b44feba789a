import pytest

from respcache.commands.accounting import MemoryFigures
from respcache.commands.memory import findings
from tests.commands.harness import Harness, HarnessClient
from tests.wire import RawClient, parse, words

ALIKE = [
    "MEMORY USAGE nosuch",
    "MEMORY USAGE nosuch SAMPLES",
    "MEMORY USAGE nosuch SAMPLES -1",
    "MEMORY USAGE nosuch SAMPLES abc",
    "MEMORY USAGE nosuch NOSUCH 1",
    "MEMORY USAGE",
    "MEMORY PURGE",
    "MEMORY PURGE x",
    "MEMORY NOSUCH",
    "MEMORY",
]
GIB = 1 << 30


@pytest.mark.redis
def test_the_answers_are_those_of_redis(client: HarnessClient, real: RawClient) -> None:
    for line in ALIKE:
        assert client.raw(line) == real.call(*words(line)), line


@pytest.mark.redis
def test_the_figures_have_the_names_and_types_of_redis(client: HarnessClient, real: RawClient) -> None:
    client("SET a 1")
    real.call("SET", "a", "1")
    theirs, ours = parse(real.call("MEMORY", "STATS")), parse(client.raw("MEMORY STATS"))
    real.call("DEL", "a")
    expected = [(key.text, value.kind, len(value.children)) for key, value in theirs.pairs()]
    assert [(key.text, value.kind, len(value.children)) for key, value in ours.pairs()] == expected


def test_a_keys_usage_grows_with_its_value_and_its_deadline(client: HarnessClient) -> None:
    client("SET", "a", "v" * 100)
    small = client("MEMORY USAGE a")
    client("SET", "a", "v" * 1100)
    large = client("MEMORY USAGE a SAMPLES 0")
    assert small + 1000 <= large < small + 1200
    client("EXPIRE a 100")
    assert client("MEMORY USAGE a") > large


def test_asking_for_a_keys_usage_is_no_use_of_it(client: HarnessClient) -> None:
    client("SET a 1")
    client("MEMORY USAGE a")
    client("MEMORY USAGE nosuch")
    assert b"keyspace_hits:0\r\nkeyspace_misses:0" in client("INFO stats")


def figures(**changed: int) -> MemoryFigures:
    usual = {
        "payload_bytes": 5 * GIB,
        "data_bytes": 6 * GIB,
        "peak_data_bytes": 6 * GIB,
        "clients_bytes": 1 << 20,
        "resident_bytes": 7 * GIB,
        "keys": 1_000_000,
    }
    return MemoryFigures(**(usual | changed))


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"peak_data_bytes": 20 * GIB}, "once"),
        ({"resident_bytes": 30 * GIB}, "times"),
        ({"clients_bytes": 10 * GIB}, "Clients"),
        ({"data_bytes": 7 * GIB}, "no maxmemory"),
    ],
)
def test_the_doctor_finds_what_is_unusual(changed: dict[str, int], word: str) -> None:
    harness = Harness()
    harness.host.facts = lambda: {"total_system_memory": str(8 * GIB)}  # type: ignore[method-assign]
    assert [word in sentence for sentence in findings(harness.node, figures(**changed))] == [True]


def test_the_doctor_has_no_complaint_about_a_full_cache_that_fits() -> None:
    harness = Harness(maxmemory="6gb")
    harness.host.facts = lambda: {"total_system_memory": str(8 * GIB)}  # type: ignore[method-assign]
    assert findings(harness.node, figures(data_bytes=7 * GIB)) == []


def test_the_doctor_does_not_judge_a_small_server(client: HarnessClient) -> None:
    client("SET a 1")
    assert b"Nothing is unusual" in client("MEMORY DOCTOR")


def test_the_allocator_has_nothing_to_tell(client: HarnessClient) -> None:
    assert b"no statistics" in client("MEMORY MALLOC-STATS")


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    text = b"\n".join(client("MEMORY HELP"))
    words_ = (b"USAGE", b"STATS", b"DOCTOR", b"PURGE", b"MALLOC-STATS", b"HELP")
    assert all(word in text for word in words_)
