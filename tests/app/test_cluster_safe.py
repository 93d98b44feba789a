from collections.abc import Callable, Iterable

import pytest

from respcache.app.client import ClientError
from respcache.app.cluster_safe import PAUSE_S, ask, wait_until_safe
from tests.app.fakes import scripted_server


class Patience:
    """A clock that only sleeping moves, and what was said."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.said: list[str] = []

    def wait(self, ask: Callable[[], str], wait_s: float) -> bool:
        def sleep(seconds: float) -> None:
            self.now_s += seconds

        return wait_until_safe(ask, wait_s, now_s=lambda: self.now_s, sleep=sleep, say=self.said.append)


def answers(*told: str | ClientError) -> Callable[[], str]:
    """Return what answers so, one after the other."""
    following = iter(told)

    def ask() -> str:
        answer = next(following)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    return ask


def for_ever(answer: str) -> Iterable[str]:
    while True:
        yield answer


def test_what_is_safe_at_once_is_asked_once() -> None:
    patience = Patience()
    assert patience.wait(answers(""), 10)
    assert (patience.now_s, patience.said) == (100.0, [])


def test_without_patience_a_cluster_is_asked_once() -> None:
    patience = Patience()
    assert not patience.wait(answers("degraded 3"), 0)
    assert patience.said == ["degraded 3"]


def test_it_is_asked_until_it_is_safe_and_each_reason_is_told_once() -> None:
    patience = Patience()
    assert patience.wait(answers("degraded 3", "degraded 3", "moving 1", ""), 10)
    assert patience.said == ["degraded 3", "moving 1"]
    assert patience.now_s == 100.0 + 3 * PAUSE_S


def test_patience_ends() -> None:
    patience = Patience()
    assert not patience.wait(iter(for_ever("degraded 3")).__next__, 2)
    assert patience.now_s == 102.0


def test_a_node_that_restarts_is_waited_for() -> None:
    patience = Patience()
    assert patience.wait(answers(ClientError("refused"), ""), 10)
    assert patience.said == ["refused"]


def test_a_node_that_cannot_be_reached_at_last_is_an_error() -> None:
    with pytest.raises(ClientError, match="refused"):
        Patience().wait(answers(ClientError("refused")), 0)


def test_the_reasons_are_those_of_the_answer() -> None:
    with scripted_server([b"+OK\r\n"], [b"-UNSAFE degraded 1, moving 0\r\n"]) as address:
        assert ask(address, 1) == ""
        assert ask(address, 3) == "degraded 1, moving 0"


def test_other_errors_are_no_reasons() -> None:
    with (
        scripted_server([b"-NOAUTH Authentication required.\r\n"]) as address,
        pytest.raises(ClientError, match="NOAUTH"),
    ):
        ask(address, 1)
