from typing import Any

import pytest

from respcache.gateway.commands import BYTES_PER_TURN, COMMANDS_PER_LOOK, MOST_ANSWER_BYTES, MOST_COMMANDS
from tests.gateway.visitor import HttpHarness, Visitor, request


@pytest.fixture
def visitor() -> Visitor:
    return HttpHarness().visitor()


@pytest.mark.parametrize(
    ("command", "result"),
    [
        (["SET", "a", 1], "OK"),
        (["GET", "nothing"], None),
        (["HSET", "h", "f", 1.5], 1),
        (["ECHO", {"base64": "/w=="}], {"base64": "/w=="}),
        (["ECHO", True], "1"),
        (["PING"], "PONG"),
        (["MGET", "a", "b"], [None, None]),
    ],
)
def test_any_command_can_be_json(visitor: Visitor, command: list[Any], result: object) -> None:
    answer = visitor("POST", "/v1/commands", command)
    assert (answer.status, answer.json) == (200, {"result": result})


def test_hashes_are_objects(visitor: Visitor) -> None:
    visitor("POST", "/v1/commands", ["HSET", "h", "f", "1"])
    assert visitor("POST", "/v1/commands", ["HGETALL", "h"]).json == {"result": {"f": "1"}}


@pytest.mark.parametrize(
    ("command", "status", "detail"),
    [
        (["NOPE"], 400, "ERR unknown command"),
        (["GET"], 400, "ERR wrong number of arguments"),
        (["HGET", "a", "f"], 409, "WRONGTYPE"),
    ],
)
def test_an_error_is_a_problem(visitor: Visitor, command: list[str], status: int, detail: str) -> None:
    visitor("PUT", "/v1/keys/a", b"1")
    answer = visitor("POST", "/v1/commands", command)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["detail"].startswith(detail)


UNFIT = [
    "SUBSCRIBE x",
    "MULTI",
    "WATCH a",
    "SELECT 1",
    "ASKING",
    "AUTH x",
    "client reply off",
    "QUIT",
    "MONITOR",
    "RESET",
    "HELLO",
    "POST /",
]


@pytest.mark.parametrize("line", UNFIT)
def test_what_would_change_the_connection_is_refused(visitor: Visitor, line: str) -> None:
    assert visitor("POST", "/v1/commands", line.split()).status == 400
    assert not visitor.is_ended
    assert visitor("PUT", "/v1/keys/a", b"1").status == 201


@pytest.mark.parametrize(
    "body", [{}, [], [[]], "GET", None, ["GET", None], ["GET", ["x"]], [{"base64": "?"}]]
)
def test_what_is_no_command_is_refused(visitor: Visitor, body: object) -> None:
    assert visitor("POST", "/v1/commands", body).status == 400


def test_a_batch_is_answered_in_order_with_errors_among_the_answers(visitor: Visitor) -> None:
    answer = visitor("POST", "/v1/batch", [["SET", "a", "x"], ["INCR", "a"], ["GET", "a"]])
    assert answer.status == 200
    assert answer.json == [
        {"result": "OK"},
        {"error": "ERR value is not an integer or out of range"},
        {"result": "x"},
    ]
    assert visitor("POST", "/v1/batch", []).json == []


def test_of_a_batch_nothing_runs_if_a_part_is_no_command(visitor: Visitor) -> None:
    assert visitor("POST", "/v1/batch", [["SET", "a", "x"], "nonsense"]).status == 400
    assert visitor("GET", "/v1/keys/a").status == 404


def test_a_batch_has_a_bound(visitor: Visitor) -> None:
    assert visitor("POST", "/v1/batch", [["PING"]] * MOST_COMMANDS).status == 200
    assert visitor("POST", "/v1/batch", [["PING"]] * (MOST_COMMANDS + 1)).status == 400
    assert visitor("POST", "/v1/batch", {}).status == 400


def test_errors_that_repeat_what_is_no_text_can_be_told(visitor: Visitor) -> None:
    command = [{"base64": "/w=="}, {"base64": "8JCA"}]
    assert visitor("POST", "/v1/commands", command).status == 400
    assert "unknown command" in visitor("POST", "/v1/batch", [command]).json[0]["error"]


def test_names_that_are_numbers_become_strings(visitor: Visitor) -> None:
    visitor("POST", "/v1/commands", ["SET", "a", "1"])
    told = visitor("POST", "/v1/commands", ["LATENCY", "HISTOGRAM", "set"]).json["result"]["set"]
    assert all(name.isdecimal() for name in told["histogram_usec"])


@pytest.fixture
def big(visitor: Visitor) -> Visitor:
    """A visitor of a server with a value of which 32 fill an answer."""
    visitor("PUT", "/v1/keys/big", b"x" * (MOST_ANSWER_BYTES // 32))
    return visitor


def test_a_batch_of_big_answers_ends_where_they_are_too_many(big: Visitor) -> None:
    count = 2 * COMMANDS_PER_LOOK
    calls = [["GET", "big"]] * (count - 1) + [["SET", "last", "1"]]
    answers = big("POST", "/v1/batch", calls).json
    assert len(answers) == count
    assert ["result" in one for one in answers] == [True] * 32 + [False] * (count - 32)
    assert "has been run" in answers[COMMANDS_PER_LOOK - 1]["error"]
    assert "has not been run" in answers[COMMANDS_PER_LOOK]["error"]
    assert big("GET", "/v1/keys/last").status == 404


def test_one_answer_has_the_same_bound(big: Visitor) -> None:
    assert big("POST", "/v1/commands", ["MGET", *["big"] * 32]).status == 200
    assert big("POST", "/v1/commands", ["MGET", *["big"] * 33]).status == 507


def test_others_have_their_turn_while_big_answers_are_written(big: Visitor) -> None:
    big("PUT", "/v1/keys/some", b"x" * (BYTES_PER_TURN + 1))
    big.gateway.begin_turn()
    big.session.receive(request("POST", "/v1/batch", b'[["GET","some"],["GET","some"]]'))
    turns = 0
    while big.session.is_hungry:
        big.session.resume()
        turns += 1
    assert turns == 2
    assert [one.status for one in big.answers()] == [200]
