import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.wire import RawClient, words

ALIKE = [
    "CONFIG GET maxmemory",
    "CONFIG GET MaxMemory",
    "CONFIG GET maxmemory maxmemory",
    "CONFIG GET MAXMEMORY maxmemory",
    "CONFIG GET nosuch",
    "CONFIG GET",
    "CONFIG GET databases",
    "CONFIG SET maxmemory",
    "CONFIG SET maxmemory 1mb maxmemory-samples",
    "CONFIG SET maxmemory abc",
    "CONFIG SET MaxMemory abc",
    "CONFIG SET nosuch 1",
    "CONFIG SET NoSuch 1",
    "CONFIG SET maxmemory 100mb nosuch 1",
    "CONFIG SET maxmemory 100mb maxmemory 200mb",
    "CONFIG SET maxmemory-samples 7 maxmemory abc",
    "CONFIG GET maxmemory-samples",
    "CONFIG SET databases 3",
    "CONFIG SET maxmemory 100mb",
    "CONFIG GET maxmemory",
    "CONFIG SET maxmemory 0",
    "CONFIG REWRITE",
    "CONFIG RESETSTAT",
    "CONFIG RESETSTAT x",
    "CONFIG NOSUCH",
    "CONFIG",
]


@pytest.mark.redis
def test_the_answers_are_those_of_redis(client: HarnessClient, real: RawClient) -> None:
    for line in ALIKE:
        assert client.raw(line) == real.call(*words(line)), line


def test_several_patterns_are_asked_at_once(client: HarnessClient) -> None:
    found = client("CONFIG GET maxmemory-sam* lfu-* nosuch")
    assert found == {b"maxmemory-samples": b"5", b"lfu-log-factor": b"10", b"lfu-decay-time": b"1"}


def test_a_setting_that_is_refused_takes_the_others_with_it(client: HarnessClient) -> None:
    assert isinstance(client("CONFIG SET lfu-log-factor 3 maxmemory abc"), ErrorReply)
    assert client("CONFIG GET lfu-log-factor") == {b"lfu-log-factor": b"10"}


def test_a_change_takes_effect_at_once(harness: Harness, client: HarnessClient) -> None:
    client("CONFIG SET slowlog-max-len 7 maxmemory 1gb maxmemory-policy volatile-ttl")
    assert harness.node.slowlog.most_entries == 7
    assert harness.composition.evictor.policy == "volatile-ttl"


def test_old_names_are_known(client: HarnessClient) -> None:
    assert client("CONFIG GET hash-max-ziplist-entries") == {b"hash-max-ziplist-entries": b"512"}


def test_resetstat_forgets_every_count(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1")
    client("HGET a f")
    client("CONFIG RESETSTAT")
    assert harness.node.statistics.errors.total == 0
    assert harness.node.statistics.keyspace_hits == 0
    assert harness.node.command_statistics["set"].calls == 0


def test_rewrite_is_left_to_the_host(harness: Harness, client: HarnessClient) -> None:
    harness.host.facts = lambda: {"config_file": "/etc/respcache.toml"}  # type: ignore[method-assign]
    assert client("CONFIG REWRITE") == b"OK"
    assert harness.host.rewritten == 1


def test_a_file_that_cannot_be_written_is_told(harness: Harness, client: HarnessClient) -> None:
    def fail() -> None:
        raise PermissionError("not yours")

    harness.host.facts = lambda: {"config_file": "/etc/respcache.toml"}  # type: ignore[method-assign]
    harness.host.rewrite_settings = fail  # type: ignore[method-assign]
    assert client("CONFIG REWRITE") == ErrorReply("ERR", "Rewriting config file: not yours")


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    text = b"\n".join(client("CONFIG HELP"))
    assert all(word in text for word in (b"GET", b"SET", b"RESETSTAT", b"REWRITE", b"HELP"))


@pytest.mark.parametrize("line", ["CONFIG SET requirepass secret", "CONFIG SET hz 10 RequirePass secret"])
def test_a_password_does_not_get_into_the_slow_log(line: str) -> None:
    client = Harness(slowlog_log_slower_than="0").client()
    client(line)
    _, _, _, words, *_ = client("SLOWLOG GET 1")[0]
    assert words[-1] == b"(redacted)"
    assert words[-2].lower() == b"requirepass"
