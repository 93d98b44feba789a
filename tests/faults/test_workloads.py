import random
from collections.abc import Callable

import pytest

from .checkers import check
from .history import FINAL, Kind, Operation, Outcome
from .workloads import ALL, WATCHED, Command, Seat, last_looks, partition_of, watched_tags

Answer = Callable[[Command], tuple[Outcome, str | None]]


class Memory:
    """A server that never fails: what workloads and checkers must agree about."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.hashes: dict[str, set[str]] = {}

    def __call__(self, command: Command) -> tuple[Outcome, str | None]:
        name, key, *rest = command.argv
        reply: str | None = "OK"
        match name:
            case "SET" if "NX" in rest and key in self.values:
                reply = None
            case "SET":
                self.values[key] = rest[0]
            case "GET":
                reply = self.values.get(key)
            case "DEL":
                self.values.pop(key, None)
            case "INCR":
                reply = self.values[key] = str(int(self.values.get(key, "0")) + 1)
            case "HSET":
                self.hashes.setdefault(key, set()).add(rest[0])
            case "HKEYS":
                reply = "\n".join(sorted(self.hashes.get(key, set())))
        return Outcome.OK, reply


def story(name: str, answer: Answer, *, workers: int = 3, steps: int = 300) -> list[Operation]:
    """Let workers take turns, a millisecond for each operation."""
    history: list[Operation] = []
    crew = [ALL[name](Seat(number, random.Random(number))) for number in range(workers)]
    commands = [next(work) for work in crew]
    for step in range(steps):
        number = step % workers
        command, now_s = commands[number], step / 1000
        outcome, reply = answer(command)
        operation = Operation(
            number, "a", command.kind, command.key, command.value, now_s, now_s + 0.0005, outcome, reply
        )
        history.append(operation)
        commands[number] = crew[number].send(operation)
    return history


def looks(history: list[Operation], answer: Answer) -> list[Operation]:
    return [
        Operation(FINAL, "a", command.kind, command.key, "", 1.0, 1.1, *answer(command))
        for command in last_looks(history)
    ]


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_server_that_never_fails_passes_every_check(name: str) -> None:
    memory = Memory()
    history = story(name, memory)
    final = looks(history, memory)
    assert {look.key for look in final} == {operation.key for operation in history}
    assert check([*history, *final]) == []


@pytest.mark.parametrize("name", sorted(set(ALL) - {"fleeting", "churn"}))
def test_a_server_that_forgets_all_is_found_out(name: str) -> None:
    history = story(name, Memory())
    assert check([*history, *looks(history, Memory())])


def test_keys_of_one_workload_have_one_writer() -> None:
    history = story("registers", Memory())
    writers = {(operation.key, operation.worker) for operation in history}
    assert len(writers) == len({key for key, _ in writers})


def test_a_key_of_unknown_outcome_is_left_alone() -> None:
    def unsure(command: Command) -> tuple[Outcome, str | None]:
        return Outcome.UNKNOWN, None

    history = story("registers", unsure)
    assert len({operation.key for operation in history}) == len(history)
    assert {operation.kind for operation in history} <= {Kind.WRITE, Kind.DELETE}


def test_watched_partitions_are_spread_over_all() -> None:
    places = [partition_of(f"any:{{{tag}}}") for tag in watched_tags()]
    assert [place * WATCHED // 1024 for place in places] == list(range(WATCHED))


@pytest.mark.parametrize("name", sorted(ALL))
def test_everything_follows_from_the_seed(name: str) -> None:
    assert story(name, Memory()) == story(name, Memory())
