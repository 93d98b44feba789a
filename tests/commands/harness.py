"""A whole server without sockets, tasks or time, for tests of commands and sessions.

    harness = Harness()
    client = harness.client()
    assert client("SET a 1") == b"OK"

``client(...)`` sends one command, spelled as in redis-cli, and returns the
decoded RESP3 reply: strings and statuses as bytes, errors as ``ErrorReply``.
"""

import random
import re
import shlex
from collections.abc import Callable, Coroutine
from typing import Any, Final

import hiredis

from respcache.app.compose import compose
from respcache.keyspace.clock import BatchClock
from respcache.protocol.replies import ErrorReply
from respcache.server.session import Session
from respcache.settings.settings import Settings

START_MS = 1_700_000_000_000

PLAIN: Final = re.compile(r"[^'\"\\\v\f]*").fullmatch
"""Finds that a line has words and blanks only, as most have: ``shlex`` takes twenty times as long to cut it."""


class FakeHost:
    """A machine on which nothing ever happens."""

    def __init__(self) -> None:
        self.asked_to_stop = False
        self.rewritten = 0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing waits in this test")

    def block(self, seconds: float) -> None:
        pass

    def shut_down(self, *, now: bool) -> None:
        self.asked_to_stop = True

    def cancel_shutdown(self) -> bool:
        return False

    def rewrite_settings(self) -> None:
        self.rewritten += 1

    def resident_bytes(self) -> int:
        return 50_000_000

    def peak_resident_bytes(self) -> int:
        return 60_000_000

    def cpu_seconds(self) -> tuple[float, float]:
        return 1.5, 0.5

    def facts(self) -> dict[str, str]:
        return {"os": "Test 1 x86_64", "arch_bits": "64", "process_id": "1", "config_file": ""}

    def loop_lag_ms(self) -> tuple[float, float]:
        return 0.1, 1.0

    def running_tasks(self) -> int:
        return 12


Task = Callable[[], Coroutine[Any, Any, None]]


class Harness:
    """One server. ``tasks`` collects what owners wanted to start; a test may run them under trio."""

    def __init__(self, spawn: Callable[[Task], None] | None = None, **settings: str) -> None:
        self.clock = BatchClock(START_MS)
        self.host = FakeHost()
        self.tasks: list[Task] = []
        self.settings = Settings(**settings)
        self.composition = compose(
            self.settings,
            clock=self.clock,
            chance=random.Random(7),
            host=self.host,
            spawn=spawn or self.tasks.append,
            rest=_rest,
            report_sink=lambda sink, error, failures: None,
            name="test",
        )
        self.node = self.composition.node
        self.dispatcher = self.composition.dispatcher

    def client(self, protocol: int = 3, *, is_local: bool = True) -> "HarnessClient":
        return HarnessClient(self, protocol, is_local)

    def sweep(self) -> int:
        """Expire what is due, as housekeeping would."""
        return self.node.keyspace.sweep(1_000_000)


async def _rest() -> None:
    return None


class HarnessClient:
    """Speaks to one session; keeps what it was pushed."""

    def __init__(self, harness: Harness, protocol: int, is_local: bool) -> None:
        self._reader = _reader()
        self.pushes: list[Any] = []
        self.wakes = 0
        self.session = Session(
            harness.dispatcher, self._woken, "127.0.0.1:50000", "127.0.0.1:6379", is_local=is_local
        )
        self.record = self.session.client
        self.record.protocol = protocol

    def __call__(self, command: str | bytes, *more: str | bytes | int) -> Any:
        """Run one command, given as one line or as words, and return its only reply."""
        replies = self.send(command, *more)
        assert len(replies) == 1, replies
        return replies[0]

    def send(self, command: str | bytes, *more: str | bytes | int) -> list[Any]:
        """Run one command; return every reply there is now (none: it waits; several: SUBSCRIBE a b)."""
        words = self.words(command, *more)
        return self.receive(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words))

    def receive(self, wire: bytes) -> list[Any]:
        """Give the session raw bytes; return the decoded replies."""
        self.session.receive(wire)
        return self.replies()

    def raw(self, command: str) -> bytes:
        """Run one command; return the reply as it goes over the wire."""
        words = self.words(command)
        self.session.receive(
            b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)
        )
        return b"".join(self.session.take_output())

    def replies(self) -> list[Any]:
        """Return what has been written since the last look; pushes go to ``pushes``."""
        while self.session.is_hungry:
            self.session.resume()
        self._reader.feed(b"".join(self.session.take_output()))
        found: list[Any] = []
        while (reply := self._reader.gets()) is not False:
            if isinstance(reply, hiredis.PushNotification):
                self.pushes.append(list(reply))
            else:
                found.append(_plain(reply))
        return found

    @staticmethod
    def words(command: str | bytes, *more: str | bytes | int) -> list[bytes]:
        if not more and isinstance(command, str):
            if PLAIN(command):
                return command.encode("latin-1").split()
            return [word.encode("latin-1") for word in shlex.split(command)]
        return [w if isinstance(w, bytes) else str(w).encode() for w in (command, *more)]

    def close(self) -> None:
        self.session.close()

    def _woken(self) -> None:
        self.wakes += 1


def _reader() -> Any:
    make_error: Any = _error  # an error is a reply to us, hiredis' stubs ask for an exception
    return hiredis.Reader(replyError=make_error, notEnoughData=False)


def _error(text: str) -> ErrorReply:
    code, _, message = text.partition(" ")
    return ErrorReply(code, message)


def _plain(reply: Any) -> Any:
    return reply
