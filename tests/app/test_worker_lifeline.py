import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from respcache.app.configuration import ConfigurationError
from respcache.app.worker_lifeline import VARIABLE, Lifeline, Watched, taken_lifeline
from tests.servers import REPOSITORY

WORKER = """
import os, signal, sys, threading
sys.path.insert(0, sys.argv[1])
from respcache.app.worker_lifeline import taken_lifeline
lifeline = taken_lifeline(os.environ)
lifeline._patience_s = 0.01
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, lambda *_: None)
lifeline.watch()
lifeline.tell_ready()
threading.Event().wait(20)
"""


@contextmanager
def worker(manner: str) -> Iterator[tuple[subprocess.Popen[bytes], Watched]]:
    watched = Watched()
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(REPOSITORY), manner],
        env={VARIABLE: f"3:{watched.descriptor}"},
        pass_fds=(watched.descriptor,),
    )
    watched.hand_over()
    try:
        yield process, watched
    finally:
        watched.close()
        process.kill()
        process.wait()


@pytest.mark.parametrize(("manner", "code"), [("obedient", -signal.SIGTERM), ("stubborn", 1)])
def test_a_worker_tells_that_it_is_ready_and_ends_with_its_supervisor(manner: str, code: int) -> None:
    heard: list[str] = []
    with worker(manner) as (process, watched):
        assert watched.read(lambda: heard.append("ready"))
        assert heard == ["ready"]
        watched.close()  # as the kernel does when the supervisor is killed
        assert process.wait(10) == code


def test_a_worker_that_is_gone_is_the_end_of_the_stream() -> None:
    with worker("obedient") as (process, watched):
        process.kill()
        assert not watched.read(lambda: None)


def test_a_server_of_its_own_has_no_lifeline() -> None:
    assert taken_lifeline({}) is None
    assert taken_lifeline({VARIABLE: ""}) is None


@pytest.mark.parametrize("text", ["x", "1", "1:x", "1:-1", "1:987654"])
def test_a_lifeline_that_leads_nowhere_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="for workers alone"):
        taken_lifeline({VARIABLE: text})


def test_log_records_say_which_worker_they_are_from() -> None:
    watched, old = Watched(), logging.getLogRecordFactory()
    try:
        Lifeline(7, watched.end).mark_log()
        record = logging.getLogger("any").makeRecord("any", logging.INFO, "f", 1, "text", (), None)
    finally:
        logging.setLogRecordFactory(old)
        watched.close()
    assert vars(record)["worker"] == 7


def test_a_supervisor_that_is_gone_cannot_be_told() -> None:
    watched = Watched()
    other = Watched()
    watched.end.close()
    Lifeline(0, watched._worker_end).tell_ready()  # raises nothing
    watched.close()
    other.close()
