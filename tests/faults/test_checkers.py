from collections.abc import Sequence

import pytest

from .checkers import (
    CAME_BACK,
    FIELD_LOST,
    GRANTED_TWICE,
    INVENTED,
    LOST,
    MISSED,
    RAN_ALL_THE_SAME,
    SAME_NUMBER,
    STALE,
    TOO_HIGH,
    TOO_LOW,
    TOO_OLD,
    TOO_SHORT,
    WENT_BACK,
    check,
    complaints,
    stale_acknowledgements,
    tallies,
)
from .history import FINAL, Kind, Operation, Outcome

OK, FAIL, UNKNOWN = Outcome.OK, Outcome.FAIL, Outcome.UNKNOWN


class Story:
    """A history in the making: each operation begins a second after the last, and takes half of one."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def add(
        self,
        kind: Kind,
        key: str = "k",
        value: str = "",
        outcome: Outcome = OK,
        reply: str | None = None,
        *,
        worker: int = 0,
        node: str = "a",
        at_s: float | None = None,
        took_s: float = 0.5,
    ) -> "Story":
        begun_s = float(len(self.operations)) if at_s is None else at_s
        self.operations.append(
            Operation(worker, node, kind, key, value, begun_s, begun_s + took_s, outcome, reply)
        )
        return self

    def write(self, value: str, outcome: Outcome = OK) -> "Story":
        return self.add(Kind.WRITE, value=value, outcome=outcome, reply="OK" if outcome is OK else None)

    def delete(self, outcome: Outcome = OK, reply: str = "1") -> "Story":
        return self.add(Kind.DELETE, outcome=outcome, reply=reply)

    def read(self, reply: str | None, *, worker: int = 0, at_s: float | None = None) -> "Story":
        return self.add(Kind.READ, reply=reply, worker=worker, at_s=at_s)

    def increment(self, reply: str | None, outcome: Outcome = OK, *, node: str = "a") -> "Story":
        return self.add(Kind.INCREMENT, outcome=outcome, reply=reply, node=node)

    def count(self, reply: str) -> "Story":
        return self.add(Kind.COUNT, reply=reply, worker=FINAL)

    def claims(self, *, skew_s: float = 0.0) -> list[str]:
        return [finding.claim for finding in check(self.operations, skew_s=skew_s)]


def test_an_acknowledged_unique_key_must_be_readable() -> None:
    assert Story().write("1").read("1", worker=FINAL).claims() == []
    assert Story().write("1").read(None, worker=FINAL).claims() == [LOST]


def test_an_unknown_write_may_be_there_or_not() -> None:
    assert Story().write("1", UNKNOWN).read(None).read("1").claims() == []


def test_an_unknown_write_may_run_after_a_later_one() -> None:
    assert Story().write("1", UNKNOWN).write("2").read("1").claims() == []


def test_a_refused_write_must_leave_no_trace() -> None:
    assert Story().write("1", FAIL).read(None).claims() == []
    assert Story().write("1", FAIL).read("1").claims() == [RAN_ALL_THE_SAME]
    assert Story().write("1").delete(FAIL).read(None).claims() == [RAN_ALL_THE_SAME]


def test_a_read_after_a_write_through_the_same_node_must_not_be_stale() -> None:
    assert Story().write("1").write("2").read("2").claims() == []
    assert Story().write("1").write("2").read("1").claims() == [STALE]


def test_an_old_value_at_the_end_is_a_lost_write() -> None:
    assert Story().write("1").write("2").read("1", worker=FINAL).claims() == [LOST]


def test_what_was_deleted_stays_deleted() -> None:
    assert Story().write("1").delete().read(None).claims() == []
    assert Story().write("1").delete().read("1").claims() == [CAME_BACK]
    assert Story().write("1").delete(UNKNOWN).read("1").read(None).claims() == []


def test_an_acknowledged_write_is_seen_at_once() -> None:
    assert Story().write("1").read(None).claims() == [MISSED]


def test_a_delete_that_found_nothing_is_a_look_and_no_delete() -> None:
    assert Story().delete(reply="0").read(None).claims() == []
    assert Story().write("1").delete(reply="0").read("1").claims() == [MISSED]
    assert Story().write("1", UNKNOWN).delete(reply="0").read("1").claims() == []


def test_a_value_that_nobody_wrote_is_found() -> None:
    assert Story().write("1").read("7").claims() == [INVENTED]


def test_a_read_without_an_answer_says_nothing() -> None:
    assert Story().write("1").add(Kind.READ, outcome=UNKNOWN).claims() == []


@pytest.mark.parametrize(("value", "claims"), [("1", [TOO_LOW]), ("2", []), ("3", []), ("4", [TOO_HIGH])])
def test_a_counter_lies_between_what_was_acknowledged_and_what_was_tried(
    value: str, claims: Sequence[str]
) -> None:
    story = Story().increment("1").increment("2").increment(None, UNKNOWN).increment(None, FAIL)
    assert story.count(value).claims() == claims


def test_no_two_increments_get_one_number() -> None:
    story = Story().add(Kind.INCREMENT, reply="1", at_s=0, took_s=2)
    assert story.add(Kind.INCREMENT, reply="1", at_s=1, node="b").claims() == [SAME_NUMBER]


def test_a_counter_never_goes_back() -> None:
    assert Story().increment("1").increment("2").claims() == []
    assert Story().increment("5").increment("3").claims() == [WENT_BACK]


def test_increments_at_the_same_time_may_be_answered_in_any_order() -> None:
    story = Story().add(Kind.INCREMENT, reply="2", at_s=0, took_s=1)
    assert story.add(Kind.INCREMENT, reply="1", at_s=0.5, took_s=1).claims() == []


def test_numbers_that_an_owner_hands_out_after_it_was_replaced_are_found() -> None:
    story = Story().increment("1", node="old").increment("2", node="new").increment("2", node="old")
    assert [o.begun_s for o in stale_acknowledgements(story.operations, "old", 1.5)] == [2.0]
    assert stale_acknowledgements(story.operations, "new", 0.0) == []


def test_what_a_node_answered_before_it_was_stopped_is_not_stale() -> None:
    story = Story().increment("1", node="old").increment("1", node="new")
    assert stale_acknowledgements(story.operations, "old", 0.6) == []


def test_a_key_is_granted_once() -> None:
    story = Story().add(Kind.GRANT, value="x", reply="OK").add(Kind.GRANT, value="y", reply=None)
    assert story.add(Kind.HOLDER, reply="x", worker=FINAL).claims() == []
    assert story.add(Kind.GRANT, value="z", reply="OK").claims() == [GRANTED_TWICE]


@pytest.mark.parametrize(
    ("holder", "claims"), [("x", []), (None, [LOST]), ("y", [GRANTED_TWICE]), ("z", [INVENTED])]
)
def test_who_was_granted_a_key_has_it(holder: str | None, claims: Sequence[str]) -> None:
    story = Story().add(Kind.GRANT, value="x", reply="OK").add(Kind.GRANT, value="y", outcome=UNKNOWN)
    assert story.add(Kind.HOLDER, reply=holder, worker=FINAL).claims() == claims


@pytest.mark.parametrize(
    ("there", "claims"),
    [
        ("1\n2", []),
        ("1", []),
        ("2", [FIELD_LOST]),
        (None, [FIELD_LOST]),
        ("1\n3", [RAN_ALL_THE_SAME]),
        ("1\n4", [INVENTED]),
    ],
)
def test_a_hash_has_the_fields_that_were_acknowledged(there: str | None, claims: Sequence[str]) -> None:
    story = Story().add(Kind.FIELD, value="1").add(Kind.FIELD, value="2", outcome=UNKNOWN)
    story.add(Kind.FIELD, value="3", outcome=FAIL)
    assert story.add(Kind.FIELDS, reply=there, worker=FINAL).claims() == claims


@pytest.mark.parametrize(
    ("reply", "at_s", "claims"),
    [
        ("2000:v", 1.0, []),
        (None, 1.0, [TOO_SHORT]),
        (None, 3.0, []),
        ("2000:v", 3.0, [TOO_OLD]),
        (None, 1.7, []),
    ],
)
def test_a_key_lives_as_long_as_it_should(reply: str | None, at_s: float, claims: Sequence[str]) -> None:
    story = Story().add(Kind.FLEETING, value="2000:v", reply="OK").read(reply, at_s=at_s)
    assert story.claims() == claims


def test_clocks_that_are_off_may_shorten_and_lengthen_lives_by_as_much() -> None:
    story = Story().add(Kind.FLEETING, value="2000:v", reply="OK").read(None, at_s=1.0)
    assert story.claims(skew_s=0.5) == []


def test_operations_are_counted_by_outcome_and_by_what_clients_were_told() -> None:
    story = Story().write("1").write("2", UNKNOWN).read("1", worker=FINAL)
    story.add(Kind.WRITE, outcome=FAIL, reply="TRYAGAIN the owner of the key is changing")
    assert tallies(story.operations) == {OK: 1, UNKNOWN: 1, FAIL: 1}
    assert complaints(story.operations) == {"no": 1, "TRYAGAIN": 1}
