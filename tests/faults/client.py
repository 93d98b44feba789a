"""The process that plays the clients: many connections, one operation at a time on each, and everything that came of them in a file.

    python -m tests.faults.client PLAN.json

It works until its standard input ends, waits for what is on its way, and ends. It is a process of its own, and one loop,
because it must not stand still when the one that makes the faults does.
"""

import errno
import heapq
import random
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Final

import hiredis
import msgspec

from tests.wire import encode_command

from .history import Operation, Outcome, outcome_of_error, write_history
from .workloads import ALL, Command, Seat

CONNECT_S: Final = 1.0
AGAIN_S: Final = 0.1
"""Until a client tries another node, or the same, after a connection has failed."""

FLUSH_OPERATIONS: Final = 500
STEP_S: Final = 0.5
"""How often the loop looks whether it is to end, if nothing else happens."""


class Crew(msgspec.Struct):
    """Workers that do the same."""

    workload: str
    workers: int
    per_second: float
    """Operations of all of them together, if each is answered at once."""
    is_sticky: bool = False
    """They stay with their node, even while it is away: for reads after one's own writes through the same node."""


class Plan(msgspec.Struct):
    """Everything that a client process is told."""

    seed: str
    history: str
    nodes: dict[str, tuple[str, int]]
    crews: list[Crew]
    first_worker: int = 0
    patience_s: float = 3.0
    """How long an operation may take before its outcome is unknown and its connection is given up."""


class Worker:
    """One connection, or the wish for one."""

    def __init__(self, number: int, crew: Crew, plan: Plan, now_s: float) -> None:
        chance = random.Random(f"{plan.seed}/{number}")
        self.number = number
        self.period_s = crew.workers / crew.per_second
        self.wakes_at_s = self.due_s = now_s + chance.random() * self.period_s
        self.command: Command | None = None
        self.begun_s = 0.0
        self.socket: socket.socket | None = None
        self.is_connected = False
        self.reader = hiredis.Reader()
        self._is_sticky = crew.is_sticky
        self._nodes = list(plan.nodes.items())
        self._place = number
        self._work = ALL[crew.workload](Seat(number, chance))
        self._next: Command | None = None

    @property
    def node(self) -> str:
        return self._nodes[self._place % len(self._nodes)][0]

    @property
    def address(self) -> tuple[str, int]:
        return self._nodes[self._place % len(self._nodes)][1]

    def move_on(self) -> None:
        """Turn to another node, unless it is part of the work to stay."""
        if not self._is_sticky:
            self._place += 1

    def take(self) -> Command:
        """Return what is to be done next."""
        if self._next is None:
            self._next = next(self._work)
        return self._next

    def tell(self, operation: Operation) -> None:
        self._next = self._work.send(operation)


class Loop:
    """Everything that happens, in one thread."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._selector = selectors.DefaultSelector()
        self._done: list[Operation] = []
        self._history = Path(plan.history)
        self._history.touch()
        now_s = time.monotonic()
        kinds = [crew for crew in plan.crews for _ in range(crew.workers)]
        self._workers = [
            Worker(plan.first_worker + place, crew, plan, now_s) for place, crew in enumerate(kinds)
        ]
        self._timers = [(worker.wakes_at_s, worker.number, worker) for worker in self._workers]
        heapq.heapify(self._timers)
        self._is_ending = False

    def run(self) -> None:
        self._selector.register(sys.stdin, selectors.EVENT_READ, None)
        while not self._is_ending or any(worker.command for worker in self._workers):
            wait_s = min(STEP_S, self._timers[0][0] - time.monotonic()) if self._timers else STEP_S
            for key, _ in self._selector.select(max(0.0, wait_s)):
                if key.data is None:
                    self._is_ending = True
                    self._selector.unregister(sys.stdin)
                elif key.data.socket is key.fileobj:
                    self._stir(key.data)
            self._wake_all()
        write_history(self._history, self._done)

    def _wake_all(self) -> None:
        now_s = time.monotonic()
        while self._timers and self._timers[0][0] <= now_s:
            at_s, _, worker = heapq.heappop(self._timers)
            if at_s == worker.wakes_at_s:
                self._wake(worker, now_s)

    def _sleep(self, worker: Worker, until_s: float) -> None:
        worker.wakes_at_s = until_s
        heapq.heappush(self._timers, (until_s, worker.number, worker))

    def _wake(self, worker: Worker, now_s: float) -> None:
        """Do what is due: begin, or give up what has taken too long."""
        if worker.command is not None:
            self._finish(worker, Outcome.UNKNOWN, None)
            self._drop(worker)
        elif self._is_ending:
            return
        elif worker.socket is None:
            self._connect(worker, now_s)
        elif worker.is_connected:
            self._begin(worker, now_s)
        else:
            self._drop(worker)

    def _connect(self, worker: Worker, now_s: float) -> None:
        worker.socket = socket.socket()
        worker.socket.setblocking(False)
        worker.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        worker.reader = hiredis.Reader()
        if worker.socket.connect_ex(worker.address) not in {0, errno.EINPROGRESS}:
            self._drop(worker)
            return
        self._selector.register(worker.socket, selectors.EVENT_WRITE, worker)
        self._sleep(worker, now_s + CONNECT_S)

    def _stir(self, worker: Worker) -> None:
        """Look at a socket that has something to say."""
        assert worker.socket is not None
        if not worker.is_connected:
            if worker.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._drop(worker)
                return
            worker.is_connected = True
            self._selector.modify(worker.socket, selectors.EVENT_READ, worker)
            if not self._is_ending:
                self._begin(worker, time.monotonic())
            return
        try:
            data = worker.socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._finish(worker, Outcome.UNKNOWN, None)
            self._drop(worker)
            return
        worker.reader.feed(data)
        reply = worker.reader.gets()
        if reply is not False:
            self._finish(worker, *told(reply))
            self._rest(worker)

    def _begin(self, worker: Worker, now_s: float) -> None:
        command = worker.take()
        assert worker.socket is not None
        try:
            worker.socket.send(encode_command([word.encode() for word in command.argv]))
        except OSError:
            # Nothing has left: the connection was lost before, so this is no operation yet.
            self._drop(worker)
            return
        worker.command, worker.begun_s = command, now_s
        self._sleep(worker, now_s + self._plan.patience_s)

    def _finish(self, worker: Worker, outcome: Outcome, reply: str | None) -> None:
        command = worker.command
        if command is None:
            return
        worker.command = None
        operation = Operation(
            worker.number,
            worker.node,
            command.kind,
            command.key,
            command.value,
            worker.begun_s,
            time.monotonic(),
            outcome,
            reply,
        )
        worker.tell(operation)
        self._done.append(operation)
        if len(self._done) >= FLUSH_OPERATIONS:
            write_history(self._history, self._done)
            self._done.clear()

    def _rest(self, worker: Worker) -> None:
        """Wait for the next turn; who is late does not hurry afterwards."""
        now_s = time.monotonic()
        worker.due_s = max(worker.due_s + worker.period_s, now_s)
        self._sleep(worker, worker.due_s)

    def _drop(self, worker: Worker) -> None:
        """Give the connection up, and try again, elsewhere if possible."""
        if worker.socket is not None:
            if worker.socket in self._selector.get_map():
                self._selector.unregister(worker.socket)
            worker.socket.close()
        worker.socket, worker.is_connected = None, False
        worker.move_on()
        self._sleep(worker, time.monotonic() + AGAIN_S)


def told(reply: object) -> tuple[Outcome, str | None]:
    """Say what a reply tells of its command, and the reply as it stands in histories."""
    if isinstance(reply, hiredis.ReplyError):
        return outcome_of_error(str(reply)), str(reply)
    if isinstance(reply, list):
        return Outcome.OK, "\n".join(sorted(word.decode() for word in reply))
    if isinstance(reply, bytes):
        return Outcome.OK, reply.decode()
    return Outcome.OK, None if reply is None else str(reply)


if __name__ == "__main__":
    Loop(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)).run()
