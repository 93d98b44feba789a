"""Warnings that would repeat."""

import logging

import pytest

from respcache.cluster.complaints import KINDS, QUIET_S, Complaints


class Recorder(logging.Logger):
    def __init__(self) -> None:
        super().__init__("recorder")
        self.lines: list[str] = []

    def handle(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_the_same_complaint_is_told_once_a_minute(recorder: Recorder) -> None:
    now_s = [0.0]
    complaints = Complaints(recorder, lambda: now_s[0])
    complaints.tell("10.0.0.1: wrong secret")
    complaints.tell("10.0.0.1: wrong secret")
    complaints.tell("10.0.0.2: wrong secret")
    assert recorder.lines == ["10.0.0.1: wrong secret", "10.0.0.2: wrong secret"]
    now_s[0] = QUIET_S
    complaints.tell("10.0.0.1: wrong secret")
    assert len(recorder.lines) == 3


def test_complaints_about_many_are_forgotten_not_hoarded(recorder: Recorder) -> None:
    complaints = Complaints(recorder, lambda: 0.0)
    for number in range(KINDS + 1):
        complaints.tell(str(number))
    complaints.tell("1")
    complaints.tell("0")
    assert recorder.lines[KINDS + 1 :] == ["0"]


def test_those_that_were_told_longest_ago_are_forgotten_first(recorder: Recorder) -> None:
    now_s = [0.0]
    complaints = Complaints(recorder, lambda: now_s[0])
    for number in range(KINDS):
        complaints.tell(str(number))
    now_s[0] = QUIET_S
    complaints.tell("0")
    complaints.tell("new")
    now_s[0] += 1
    complaints.tell("0")
    assert recorder.lines[KINDS:] == ["0", "new"]
