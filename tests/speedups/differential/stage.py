"""Plays a program on both servers and says in what they differ.

A step is over when both servers have nothing more to say about it. Nearly always a PING with a word of its own tells: it is
sent behind the step, and its answer comes back. Where it cannot (replies are off, MULTI queues it, an unfinished command
swallows it) the harness' own connection makes each server go round, until nothing has been run or said for some rounds.
"""

import tempfile
import time
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final, Self

from tests.speedups.differential.keyspaces import check_values, differences_of_state
from tests.speedups.differential.masks import first_difference
from tests.speedups.differential.programs import USUAL, Burst, Leave, Program, Step, parts_of
from tests.speedups.differential.sides import Kind, ServerFailureError, Side, wait_for_any
from tests.wire import encode_command

TURNS: Final = 3
"""One turn reads and answers, a second writes to others, a third closes what is to be closed."""
DELAY_S: Final = 0.06
"""Three times what the longest CLIENT PAUSE or owner's sleep of a program takes."""
LATE_S: Final = 3.0
"""How long a server may take to see that a connection has gone: a busy machine stops a process for a second."""
DEAF_S: Final = 0.03
STUCK_S: Final = 60.0


class Stage:
    """Two servers, ready for one program after another."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="respcache-differential-")
        self._kinds = kinds
        self._marks = 0
        self._may_delay = False
        self.sides: list[Side] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        self.sides = [Side(kind, Path(self._directory.name)) for kind in self._kinds]

    def restart(self) -> None:
        """Begin anew with fresh servers, whatever state these are in."""
        for side in self.sides:
            side.leave()
            side.kill()
        self.sides = []
        self.start()

    def close(self) -> None:
        """Stop both; raises if one does not end as it should."""
        failures = []
        for side in self.sides:
            try:
                side.stop()
            except ServerFailureError as failure:
                failures.append(failure)
        self.sides = []
        self._directory.cleanup()
        if failures:
            raise failures[0]

    def play(self, program: Program) -> str:
        """Play a program; return the differences found, empty if there are none."""
        try:
            self._prepare(program)
            self._play_steps(program.steps)
            return self._judge(program)
        except ServerFailureError as failure:
            account = str(failure)
            self.restart()
            return account
        finally:
            for side in self.sides:
                side.leave()

    # -- a trial ---------------------------------------------------------------

    def _prepare(self, program: Program) -> None:
        words = [word for setting in {**USUAL, **program.settings}.items() for word in setting]
        self._marks = 0
        self._may_delay = False
        for side in self.sides:
            side.leave()
        self._wait_until_alone()
        for side in self.sides:
            # Keys whose time has come go when they are touched: when the sweep comes by is a matter of milliseconds.
            begin = [["DEBUG", "SET-ACTIVE-EXPIRE", "0"], ["FLUSHALL"], ["SLOWLOG", "RESET"]]
            for call in (*begin, ["CONFIG", "SET", *words], *side.kind.changes):
                reply = side.call(*call)
                if reply.startswith(b"-"):
                    raise AssertionError(f"{call} was answered {reply!r}")
            side.call("CONFIG", "RESETSTAT")
            side.note_changes()

    def _wait_until_alone(self) -> None:
        """Wait until both have noticed that the last trial's connections are gone."""
        deadline = time.monotonic() + LATE_S
        # Both are asked equally often: what they are asked is counted.
        while True:
            told = [side.call("INFO", "clients") for side in self.sides]
            if all(b"connected_clients:1\r\n" in clients for clients in told):
                return
            if time.monotonic() > deadline:
                raise ServerFailureError("a server keeps connections that are closed")
            time.sleep(0.001)

    def _play_steps(self, steps: Sequence[Step]) -> None:
        together: list[Burst] = []
        for step in steps:
            if isinstance(step, Leave):
                self._leave(step)
                continue
            # A connection cannot be in two places at once, whatever is left of a program that is made shorter.
            if any(step.connection == burst.connection for burst in together):
                self._send_all(together)
                together = []
            together.append(step)
            if not step.is_joined:
                self._send_all(together)
                together = []
        self._send_all(together)

    def _leave(self, step: Leave) -> None:
        for side in self.sides:
            line = side.line(step.connection)
            if step.half:
                line.finish_sending()
            else:
                line.socket.close()
                line.is_closed = True
        self._settle()

    def _send_all(self, bursts: Sequence[Burst]) -> None:
        """Send bursts, a part of each in turn, and see them through."""
        for burst in bursts:
            self._open(burst)
        for parts in zip_longest(*(parts_of(burst) for burst in bursts)):
            for burst, part in zip(bursts, parts, strict=True):
                self._send(burst.connection, part or b"")
                if burst.is_patient:
                    self._turn()
        marks = []
        for burst in bursts:
            self._marks += 1
            marks.append(b"<mark %d>" % self._marks)
            self._send(burst.connection, encode_command([b"PING", marks[-1]]))
        self._set_deaf(bursts, is_deaf=False)
        for burst, mark in zip(bursts, marks, strict=True):
            self._wait_for_answer(burst, mark)
        self._settle()

    def _open(self, burst: Burst) -> None:
        if all(side.line(burst.connection).is_closed for side in self.sides):
            for side in self.sides:
                side.retire(burst.connection)
        for side in self.sides:
            line = side.line(burst.connection)
            line.step_begin = len(line.received)
        if burst.is_deaf:
            self._set_deaf([burst], is_deaf=True)

    def _set_deaf(self, bursts: Sequence[Burst], *, is_deaf: bool) -> None:
        for side in self.sides:
            for burst in bursts:
                side.line(burst.connection).is_deaf = is_deaf

    def _send(self, connection: int, data: bytes) -> None:
        for side in self.sides:
            side.line(connection).push(data)
        begin_s = time.monotonic()
        while any(side.line(connection).has_unsent for side in self.sides):
            wait_for_any(self.sides, DEAF_S / 2)
            self._move()
            seconds = time.monotonic() - begin_s
            if seconds > DEAF_S:  # long enough for a server to have filled every buffer
                for side in self.sides:
                    side.line(connection).is_deaf = False
            if seconds > STUCK_S:
                raise ServerFailureError("a server reads no more of what is sent to it")

    def _turn(self) -> None:
        for side in self.sides:
            side.turn()
        self._move()

    def _move(self) -> bool:
        moved = [side.move() for side in self.sides]
        return any(moved)

    def _settle(self) -> None:
        """Let both servers tell others what a step has caused, and close what is to be closed."""
        for _ in range(TURNS):
            self._turn()

    def _wait_for_answer(self, burst: Burst, mark: bytes) -> None:
        """Wait for the mark; where it does not come, until both servers have gone round idly a few times."""
        until_s = time.monotonic() + STUCK_S
        before: list[tuple[int, ...]] = []
        idle_rounds = 0
        self._let_delays_pass(burst)
        while not all(self._is_answered(side, burst.connection, mark) for side in self.sides):
            self._move()
            if self._may_delay:
                self._end_pauses()  # of which one may have begun only now, behind another
            now = [side.progress(burst.connection) for side in self.sides]
            idle_rounds = idle_rounds + 1 if now == before else 0
            before = now
            if idle_rounds > TURNS or time.monotonic() > until_s:
                return  # if anything is missing, it will be seen
            wait_for_any(self.sides, 0.0005)

    def _let_delays_pass(self, burst: Burst) -> None:
        """Wait for what a step may have put off, by CLIENT PAUSE or by keeping an owner busy; or an EXEC of these."""
        said = b"".join(burst.pieces).lower()
        self._may_delay = self._may_delay or b"pause" in said or b"sleep" in said
        if not self._may_delay or not (b"pause" in said or b"sleep" in said or b"exec" in said):
            return
        end_s = time.monotonic() + DELAY_S
        while time.monotonic() < end_s:
            wait_for_any(self.sides, DELAY_S / 4)
            self._move()
        self._end_pauses()

    def _end_pauses(self) -> None:
        """A pause that is over is noticed within 100 ms; this is sooner."""
        for side in self.sides:
            side.call("CLIENT", "UNPAUSE")

    @staticmethod
    def _is_answered(side: Side, connection: int, mark: bytes) -> bool:
        line = side.line(connection)
        return line.is_closed or line.received.find(mark, line.step_begin) >= 0

    @staticmethod
    def _size(side: Side) -> int:
        return sum(len(line.received) for line in side.lines.values())

    # -- its end -----------------------------------------------------------------

    def _judge(self, program: Program) -> str:
        self._end_pauses()
        self._settle()
        self._wait_while_lines_differ()
        found = [] if program.is_lossy else self._differences_of_lines(program.is_abrupt)
        for side in self.sides:
            side.leave()
        self._wait_until_alone()
        if program.is_lossy:
            found += check_values(self.sides)
        else:
            found += differences_of_state(*self.sides, with_changes=not program.has_default_lives)
        for side in self.sides:
            side.check()
        return "\n".join(found)

    def _wait_while_lines_differ(self) -> None:
        """Give whoever has said less a little more time, and both some to close what is to be closed."""
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            one, other = self.sides
            if self._size(one) == self._size(other) and all(
                line.is_closed == other.lines[number].is_closed for number, line in one.lines.items()
            ):
                return
            self._turn()
            wait_for_any(self.sides, 0.005)

    def _differences_of_lines(self, is_abrupt: bool) -> list[str]:
        one, other = self.sides
        found = []
        for number, line in sorted(one.lines.items()):
            twin = other.lines[number]
            was_reset = line.was_reset or twin.was_reset or (is_abrupt and line.is_closed)
            difference = first_difference(
                bytes(line.received), bytes(twin.received), was_reset=was_reset, are_delayed=self._may_delay
            )
            if difference:
                found.append(f"connection {number}, {one.kind.name} and {other.kind.name}: {difference}")
            if line.is_closed != twin.is_closed:
                closer = one if line.is_closed else other
                found.append(f"connection {number} is closed by the {closer.kind.name} server only")
        return found
