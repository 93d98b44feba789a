"""The harness itself: it must see what differs, overlook only what may differ, and keep the list of differences honest."""

import pytest

from tests.conformance.differences import Difference
from tests.conformance.harness import Mismatch, Replies, judge, mismatches
from tests.conformance.pipelines import show_command
from tests.conformance.rules import CLOSED
from tests.conformance.script import Case, Exactness, parse_cases, parse_step
from tests.rows import every_row
from tests.wire import words


def case_of(*lines: str) -> Case:
    (case,) = parse_cases("table", {"title": list(lines)})
    return case


def found(lines: list[str], expected: list[Replies], got: list[Replies]) -> list[str]:
    return [mismatch.line for mismatch in mismatches(case_of(*lines), expected, got)]


def differs(line: str, expected: bytes, got: bytes) -> bool:
    return bool(found([line], [{"A": [expected]}], [{"A": [got]}]))


def test_a_line_names_its_client_and_how_exact_it_is() -> None:
    step = parse_step("B: ~HGETALL h")
    assert (step.client, step.exactness, step.argv) == ("B", Exactness.ANY_ORDER, [b"HGETALL", b"h"])


def test_raw_bytes_are_sent_as_they_are() -> None:
    assert parse_step(r'raw "*1\r\n"').payload == b"*1\r\n"


@every_row(
    ("line", "expected", "got"),
    [
        ("GET k", b"$1\r\na\r\n", b"$1\r\nb\r\n"),
        ("GET k", b"$-1\r\n", b"$2\r\n-1\r\n"),
        ("GET k", b"$-1\r\n", b"*-1\r\n"),
        ("GET k", b"$-1\r\n", b"_\r\n"),
        ("HGETALL h", b"%0\r\n", b"*0\r\n"),
        ("TTL k", b":100\r\n", b":98\r\n"),
        ("TTL k", b":-1\r\n", b":-2\r\n"),
        ("TTL k", b"-ERR a\r\n", b"-ERR b\r\n"),
        ("KEYS *", b"*1\r\n$1\r\na\r\n", b"*1\r\n$1\r\nb\r\n"),
        ("KEYS *", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*1\r\n$1\r\na\r\n"),
        ("~HGETALL h", b"*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", b"*4\r\n:1\r\n:4\r\n:3\r\n:2\r\n"),
        ("SCAN 0", b"*2\r\n$1\r\n0\r\n*0\r\n", b"*2\r\n$1\r\n1\r\n*0\r\n"),
        ("CLIENT INFO", b"$9\r\nid=1 db=0\r\n", b"$9\r\nid=1 db=1\r\n"),
        ("QUIT", b"+OK\r\n", CLOSED),
    ],
)
def test_what_differs_is_seen(line: str, expected: bytes, got: bytes) -> None:
    assert differs(line, expected, got)


@pytest.mark.parametrize(
    ("line", "expected", "got"),
    [
        ("GET k", b"$1\r\na\r\n", b"$1\r\na\r\n"),
        ("TTL k", b":100\r\n", b":99\r\n"),
        ("KEYS *", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*2\r\n$1\r\nb\r\n$1\r\na\r\n"),
        ("~HGETALL h", b"%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n", b"%2\r\n:3\r\n:4\r\n:1\r\n:2\r\n"),
        ("CLIENT INFO", b"$9\r\nid=1 db=0\r\n", b"$10\r\nid=22 db=0\r\n"),
        ("TIME", b"*2\r\n$2\r\n10\r\n$1\r\n5\r\n", b"*2\r\n$2\r\n11\r\n$3\r\n123\r\n"),
        ("CONFIG HELP", b"*1\r\n+one\r\n", b"*2\r\n+two\r\n+three\r\n"),
    ],
)
def test_what_may_differ_is_overlooked(line: str, expected: bytes, got: bytes) -> None:
    assert not differs(line, expected, got)


def test_a_missing_reply_is_seen() -> None:
    assert found(["GET k"], [{"A": [b"+OK\r\n"]}], [{"A": []}]) == ["GET k"]


def test_a_message_to_another_client_is_compared_exactly() -> None:
    expected, got = ({"A": [b":1\r\n"], "B": [push]} for push in (b"+one\r\n", b"+two\r\n"))
    assert found(["PUBLISH c x"], [expected], [got]) == ["PUBLISH c x"]


def test_exec_is_judged_by_the_commands_it_ran() -> None:
    lines = ["MULTI", "TTL k", "GET k", "EXEC"]
    queued = [{"A": [b"+OK\r\n"]}, {"A": [b"+QUEUED\r\n"]}, {"A": [b"+QUEUED\r\n"]}]
    expected: list[Replies] = [*queued, {"A": [b"*2\r\n:100\r\n:7\r\n"]}]
    assert not found(lines, expected, [*queued, {"A": [b"*2\r\n:99\r\n:7\r\n"]}])
    assert found(lines, expected, [*queued, {"A": [b"*2\r\n:100\r\n:6\r\n"]}]) == ["EXEC"]


DIFFERS = Mismatch(1, "GET k", "A", [b":1\r\n"], [b":2\r\n"])
LISTED = Difference("table: title", "GET k", "because")


def test_a_difference_that_nobody_listed_is_a_complaint() -> None:
    assert "expected b':1" in judge(case_of("GET k"), 2, [DIFFERS], [])


def test_a_listed_difference_is_excused() -> None:
    assert not judge(case_of("GET k"), 2, [DIFFERS], [LISTED])


def test_a_listed_difference_that_is_gone_is_a_complaint() -> None:
    assert "strike it off" in judge(case_of("GET k"), 2, [], [LISTED])


def test_a_difference_may_be_listed_for_one_protocol() -> None:
    only_resp3 = Difference("table: title", "GET k", "because", protocols=(3,))
    assert judge(case_of("GET k"), 2, [DIFFERS], [only_resp3])
    assert not judge(case_of("GET k"), 3, [DIFFERS], [only_resp3])


@pytest.mark.parametrize("argv", [[b"GET", b"k"], [b"SET", b"", b"\x00\"'\\ \r\n\xff"], [b"a b", b"'"]])
def test_a_command_is_shown_so_that_it_can_be_pasted_into_a_case(argv: list[bytes]) -> None:
    assert words(show_command(argv)) == argv
