"""Commands behind busy keys, and what their clients may do meanwhile. Over sockets: see test_owner_sleep.py."""

from collections.abc import Callable, Collection, Sequence

import pytest

from respcache.commands.client import Client
from respcache.commands.cluster_errors import STRAYED
from respcache.commands.context import Context
from respcache.commands.pending import Pending, Slot
from respcache.commands.spec import Command
from respcache.keyspace.slots import key_partition
from respcache.owners.owners import CRASHED
from respcache.protocol.replies import Reply
from tests.commands.harness import Harness, HarnessClient
from tests.commands.loaders import FakeControls
from tests.commands.tasks import run_tasks


@pytest.fixture
def harness() -> Harness:
    harness = Harness(enable_debug_command="yes")
    harness.client().send("DEBUG OWNER-SLEEP busy 1")
    return harness


@pytest.fixture
def other(harness: Harness) -> HarnessClient:
    return harness.client()


def begin_transaction(client: HarnessClient, *commands: str) -> None:
    for line in ("MULTI", *commands):
        client(line)


def test_commands_behind_a_waiting_exec_are_no_part_of_it(harness: Harness, client: HarnessClient) -> None:
    begin_transaction(client, "SET busy 1")
    assert client.send("EXEC") == []
    assert client.send("GET other") == []
    run_tasks(harness)
    assert client.replies() == [[b"OK"], None]


def test_a_client_behind_its_exec_is_shown_as_blocked(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    begin_transaction(client, "SET busy 1")
    client.send("EXEC")
    assert b"blocked_clients:1\r\n" in other("INFO clients")
    run_tasks(harness)
    assert b"blocked_clients:0\r\n" in other("INFO clients")


def test_a_waiting_exec_runs_nothing_if_a_watched_key_changes(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    client("WATCH watched")
    begin_transaction(client, "SET busy 1")
    client.send("EXEC")
    other("SET watched 2")
    run_tasks(harness)
    assert client.replies() == [None]
    assert other("GET busy") is None


def test_a_crash_ends_the_transaction_with_its_exec(harness: Harness, client: HarnessClient) -> None:
    harness.client().send("DEBUG OWNER-CRASH bad")
    begin_transaction(client, "SET bad 1")
    client.send("EXEC")
    run_tasks(harness)
    assert client.replies() == [CRASHED]
    assert client("PING") == b"PONG"


def test_a_watch_that_waits_is_set_before_what_follows(harness: Harness, client: HarnessClient) -> None:
    client.send("SET busy 1")
    client.send("WATCH busy")
    assert client.send("MULTI") == []
    run_tasks(harness)
    assert client.replies() == [b"OK", b"OK", b"OK"]
    assert client("EXEC") == []


def test_the_watches_of_a_client_that_left_protect_no_more_so_its_exec_runs_nothing(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    client("WATCH watched")
    begin_transaction(client, "SET busy 1")
    client.send("EXEC")
    client.close()
    run_tasks(harness)
    assert other("GET busy") is None


def test_a_transaction_that_selects_may_touch_any_key(harness: Harness, client: HarnessClient) -> None:
    client("SELECT 1")
    begin_transaction(client, "SELECT 0", "SET busy 1")
    assert client.send("EXEC") == []
    run_tasks(harness)
    assert client.replies() == [[b"OK", b"OK"]]


def test_flushall_waits_for_owners_that_wake_while_it_waits(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    assert client.send("FLUSHALL") == []
    other.send("DEBUG OWNER-SLEEP late 1")
    late = harness.tasks.pop()
    run_tasks(harness)
    assert client.replies() == []
    harness.tasks.append(late)
    run_tasks(harness)
    assert client.replies() == [b"OK"]


def test_copying_waits_for_its_own_keys_too(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    client.send("COPY source target")
    assert other.send("SET source 1") == []
    run_tasks(harness)
    assert (client.replies(), other.replies()) == ([0], [b"OK"])


def test_what_only_asks_how_a_key_stands_does_not_wait_for_it(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    harness.node.loads = FakeControls(busy="loading")
    assert client("LOADER STATE busy") == [b"loading"]
    assert client("LOADER PEEK busy") is None
    begin_transaction(other, "LOADER REQUEST busy", "LOADER STATE busy")
    assert other("EXEC") == [1, [b"loading"]]
    assert client.send("LOADER FORGET busy") == []
    run_tasks(harness)
    assert client.replies() == [1]


class Router:
    """A router of a node that has lost some partitions for a moment, and has them again when that was asked once."""

    marks: tuple[bytearray, list[int]] = bytearray(), []

    def __init__(self, *lost: str) -> None:
        self.lost = {key_partition(key.encode()) for key in lost}

    def route(self, context: Context, command: Command, argv: list[bytes]) -> Slot | None:
        return None

    def check_queued(self, context: Context, command: Command, argv: Sequence[bytes]) -> None: ...
    def unwatch(self, client: Client) -> None: ...

    def serves(self, key: bytes) -> bool:
        return True

    def gone(self, command: Command, argv: Sequence[bytes]) -> Collection[int]:
        found = self.lost.intersection(key_partition(key) for key in command.keys_in(argv))
        self.lost -= found
        return found

    def follow(
        self,
        client: Client,
        command: Command,
        argv: Sequence[bytes],
        pending: Pending,
        note: Callable[[], None],
    ) -> Pending:
        return pending

    def bound(
        self, command: Command, run: Callable[[Context, Sequence[bytes]], Reply | Slot]
    ) -> Callable[[Context, Sequence[bytes]], Reply | Slot]:
        return run


def test_nothing_overtakes_a_command_whose_key_has_gone_when_its_turn_came(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    harness.node.router = Router("busy")
    client.send("APPEND busy a")
    other.send("APPEND busy b")
    client.send("APPEND idle c")
    run_tasks(harness)
    assert client.replies() == [STRAYED, 1]
    assert other.replies() == [STRAYED]
    assert client("GET busy") is None


def test_a_waiting_exec_runs_nothing_if_any_of_its_keys_has_gone(
    harness: Harness, client: HarnessClient
) -> None:
    harness.node.router = Router("other")
    begin_transaction(client, "SET busy 1", "SET other 1")
    client.send("EXEC")
    run_tasks(harness)
    assert client.replies() == [STRAYED]
    assert client("MGET busy other") == [None, None]
