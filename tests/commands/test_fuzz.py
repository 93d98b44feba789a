"""Whatever a client sends, in whatever state: an answer, in good time, that is no internal error."""

import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from respcache.commands import GROUPS
from respcache.commands.client import Client
from respcache.commands.spec import Command
from respcache.protocol.replies import ErrorReply
from tests.commands.calls import least_call
from tests.commands.copies import Copy
from tests.commands.fuzzing import calls
from tests.commands.harness import Harness, HarnessClient
from tests.commands.snapshots import check_accounts, snapshot
from tests.commands.tasks import run_tasks
from tests.thoroughness import examples

MOST_CPU_S = 1.0
"""For one call. All of them together take a few milliseconds; what runs away takes minutes."""

COMMANDS = [command for group in GROUPS for command in group.commands]

DATA = [
    ["SET", "int", "42"],
    ["SET", "text", "hello world"],
    ["SETRANGE", "raw", "60", "end"],
    ["HSET", "hash", "a", "1", "word", "text", "100", "0.5"],
    ["HSET", "big", *[str(number) for number in range(20)]],
    ["SET", "soon", "1", "PX", "50"],
]

# What SETRANGE and LCS are bounded by, and when a hash gives up its compact form: small shows it as well as large.
LIMITS = {"enable_debug_command": "yes", "proto_max_bulk_len": "1mb", "hash_max_listpack_entries": "6"}

REPEATABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same calls every time, so that a failure is one of the code, and of the change that brought it."""


@dataclass(frozen=True)
class State:
    """What a server and one of its clients may be in the middle of."""

    lines: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    is_filled: bool = True


STATES = [
    State(),
    State(is_filled=False),
    State(("MULTI",)),
    State(("WATCH int hash", "MULTI", "INCR int")),
    State(("SUBSCRIBE a secret", "PSUBSCRIBE *", "SSUBSCRIBE word")),
    State(("CLIENT TRACKING on", "GET int")),
    State(("CLIENT TRACKING on BCAST NOLOOP",)),
    State(("MONITOR",)),
    State(("CLIENT NO-TOUCH on", "SELECT 1")),
    State(("CLIENT REPLY SKIP",)),
    State(settings={"maxmemory": "4kb", "maxmemory_policy": "allkeys-lfu"}),
    State(settings={"maxmemory": "1", "maxmemory_policy": "noeviction"}),
    State(settings={"expiration": "0.02", "expiration_renew": "on-access"}),
    State(settings={"requirepass": "secret"}),
    State(settings={"slowlog_log_slower_than": "0", "latency_monitor_threshold": "1"}),
]


def make_harness(state: State) -> Harness:
    harness = Harness(None, **LIMITS, **state.settings)
    filler = harness.client()
    for line in DATA if state.is_filled else []:
        filler("AUTH secret") if state.settings.get("requirepass") else None
        filler(*line)
    return harness


class Fuzzed:
    """A client whose every reply is looked at."""

    def __init__(self, harness: Harness, protocol: int) -> None:
        self._harness = harness
        self._client = harness.client(protocol)
        self.sent = self.answered = 0

    @property
    def record(self) -> Client:
        return self._client.record

    def send(self, words: list[bytes]) -> None:
        """Send one command, unless the client has gone; fail if it crashes, or takes too long."""
        if self.record.ending is not None:
            return
        before_s = time.process_time()
        self._note(self._client.send(words[0], *words[1:]))
        assert time.process_time() - before_s < MOST_CPU_S, words
        self.sent += 1

    def settle(self) -> None:
        """Let whatever is held or waits be answered."""
        run_tasks(self._harness)
        self._harness.node.pause.stop()
        self._note(self._client.replies())
        if self.record.ending is not None:
            self._client.close()

    def _note(self, replies: list[Any]) -> None:  # whatever hiredis makes of the bytes
        for reply in replies:
            assert not (isinstance(reply, ErrorReply) and "internal error" in reply.message), reply
        self.answered += len(replies)


def finish(harness: Harness) -> None:
    """Check what must hold whatever has happened."""
    assert harness.node.statistics.unexpected_error_replies == 0
    check_accounts(harness.node.keyspace)


@pytest.mark.parametrize(
    "commands", [pytest.param(one.commands, id=one.commands[0].full_name) for one in GROUPS]
)
def test_no_call_breaks_anything(commands: list[Command]) -> None:
    @settings(REPEATABLE, max_examples=examples(1, 6) * len(commands) + 6)
    @given(
        state=st.sampled_from(STATES),
        protocol=st.sampled_from([2, 3]),
        sent=st.lists(st.one_of(*map(calls, commands)), min_size=4, max_size=8),
    )
    @example(State(), 3, [least_call(command) for command in commands])
    def check(state: State, protocol: int, sent: list[list[bytes]]) -> None:
        harness = make_harness(state)
        client = Fuzzed(harness, protocol)
        for words in [*map(HarnessClient.words, state.lines), *sent, [b"EXEC"]]:
            client.send(words)
            client.settle()
        finish(harness)

    check()


# -- several clients ---------------------------------------------------------


def all_but(*names: str) -> st.SearchStrategy[list[bytes]]:
    """Return calls of all commands but these; those on data come as often as all others together."""
    chosen = [one for one in COMMANDS if one.name not in names and not one.hidden]
    data = [one for one in chosen if one.group in {"string", "hash", "generic"}]
    return st.one_of(st.one_of(*map(calls, data)), st.one_of(*map(calls, chosen)))


@dataclass(frozen=True)
class Pass:
    """Time goes by, and housekeeping does its work."""

    milliseconds: int


Step = tuple[int, list[bytes]] | Pass
passes = st.sampled_from([0, 1, 60, 5_000]).map(Pass)


def play(harness: Harness, steps: list[Step], clients: list[Fuzzed]) -> None:
    for step in steps:
        if isinstance(step, Pass):
            harness.clock.advance(step.milliseconds)
            harness.sweep()
            harness.dispatcher.end_pause(harness.clock.now_ms)
            harness.node.tracking.flush()
        else:
            number, words = step
            clients[number].send(words)
    for client in clients:
        client.settle()


# CONFIG SET could lift the limit on strings, see make_harness.
anything = st.one_of(st.tuples(st.integers(0, 2), all_but("CONFIG SET")), passes)


@settings(REPEATABLE, max_examples=examples(40, 200))
@given(state=st.sampled_from(STATES), steps=st.lists(anything, min_size=10, max_size=40))
def test_clients_do_not_break_anything_together(state: State, steps: list[Step]) -> None:
    harness = make_harness(state)
    clients = [Fuzzed(harness, protocol) for protocol in (2, 3, 3)]
    for line in state.lines:
        clients[0].send(HarnessClient.words(line))
    play(harness, steps, clients)
    finish(harness)


# These answer otherwise than once or, as WAIT for copies that nobody has, never; or end the connection, or make others'
# commands wait for more than a test.
UNUSUAL = {one.name for one in COMMANDS if one.group == "pubsub"} | {
    "CLIENT KILL",
    "CLIENT REPLY",
    "CONFIG SET",
    "DEBUG",
    "HELLO",
    "MONITOR",
    "QUIT",
    "RESET",
    "SHUTDOWN",
    "WAIT",
}
sleeps = st.sampled_from(["int", "text", "hash", "missing"]).map(
    lambda key: [b"DEBUG", b"OWNER-SLEEP", key.encode(), b"1"]
)
usual = st.one_of(st.tuples(st.integers(0, 2), st.one_of(all_but(*UNUSUAL), sleeps)), passes)


@settings(REPEATABLE, max_examples=examples(40, 200))
@given(steps=st.lists(usual, min_size=10, max_size=40))
def test_every_command_is_answered_once_whoever_keeps_keys_busy(steps: list[Step]) -> None:
    harness = make_harness(State())
    clients = [Fuzzed(harness, protocol) for protocol in (3, 3, 3)]
    play(harness, steps, clients)
    assert [client.answered for client in clients] == [client.sent for client in clients]
    assert not harness.composition.owners.awake
    finish(harness)


# -- copies ------------------------------------------------------------------

# SWAPDB is refused where there are copies.
CHANGING = [
    one
    for one in COMMANDS
    if one.group in {"string", "hash", "generic", "transactions", "connection"}
    or (one.is_write and one.name != "SWAPDB")
]
changes = st.one_of(st.tuples(st.integers(0, 1), st.one_of(*map(calls, CHANGING))), passes)


@settings(REPEATABLE, max_examples=examples(20, 200))
@given(limit=st.sampled_from(["0", "4kb"]), steps=st.lists(changes, min_size=10, max_size=40))
def test_a_copy_ends_with_the_same_keys_whatever_the_clients_do(limit: str, steps: list[Step]) -> None:
    harness = Harness(None, **LIMITS, maxmemory=limit, maxmemory_policy="allkeys-lru")
    copy = Copy(harness)
    clients = [Fuzzed(harness, 3) for _ in range(2)]
    play(harness, [*[(0, HarnessClient.words(*line)) for line in DATA], *steps], clients)
    touch_all(harness)
    assert copy.snapshot() == snapshot(harness.node.keyspace)
    finish(harness)


def touch_all(harness: Harness) -> None:
    """Let every key find out whether it has died: the sweep may be some milliseconds late."""
    for db in harness.node.keyspace.databases:
        for key in list(db.entries):
            db.find(key)
