from .availability import longest_outages, percentile
from .history import FINAL, Kind, Operation, Outcome


def operation(
    begun_s: float, ended_s: float, outcome: Outcome = Outcome.OK, *, key: str = "1", worker: int = 0
) -> Operation:
    return Operation(worker, "a", Kind.WRITE, key, "", begun_s, ended_s, outcome, None)


def longest(*operations: Operation) -> dict[int, float]:
    return {outage.partition: outage.seconds for outage in longest_outages(operations, int)}


def test_a_partition_that_answers_is_away_for_no_longer_than_an_answer_takes() -> None:
    assert longest(operation(0, 0.25), operation(10, 10.5)) == {1: 0.5}


def test_an_outage_lasts_from_the_first_vain_attempt_to_the_next_answer() -> None:
    story = [
        operation(0, 0.25),
        operation(1, 2, Outcome.UNKNOWN),
        operation(2, 3, Outcome.FAIL),
        operation(3.25, 3.5),
    ]
    assert longest(*story) == {1: 2.5}


def test_what_nobody_asked_for_is_not_known_to_be_away() -> None:
    story = [operation(0, 0.25), operation(1, 2, Outcome.UNKNOWN), operation(10, 10.25)]
    assert longest(*story) == {1: 1.0}


def test_an_outage_that_does_not_end_lasts_to_the_last_attempt() -> None:
    assert longest(operation(0, 0.25), operation(1, 5, Outcome.UNKNOWN)) == {1: 4}


def test_a_slow_answer_beside_quick_ones_is_no_outage() -> None:
    story = [operation(0, 4.75), *(operation(at, at + 0.25) for at in range(5))]
    assert longest(*story) == {1: 0.5}


def test_partitions_are_told_apart_the_worst_first() -> None:
    outages = longest_outages([operation(0, 1, key="3"), operation(0, 2, key="4")], int)
    assert [outage.partition for outage in outages] == [4, 3]


def test_looks_at_the_end_and_what_does_not_count_are_left_out() -> None:
    story = [operation(0, 9, worker=FINAL), operation(0, 8, Outcome.UNKNOWN)]
    assert longest_outages(story, int, counts=lambda o: o.outcome is Outcome.OK) == []


def test_percentiles_of_few_values() -> None:
    assert percentile([], 0.99) == 0
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([3, 1, 2], 0.99) == 3
