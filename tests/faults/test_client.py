import socket
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from tests.servers import REPOSITORY

from .client import Crew, Plan, told
from .history import Operation, Outcome, read_history

ENOUGH = 20


class Script:
    """A server that gives the same answer to everything, until it has given enough of them."""

    def __init__(self, answer: bytes) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.asked = threading.Event()
        self._answer = answer
        self._count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.listener.getsockname()[1]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while connection.recv(1 << 16):
                self._count += 1
                if self._count >= ENOUGH:
                    self.asked.set()
                if not self._answer:
                    return
                connection.sendall(self._answer)


def history(directory: Path, answer: bytes, *, workload: str = "unique") -> list[Operation]:
    """Let two workers ask a server until they have asked enough."""
    script = Script(answer)
    plan = Plan("1", str(directory / "history"), {"a": script.address}, [Crew(workload, 2, 500.0)])
    (directory / "plan").write_bytes(msgspec.json.encode(plan))
    words = [sys.executable, "-m", "tests.faults.client", str(directory / "plan")]
    client = subprocess.Popen(words, stdin=subprocess.PIPE, cwd=REPOSITORY)
    try:
        assert script.asked.wait(15)
        assert client.stdin is not None
        client.stdin.close()
        assert client.wait(10) == 0
    finally:
        client.kill()
        client.wait()
        script.listener.close()
    return read_history(directory / "history")


def test_answers_are_ok_and_each_worker_waits_for_its_own(tmp_path: Path) -> None:
    found = history(tmp_path, b"+OK\r\n")
    assert {operation.outcome for operation in found} == {Outcome.OK}
    assert {operation.worker for operation in found} == {0, 1}
    for worker in (0, 1):
        own = [operation for operation in found if operation.worker == worker]
        assert all(one.ended_s <= other.begun_s for one, other in pairwise(own))


def test_refusals_have_not_run(tmp_path: Path) -> None:
    found = history(tmp_path, b"-TRYAGAIN later\r\n")
    assert {(operation.outcome, operation.reply) for operation in found} == {(Outcome.FAIL, "TRYAGAIN later")}


def test_a_connection_that_ends_leaves_the_outcome_open(tmp_path: Path) -> None:
    found = history(tmp_path, b"")
    assert {(operation.outcome, operation.reply) for operation in found} == {(Outcome.UNKNOWN, None)}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [(b"v", "v"), (None, None), (7, "7"), ([b"2", b"1"], "1\n2"), ([], "")],
)
def test_replies_are_written_as_text(reply: object, expected: str | None) -> None:
    assert told(reply) == (Outcome.OK, expected)
