"""Who waits for copies is answered once, as soon as there are enough or time is up."""

import pytest

from respcache.commands import waits as module
from respcache.commands.client import Client, Ending
from respcache.commands.waits import Wait, Waits
from tests.commands.harness import Harness


class Copies:
    def __init__(self) -> None:
        self.number = 0

    def count(self) -> int:
        return self.number


@pytest.fixture
def copies() -> Copies:
    return Copies()


@pytest.fixture
def client() -> Client:
    return Harness().client().record


def waiting(waits: Waits, client: Client, copies: Copies, deadline_ms: int | None = None) -> list[object]:
    wait = Wait(client, 2, deadline_ms, copies.count)
    answers: list[object] = []
    wait.pending.when_done(answers.append)
    waits.add(wait)
    return answers


def test_who_waits_is_answered_when_there_are_enough(client: Client, copies: Copies) -> None:
    waits = Waits()
    answers = waiting(waits, client, copies)
    [wait] = waits._waits
    copies.number = 1
    waits.look(wait)
    assert answers == []
    copies.number = 3
    waits.look(wait)
    waits.look(wait)
    assert answers == [3]
    assert not len(waits)


def test_who_waits_is_answered_when_his_time_is_up(client: Client, copies: Copies) -> None:
    waits = Waits()
    answers = waiting(waits, client, copies, 100)
    copies.number = 1
    waits.tick(99)
    assert answers == []
    waits.tick(100)
    assert answers == [1]


def test_who_has_gone_is_forgotten(client: Client, copies: Copies) -> None:
    waits = Waits()
    answers = waiting(waits, client, copies)
    client.ending = Ending.AT_ONCE
    waits.tick(1 << 60)
    assert (answers, len(waits)) == ([], 0)


def test_no_more_wait_than_is_good(client: Client, copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    waits = Waits()
    assert waiting(waits, client, copies) == []
    assert waiting(waits, client, copies) == [0]
    assert len(waits) == 1
