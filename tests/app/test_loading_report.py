import pytest

from respcache.app import loading_report as report
from respcache.app.client import ClientError

USERS = [b"pattern", b"user:\x1b*", b"db", 0, b"now", [b"failed", 3], b"settings", [b"on_failure", b"error"]]


def test_maps_within_maps_become_records() -> None:
    assert report.record([b"users", USERS]) == {
        "users": {
            "pattern": "user:\x1b*",
            "db": 0,
            "now": {"failed": 3},
            "settings": {"on_failure": "error"},
        }
    }


def test_each_figure_is_a_row_that_cannot_steer_a_terminal() -> None:
    assert report.stats_rows(report.record([b"users", USERS])) == [
        ("users", "pattern", r"user:\x1b*"),
        ("users", "db", "0"),
        ("users", "now failed", "3"),
        ("users", "settings on_failure", "error"),
    ]


def test_a_list_has_a_row_for_each_loader() -> None:
    reply = [[b"name", b"users", b"pattern", b"u\n*", b"db", 2, b"state", b"open", b"newer", b"x"]]
    assert report.list_rows(report.records(reply)) == [("users", r"u\x0a*", "2", "open")]


def test_states_stand_beside_their_keys() -> None:
    keys = [b"a\xff", b"b"]
    states = report.states_of([b"loaded", None], keys)
    assert report.state_rows(keys, states) == [(r'"a\xff"', "loaded"), ('"b"', "-")]


@pytest.mark.parametrize("reply", [b"OK", [b"odd"], None, [b"name", [b"odd"]]])
def test_what_is_no_map_is_refused(reply: object) -> None:
    with pytest.raises(ClientError, match="names and values were expected"):
        report.record(reply)


@pytest.mark.parametrize("reply", [b"OK", [b"loaded"]])
def test_states_that_are_too_few_are_refused(reply: object) -> None:
    with pytest.raises(ClientError, match="2 states were expected"):
        report.states_of(reply, [b"a", b"b"])


def test_a_list_that_is_none_is_refused() -> None:
    with pytest.raises(ClientError, match="a list of loaders was expected"):
        report.records(b"OK")
