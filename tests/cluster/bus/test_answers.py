"""Answers to other nodes' commands wait until they may be seen, and are given once, wherever they are asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from respcache.cluster.bus.answers import LateAnswer, LateRun, notable, partitions_at
from respcache.cluster.bus.frames import ANYWHERE, PLACE_BITS, Request
from respcache.cluster.bus.memory import Memory
from respcache.cluster.replication.held import REPLACED_WIRE, Late
from tests.commands.harness import Harness


class Giver:
    """A connection that notes what it gives."""

    def __init__(self, memory: Memory | None = None, *, holds_back: bool = False) -> None:
        self.memory = memory or Memory()
        self.given: list[tuple[int, int, list[bytes]]] = []
        self.refused: list[tuple[int, int, Sequence[int]]] = []
        self._holds_back = holds_back

    def answer(self, batch: int, first: int, wires: list[bytes]) -> None:
        self.given.append((batch, first, wires))

    def refuse(self, batch: int, position: int, partitions: Sequence[int]) -> None:
        self.refused.append((batch, position, partitions))

    def holds_back(self, late: Late, batch: int, answers: object) -> bool:
        return self._holds_back


def request(*commands: bytes, first: int = 0, places: list[int] | None = None) -> Request:
    words = [command.split() for command in commands]
    return Request(5, first, 0, 0, 2, False, places or [7] * len(words), words)


def held(
    giver: Giver, *, places: list[int] | None = None, cut: Mapping[int, Sequence[int]] | None = None
) -> LateRun:
    commands = request(b"SET a 1", b"GET b", first=3, places=places)
    run = LateRun(giver, commands, 3, [b"+OK\r\n", b"$1\r\n2\r\n"], is_write=True, cut=cut or {})
    giver.memory.hold(run)
    return run


def test_an_answer_is_given_at_once_where_nothing_holds_it_back() -> None:
    giver = Giver()
    late = LateAnswer(giver, 5, 3, [7], is_write=True)
    late.fill(b":1\r\n")
    assert late.is_over
    assert giver.given == [(5, 3, [b":1\r\n"])]
    assert giver.memory.find(5, 3) == b":1\r\n"


def test_an_answer_that_is_held_back_is_neither_given_nor_remembered() -> None:
    giver = Giver(holds_back=True)
    late = LateAnswer(giver, 5, 3, [7], is_write=True)
    late.fill(b":1\r\n")
    assert (late.has_run, late.is_over, giver.given, giver.memory.find(5, 3)) == (True, False, [], None)
    late.leave()
    assert giver.given == [(5, 3, [b":1\r\n"])]


@pytest.mark.parametrize(("partitions", "is_lost"), [([7], True), ([8], False), ([], True)])
def test_an_answer_is_lost_with_its_partition(partitions: list[int], is_lost: bool) -> None:
    giver = Giver(holds_back=True)
    late = LateAnswer(giver, 5, 3, partitions, is_write=True)
    late.fill(b":1\r\n")
    late.lose(7)
    late.leave()
    assert giver.given == [(5, 3, [REPLACED_WIRE if is_lost else b":1\r\n"])]


def test_a_run_is_answered_in_one_frame() -> None:
    giver = Giver()
    run = held(giver)
    assert giver.memory.find_held(5, 4) is run
    run.leave()
    assert giver.given == [(5, 3, [b"+OK\r\n", b"$1\r\n2\r\n"])]
    assert giver.memory.find(5, 4) == b"$1\r\n2\r\n"
    assert giver.memory.is_idle


def test_a_run_that_was_asked_for_again_is_answered_one_by_one() -> None:
    old = Giver()
    run = held(old)
    run.inlet = new = Giver(old.memory)
    run.is_asked = True
    run.leave()
    assert old.given == []
    assert new.given == [(5, 3, [b"+OK\r\n"]), (5, 4, [b"$1\r\n2\r\n"])]


def test_of_a_run_only_those_of_a_lost_partition_fail() -> None:
    giver = Giver()
    run = held(giver, places=[7 | 1 << PLACE_BITS, 8])
    told = run.wires
    run.lose(7)
    run.leave()
    assert giver.given == [(5, 3, [REPLACED_WIRE, b"$1\r\n2\r\n"])]
    assert told == [b"+OK\r\n", b"$1\r\n2\r\n"], "copies are told what was answered, whoever hears it"


@pytest.mark.parametrize(
    ("concerned", "lost", "is_lost"),
    [([7, 8], 8, True), ([7, 8], 7, True), ([8], 7, False), ([7, 8], 9, False), ([], 9, True)],
    ids=str,
)
def test_a_command_of_many_partitions_fails_with_any_of_them_and_with_no_other(
    concerned: list[int], lost: int, is_lost: bool
) -> None:
    run = held(Giver(), places=[6, 7], cut={4: concerned})
    run.lose(lost)
    assert run.wires == [b"+OK\r\n", REPLACED_WIRE if is_lost else b"$1\r\n2\r\n"]


def fast() -> Any:
    return Harness().dispatcher.fast_here


def test_copies_are_told_all_short_answers() -> None:
    wires = [b"+OK\r\n", b"$1\r\n2\r\n"]
    assert notable(request(b"SET a 1", b"GET b"), 0, wires, fast()) == [(0, wires)]


def test_copies_are_not_told_long_answers_of_reads() -> None:
    commands = request(b"GET a", b"SET a 1 GET", b"GET a", b"INCR n", first=2)
    wires = [b"x" * 5000, b"y" * 5000, b"short", b":1\r\n"]
    assert notable(commands, 2, wires, fast()) == [(3, [wires[1]]), (4, [wires[2]]), (5, [wires[3]])]


def test_places_beyond_all_partitions_are_none() -> None:
    assert partitions_at([7 | 3 << PLACE_BITS, ANYWHERE]) == [7]


def test_what_has_strayed_is_refused_where_it_was_last_asked_for_and_is_not_remembered() -> None:
    memory = Memory()
    first, second = Giver(memory), Giver(memory)
    late = LateAnswer(first, 5, 3, [7], is_write=True)
    memory.late[5, 3] = late
    late.inlet = second
    assert late.stray()
    assert (first.refused, second.refused) == ([], [(5, 3, [7])])
    assert late.is_over
    assert memory.is_idle
    assert memory.find(5, 3) is None


@pytest.mark.parametrize("partitions", [[], [7, 8]])
def test_what_has_no_one_place_cannot_go_on(partitions: list[int]) -> None:
    giver = Giver()
    assert not LateAnswer(giver, 5, 3, partitions, is_write=True).stray()
    assert giver.refused == []
