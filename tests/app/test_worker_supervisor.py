"""With tiny workers, each a script that knows which of its lives it is in."""

import logging
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from respcache.app.worker_supervisor import Patience, Supervisor, Worker
from respcache.backoff import Backoff

# Short words for the scripts below. A life is counted in a file, because only that outlives the process.
PRELUDE = """
import os, signal, sys, time
number, _, line = os.environ["RESPCACHE_LIFELINE"].partition(":")
with open("lives" + number, "a") as file:
    file.write("x")
life = os.path.getsize("lives" + number)
boss = os.getppid()
def say(word):
    with open("said", "a") as file:
        file.write(number + word + " ")
def ready(): os.write(int(line), b"r")
def on(name, word, *actions):
    def handle(*_):
        say(word)
        for action in actions:
            action()
    signal.signal(getattr(signal, "SIG" + name), handle)
def stop_all(name="TERM"): os.kill(boss, getattr(signal, "SIG" + name))
def await_said(word):
    while not os.path.exists("said") or word not in open("said").read().split():
        time.sleep(0.001)
def end(code=0): return lambda: os._exit(code)
def stay():
    while True:
        signal.pause()
"""

STEADY = "on('TERM', 'stopped', end()); ready(); stay()"


@dataclass(slots=True)
class Group:
    """A supervisor with some scripts, and what came of them."""

    directory: Path
    patience: Patience = field(default_factory=lambda: Patience(stop_s=10.0))
    announced: int = 0
    on_ready: Callable[[], None] = lambda: None

    def run(self, *scripts: str) -> int:
        workers = [
            Worker(number, [sys.executable, "-S", "-E", "-c", PRELUDE + script], self._backoff())
            for number, script in enumerate(scripts)
        ]
        return Supervisor(workers, dict(os.environ), self.directory, self.patience, self._note_ready).run()

    @property
    def said(self) -> list[str]:
        path = self.directory / "said"
        return sorted(path.read_text().split()) if path.exists() else []

    def lives(self, number: int) -> int:
        return len((self.directory / f"lives{number}").read_text())

    def _note_ready(self) -> None:
        self.announced += 1
        self.on_ready()

    def _backoff(self) -> Backoff:
        return Backoff(random.Random(1), 0.001, 0.002)


@pytest.fixture
def group(tmp_path: Path) -> Group:
    return Group(tmp_path)


def stop_us() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_all_are_stopped_by_one_signal_which_each_hears_once(group: Group) -> None:
    group.on_ready = stop_us
    assert group.run(STEADY, STEADY) == 0
    assert group.said == ["0stopped", "1stopped"]


def test_readiness_is_told_once_all_are_ready(group: Group) -> None:
    group.on_ready = stop_us
    assert group.run(STEADY, STEADY) == 0
    assert group.announced == 1


def test_readiness_is_not_told_while_one_is_not(group: Group) -> None:
    assert group.run(STEADY, "on('TERM', 'never ready', end()); stop_all(); stay()") == 0
    assert group.announced == 0


def test_a_worker_that_dies_is_started_again(group: Group, caplog: pytest.LogCaptureFixture) -> None:
    mortal = """
ready()
if life < 3: os.kill(os.getpid(), signal.SIGKILL)
on('TERM', 'stopped', end())
stop_all()
stay()
"""
    assert group.run(STEADY, mortal) == 0
    assert (group.lives(0), group.lives(1)) == (1, 3)
    assert group.announced <= 1
    assert group.said == ["0stopped", "1stopped"]
    assert caplog.text.count("worker 1 died (killed by SIGKILL): starting it again in 0.0 s") == 2


def test_a_worker_that_cannot_start_ends_all_with_its_exit_code(
    group: Group, caplog: pytest.LogCaptureFixture
) -> None:
    serving = "on('TERM', 'stopped', end()); ready(); say('serves'); stay()"
    assert group.run(serving, "await_said('0serves'); sys.exit(3)") == 3
    assert (group.lives(0), group.lives(1)) == (1, 1)
    assert "worker 1 could not start (exit code 3): stopping" in caplog.text


def test_a_command_that_is_none_ends_all(tmp_path: Path) -> None:
    workers = [Worker(number, ["/no/such"], Backoff(random.Random(1), 1, 1)) for number in range(2)]
    assert Supervisor(workers, {}, tmp_path, Patience(1.0), lambda: None).run() == 1


def test_a_worker_that_fails_to_come_back_is_tried_again_while_others_serve(group: Group) -> None:
    flaky = """
if life == 1:
    await_said("0serves")
    ready()
if life < 8: sys.exit(1)
ready()
on('TERM', 'stopped', end())
stop_all()
stay()
"""
    assert group.run("ready(); say('serves'); stay()", flaky) == 0
    assert group.lives(1) == 8


def test_workers_none_of_which_come_back_end_in_the_end(group: Group) -> None:
    broken = "if life == 1: ready()\nsys.exit(4)"
    assert group.run(broken) == 4
    assert group.lives(0) == 1 + 5


def test_a_worker_that_was_told_to_stop_takes_all_with_it(group: Group) -> None:
    assert group.run(STEADY, "ready(); sys.exit(0)") == 0
    assert group.lives(1) == 1


def test_a_second_signal_kills(group: Group) -> None:
    group.patience = Patience(stop_s=10.0, again_s=0.0)
    stubborn = "on('TERM', 'heard', stop_all); ready(); stay()"
    group.on_ready = stop_us
    assert group.run(stubborn) == 1
    assert group.said == ["0heard"]


def test_the_same_signal_twice_at_once_is_one(group: Group) -> None:
    slow = "on('TERM', 'heard', stop_all, end()); ready(); stay()"
    group.on_ready = stop_us
    assert group.run(slow) == 0


def test_who_does_not_stop_in_time_is_killed(group: Group, caplog: pytest.LogCaptureFixture) -> None:
    group.patience = Patience(stop_s=0.05)
    group.on_ready = stop_us
    assert group.run(STEADY, "on('TERM', 'ignored'); ready(); stay()") == 1
    assert "workers did not stop within 0 s: killing them" in caplog.text


def test_a_reload_is_passed_on(group: Group) -> None:
    group.on_ready = lambda: os.kill(os.getpid(), signal.SIGHUP)
    listener = "on('HUP', 'reloaded', stop_all); on('TERM', 'stopped', end()); ready(); stay()"
    assert group.run(listener) == 0
    assert group.said == ["0reloaded", "0stopped"]


def test_a_failure_while_stopping_is_not_hidden(group: Group) -> None:
    group.on_ready = stop_us
    assert group.run(STEADY, "on('TERM', 'broke', end(6)); ready(); stay()") == 6


def test_handlers_are_as_before_afterwards(group: Group) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    group.on_ready = stop_us
    group.run(STEADY)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)) == before


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
