from dataclasses import dataclass

import pytest
import trio

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.conftest import StartServer
from tests.wire import words

TYPES = [
    "string",
    "integer",
    "double",
    "null",
    "array",
    "set",
    "map",
    "push",
    "verbatim",
    "true",
    "false",
    "bignum",
    "attrib",
    "nosuch",
]
ALIKE = [
    *(f"DEBUG PROTOCOL {name}" for name in TYPES),
    "DEBUG",
    "DEBUG NOSUCH",
    "DEBUG PROTOCOL",
    "DEBUG sleep 0 0",
    "DEBUG SLEEP",
    "DEBUG SLEEP abc",
    "DEBUG SLEEP -1",
    "DEBUG SET-ACTIVE-EXPIRE 0",
    "DEBUG SET-ACTIVE-EXPIRE 1",
    "DEBUG SET-ACTIVE-EXPIRE",
    'DEBUG ERROR "CODE and text"',
    "DEBUG OBJECT nosuch",
]


@dataclass
class Controls:
    expires: bool = True


@pytest.fixture
def harness() -> Harness:
    return Harness(enable_debug_command="yes")


@pytest.mark.redis
@pytest.mark.parametrize("protocol", [2, 3])
def test_the_answers_are_those_of_redis(protocol: int, harness: Harness, start_redis: StartServer) -> None:
    client = harness.client(protocol)
    with start_redis("--enable-debug-command", "yes").client(protocol=protocol) as real:
        for line in ALIKE:
            expected = real.call(*words(line))
            if line.endswith(("push", "attrib")) and protocol == 3:
                expected += real.read_reply() if line.endswith("push") else b""
            assert client.raw(line) == expected, line


@pytest.mark.redis
def test_it_is_refused_in_the_words_of_redis(start_redis: StartServer) -> None:
    with start_redis("--enable-debug-command", "no").client() as real:
        assert Harness().client().raw("DEBUG SLEEP 0") == real.call("DEBUG", "SLEEP", "0")


def test_local_allows_it_to_those_on_the_same_machine() -> None:
    harness = Harness(enable_debug_command="local")
    assert harness.client()("DEBUG SLEEP 0") == b"OK"
    assert isinstance(harness.client(is_local=False)("DEBUG SLEEP 0"), ErrorReply)


def test_sleep_stops_the_process_and_is_slow_for_all(harness: Harness, client: HarnessClient) -> None:
    stopped: list[float] = []
    harness.host.block = stopped.append  # type: ignore[method-assign, assignment]
    assert client("DEBUG SLEEP 0.25") == b"OK"
    client("DEBUG SLEEP inf")
    assert stopped == [0.25, 0.0]


def test_active_expiry_can_be_switched(harness: Harness, client: HarnessClient) -> None:
    harness.node.controls = controls = Controls()
    client("DEBUG SET-ACTIVE-EXPIRE 0")
    assert not controls.expires
    client("DEBUG SET-ACTIVE-EXPIRE 1")
    assert controls.expires


def test_an_object_tells_its_encoding_and_age(harness: Harness, client: HarnessClient) -> None:
    client("SET a 12")
    harness.clock.advance(3_000)
    text = client("DEBUG OBJECT a")
    assert b" encoding:int " in text
    assert text.endswith(b"lru_seconds_idle:3")


async def test_a_sleeping_owner_keeps_its_key_and_no_other_waiting(
    harness: Harness, client: HarnessClient
) -> None:
    harness.host.sleep = trio.sleep  # type: ignore[method-assign]
    assert client.send("DEBUG OWNER-SLEEP a 0") == []
    assert client.send("SET a 1") == []
    other = harness.client()
    assert other("SET b 1") == b"OK"
    assert other.send("DEBUG OWNER-SLEEP a 0") == []  # in line behind the SET
    await harness.tasks.pop()()
    assert client.replies() == [b"OK", b"OK"]
    assert other.replies() == []
    await harness.tasks.pop()()
    assert other.replies() == [b"OK"]


async def test_a_crashing_owner_answers_with_an_error_and_the_key_is_as_before(
    harness: Harness, client: HarnessClient
) -> None:
    client("SET a 1")
    assert client.send("DEBUG OWNER-CRASH a") == []
    await harness.tasks.pop()()
    assert isinstance(client.replies()[0], ErrorReply)
    assert client("GET a") == b"1"


def test_owners_are_left_alone_within_a_transaction(client: HarnessClient) -> None:
    client("MULTI")
    client("DEBUG OWNER-SLEEP a 1")
    (reply,) = client("EXEC")
    assert isinstance(reply, ErrorReply)


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    text = b"\n".join(client("DEBUG HELP"))
    assert all(word in text for word in (b"OWNER-SLEEP", b"OWNER-CRASH", b"PROTOCOL", b"SLEEP", b"HELP"))
