from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.commands.context import Context
from respcache.commands.pending import Pending, Slot
from respcache.gateway.messages import HttpError, Response, Steps, Together
from respcache.gateway.steps import COMMANDS_PER_TURN, OPEN, REST, StepRunner
from respcache.protocol.encoder import encode
from respcache.protocol.replies import SimpleString


class Held:
    """What a dispatcher answers while it is paused."""


class Commands:
    """Runs commands: ``now`` answers at once, ``later`` and ``far`` when they are let, ``held`` not before the pause ends."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.pendings: list[tuple[Pending, bytes]] = []
        self.slots: list[tuple[Slot, bytes]] = []
        self.is_paused = True
        self.connection: Any = None

    def serve(self, context: Context, argv: list[bytes]) -> Any:
        how, word = argv
        if how == b"held" and self.is_paused:
            return Held
        self.begun.append(word)
        if how == b"later":
            self.pendings.append((Pending(), word))
            return self.pendings[-1][0]
        if how == b"far":
            self.slots.append((Slot(self.connection), word))
            return self.slots[-1][0]
        return SimpleString(word.decode()) if how == b"status" else word


class Bench:
    def __init__(self) -> None:
        self.commands = Commands()
        self.results: list[tuple[Any, Exception | None]] = []
        self.roused = 0
        context: Any = None
        self.runner = StepRunner(self.commands, context, self._rouse)
        self.commands.connection = self.runner

    def _rouse(self) -> None:
        self.roused += 1

    def start(self, steps: Steps) -> None:
        self.runner.start(steps, lambda result, error: self.results.append((result, error)))

    def finish(self) -> None:
        """Let everything come to its end."""
        for _ in range(10_000):
            if self.results:
                return
            self.runner.budget = COMMANDS_PER_TURN
            self.runner.go_on()
            if self.commands.slots:
                slot, word = self.commands.slots.pop()
                slot.fill(encode(word, 3))
            elif self.commands.pendings:
                pending, word = self.commands.pendings.pop(0)
                pending.resolve(word)
            else:
                self.commands.is_paused = False
                self.runner.release()
        raise AssertionError("it has no end")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def one(how: bytes, word: bytes = b"x") -> Steps:
    reply = yield [how, word]
    return Response(200, reply if isinstance(reply, bytes) else reply.encode())


@pytest.mark.parametrize("how", [b"now", b"status", b"later", b"far", b"held"])
def test_a_handler_gets_its_reply_however_long_that_takes(bench: Bench, how: bytes) -> None:
    bench.start(one(how))
    assert bool(bench.results) == (how in (b"now", b"status"))
    assert bench.runner.is_busy == (not bench.results)
    bench.finish()
    [(response, error)] = bench.results
    assert error is None
    assert response.body == b"x"
    assert not bench.runner.is_busy


HOWS = st.sampled_from([b"now", b"later", b"far", b"held"])


@given(st.lists(st.lists(HOWS, max_size=6), max_size=6))
def test_replies_stand_in_the_order_of_the_commands(rounds: list[list[bytes]]) -> None:
    bench, told = Bench(), []

    def steps() -> Steps:
        for number, hows in enumerate(rounds):
            words = [b"%d-%d" % (number, at) for at in range(len(hows))]
            if len(words) == 1:
                told.append([(yield [hows[0], words[0]])])
            else:
                told.append((yield Together([[how, word] for how, word in zip(hows, words, strict=True)])))
        return Response(204)

    bench.start(steps())
    bench.finish()
    expected = [[b"%d-%d" % (number, at) for at in range(len(hows))] for number, hows in enumerate(rounds)]
    assert told == expected
    assert bench.commands.begun == [word for words in expected for word in words]


def test_of_many_together_only_so_many_are_open(bench: Bench) -> None:
    def steps() -> Steps:
        yield Together([[b"far", b"%d" % at] for at in range(3 * OPEN)])
        return Response(204)

    bench.start(steps())
    assert len(bench.commands.slots) == OPEN
    bench.finish()
    assert len(bench.commands.begun) == 3 * OPEN


@pytest.mark.parametrize("is_together", [True, False])
def test_a_long_handler_is_interrupted_for_others(bench: Bench, is_together: bool) -> None:
    def steps() -> Steps:
        calls = [[b"now", b"%d" % at] for at in range(1000)]
        if is_together:
            yield Together(calls)
        else:
            for call in calls:  # noqa: UP028  # a list takes no replies
                yield call
        return Response(204)

    bench.start(steps())
    assert bench.runner.is_interrupted
    assert bench.roused == 1
    assert len(bench.commands.begun) == COMMANDS_PER_TURN
    bench.runner.settle()
    bench.runner.release()
    assert len(bench.commands.begun) == COMMANDS_PER_TURN
    bench.finish()
    assert len(bench.commands.begun) == 1000


@pytest.mark.parametrize("is_late", [False, True])
def test_what_is_no_command_can_be_waited_for_as_well(bench: Bench, is_late: bool) -> None:
    pending = Pending()

    def steps() -> Steps:
        found = yield pending
        word = yield [b"now", b"x"]
        return Response(200, b"%d %b" % (found, word))

    if not is_late:
        pending.resolve(7)
    bench.start(steps())
    if is_late:
        assert not bench.results
        pending.resolve(7)
    assert bench.results[0][0].body == b"7 x"


def test_a_handler_can_let_everybody_else_have_a_turn(bench: Bench) -> None:
    def steps() -> Steps:
        yield [b"now", b"x"]
        yield REST
        yield [b"now", b"y"]
        return Response(204)

    bench.start(steps())
    assert (bench.commands.begun, bench.runner.is_interrupted) == ([b"x"], True)
    bench.runner.go_on()
    assert bench.commands.begun == [b"x", b"y"]
    assert bench.results


def test_a_refusal_and_a_bug_end_it_alike(bench: Bench) -> None:
    def steps(error: Exception) -> Steps:
        yield [b"now", b"x"]
        raise error

    for error in (HttpError(404, "no"), KeyError("bug")):
        bench.start(steps(error))
        assert bench.results.pop() == (None, error)
        assert not bench.runner.is_busy


@pytest.mark.parametrize("how", [b"later", b"far", b"held"])
def test_who_has_gone_is_answered_no_more(bench: Bench, how: bytes) -> None:
    closed: list[bool] = []

    def steps() -> Steps:
        try:
            yield [how, b"x"]
        finally:
            closed.append(True)
        return Response(204)

    bench.start(steps())
    bench.runner.stop()
    assert closed == [True]
    ends: list[Callable[[], None]] = [
        *[lambda s=slot, w=word: s.fill(encode(w, 3)) for slot, word in bench.commands.slots],
        *[lambda p=pending, w=word: p.resolve(w) for pending, word in bench.commands.pendings],
        bench.runner.release,
        bench.runner.go_on,
    ]
    for end in ends:
        end()
    assert not bench.results
    assert not bench.runner.is_busy


def test_a_late_reply_does_not_reach_the_next_handler(bench: Bench) -> None:
    bench.start(one(b"later", b"old"))
    bench.runner.stop()
    bench.start(one(b"later", b"new"))
    (old, _), (new, _) = bench.commands.pendings
    old.resolve(b"old")
    assert not bench.results
    new.resolve(b"new")
    assert bench.results[0][0].body == b"new"
