"""Runs a case on a server and writes down every byte that each client got after each step.

When is a step over? A reply may be missing on purpose (CLIENT REPLY OFF), come twice (SUBSCRIBE a b), or come to somebody
else (PUBLISH). So after each step a control connection asks for a PONG a few times: what the step caused has then been
written, for Redis writes the replies of one turn of its loop before the next. Only a long request takes it several
turns to read, so a sender without a reply is given a little longer. The server under test is moreover given time until
each client has as many replies as redis-server sent.
"""

import select
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.conformance.differences import Difference
from tests.conformance.rules import CLOSED, Comparer
from tests.conformance.script import Case, Step
from tests.servers import Server
from tests.wire import RawClient

Replies = dict[str, list[bytes]]  # of each client, after one step

# One turn reads and answers, a second writes to others, a third closes what is to be closed.
TURNS = 3
# The price of a step that is not answered on purpose; redis-server reads 100 KiB in less than a millisecond.
MISSING_REPLY_SECONDS = 0.03
# A healthy server is done in a millisecond; only a failing case waits so long, and a busy machine is not a failure.
LATE_REPLY_SECONDS = 2.0

# The state that outlives connections.
_RESET = [[b"FLUSHALL"], [b"CONFIG", b"RESETSTAT"], [b"SLOWLOG", b"RESET"], [b"LATENCY", b"RESET"]]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One client's replies to one step differ."""

    number: int
    line: str
    client: str
    expected: list[bytes]
    got: list[bytes]

    def __str__(self) -> str:
        expected, got = (b"".join(replies) for replies in (self.expected, self.got))
        return (
            f"{self.number}. {shorten(self.line)}\n"
            f"   {self.client} expected {shorten(repr(expected))}\n"
            f"   {self.client} got      {shorten(repr(got))}"
        )


@dataclass(slots=True)
class Stage:
    """One server, ready to run one case after another."""

    server: Server
    _control: RawClient | None = None
    _clients: dict[str, RawClient] = field(default_factory=dict)

    def run(self, case: Case, protocol: int, expected: list[Replies] | None = None) -> list[Replies]:
        """Run a case on an empty server; ``expected`` only tells how many replies are worth waiting for."""
        self._ask_control(*_RESET)
        transcript: list[Replies] = []
        try:
            for number, step in enumerate(case.steps):
                self._connect(step.client, protocol)
                transcript.append(self._play(step, expected[number] if expected else {}))
        finally:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            self._settle()
        return transcript

    def close(self) -> None:
        if self._control is not None:
            self._control.close()

    def _play(self, step: Step, expected: Replies) -> Replies:
        time.sleep(step.pause_seconds)
        if not self._clients[step.client].is_closed:
            self._clients[step.client].send(step.payload)
        return self._collect(step.client if step.payload else "", expected)

    def _connect(self, name: str, protocol: int) -> None:
        if name not in self._clients:
            self._clients[name] = client = self.server.client()
            if protocol == 3:
                client.call("HELLO", "3")

    def _collect(self, sender: str, expected: Replies) -> Replies:
        self._settle()
        got: Replies = {name: [] for name in self._clients}
        deadline = time.monotonic() + (LATE_REPLY_SECONDS if expected else MISSING_REPLY_SECONDS)
        while True:
            self._read_available(got)
            counts = {name: len(replies) for name, replies in expected.items()} or {sender: 1}
            late = [client for name, client in self._clients.items() if self._is_late(name, got, counts)]
            patience = deadline - time.monotonic()
            if not late or patience <= 0:
                return got
            select.select(late, [], [], patience)

    def _read_available(self, got: Replies) -> None:
        for name, client in [
            (name, client) for name, client in self._clients.items() if not client.is_closed
        ]:
            got[name] += client.available_replies()
            got[name] += [CLOSED] if client.is_closed else []

    def _is_late(self, name: str, got: Replies, counts: dict[str, int]) -> bool:
        client = self._clients[name]
        if client.is_closed:
            return False
        # Behind such an error each server closes, in this turn of its or in the next.
        is_ending = any(reply.startswith(b"-ERR Protocol error") for reply in got[name])
        return is_ending or client.is_mid_reply or len(got[name]) < counts.get(name, 0)

    def _settle(self) -> None:
        for _ in range(TURNS):
            self._ask_control([b"PING"])

    def _ask_control(self, *commands: list[bytes]) -> None:
        # A case may have the control connection killed (CLIENT KILL TYPE normal): then it takes a new one.
        for _ in range(2):
            try:
                if self._control is None:
                    self._control = self.server.client()
                self._control.pipeline(list(commands))
            except (EOFError, OSError):
                if self._control is not None:
                    self._control.close()
                self._control = None
            else:
                return
        raise AssertionError(f"{self.server.name} closes the control connection")


def shorten(text: str, limit: int = 1000) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def mismatches(case: Case, expected: list[Replies], got: list[Replies]) -> list[Mismatch]:
    """Compare two transcripts of a case."""
    comparer = Comparer()
    return [
        Mismatch(number, step.line, client, theirs[client], ours.get(client, []))
        for number, (step, theirs, ours) in enumerate(zip(case.steps, expected, got, strict=True), 1)
        for client in theirs
        if not comparer.agree(step, client, ours.get(client, []), theirs[client])
    ]


def judge(case: Case, protocol: int, found: list[Mismatch], listed: Iterable[Difference]) -> str:
    """Say what is wrong with a case: differences nobody listed, and listed ones that are gone. Empty if nothing is."""
    excused = [entry for entry in listed if entry.case == case.name and protocol in entry.protocols]
    excused_lines = {entry.line for entry in excused}
    differing_lines = {mismatch.line for mismatch in found}
    complaints = [str(mismatch) for mismatch in found if mismatch.line not in excused_lines]
    complaints += [
        f"{entry.line}\n   is listed as a difference, but no longer differs: strike it off"
        for entry in excused
        if entry.line not in differing_lines
    ]
    return "\n".join(complaints)
