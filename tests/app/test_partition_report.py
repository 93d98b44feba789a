import pytest

from respcache.app.client import ClientError
from respcache.app.cluster_report import Member
from respcache.app.partition_report import HEAD, counts, names_of, ranges_of, rows, summary

A, B = b"aa" * 20, b"bb" * 20
MEMBERS: list[Member] = [
    {"id": A.decode(), "host": "h", "port": 1},
    {"id": B.decode(), "host": "h", "port": 2},
]


def row(first: int, last: int, state: str = "safe", *, server: bytes = A, epoch: int = 1) -> list[object]:
    other = B if server == A else A
    how = b"in-step" if state == "safe" else b"copying"
    return [first, last, state.encode(), epoch, 10, server, [server, other], [other, how]]


def shown(*reply: list[object]) -> list[dict[str, str]]:
    return [dict(zip(HEAD, cells, strict=True)) for cells in rows(ranges_of(list(reply)), names_of(MEMBERS))]


def test_partitions_with_the_same_server_and_copies_are_one_row() -> None:
    first, second = shown(row(0, 9), row(10, 19, server=B), row(20, 1023, epoch=4))
    assert (first["server"], first["copies"], first["state"]) == ("h:1", "h:2 in-step", "safe")
    assert (first["partitions"], first["epochs"], first["keys"]) == ("1014", "1-4", "20")
    assert first["ranges"] == "0-9, 20-1023"
    assert (second["server"], second["partitions"], second["epochs"]) == ("h:2", "10", "1")


def test_what_nobody_serves_is_a_row_too() -> None:
    unserved, *_ = shown(row(1, 7), row(9, 1000))
    assert unserved["server"] == "-"
    assert (unserved["state"], unserved["partitions"], unserved["ranges"]) == (
        "unserved",
        "25",
        "0, 8, 1001-1023",
    )
    assert counts(ranges_of([])) == {"safe": 0, "moving": 0, "degraded": 0, "unserved": 1024}


def test_a_row_names_a_few_of_its_ranges() -> None:
    [one, *_] = [row for row in shown(*(row(p, p) for p in range(0, 14, 2))) if row["state"] == "safe"]
    assert one["ranges"] == "0, 2, 4, 6, and 3 more"


def test_one_line_says_how_all_stand() -> None:
    found = counts(ranges_of([row(0, 9, "moving"), row(10, 1023)]))
    assert summary(found) == "safe 1014, moving 10"
    assert summary({"safe": 0, "moving": 0}) == "safe 0"


def test_workers_at_one_address_are_told_apart_and_strangers_by_their_ids() -> None:
    name = names_of([{"id": A.decode(), "host": "h", "port": 1}, {"id": B.decode(), "host": "h", "port": 1}])
    assert name(A.decode()) == "h:1/aaaaaaaa"
    assert name("cc" * 20) == "cccccccc"


def test_what_nodes_say_cannot_steer_the_terminal() -> None:
    [one, *_] = ranges_of([row(0, 1023, "\x1b[2J")])
    assert "\x1b" not in one.state
    assert "\x1b" not in names_of([{"id": "a", "host": "\x1b[2J", "port": 1}])("a")


@pytest.mark.parametrize("reply", [b"OK", None, [1], [[1, 2]], [[*row(0, 1)[:7], [b"odd"]]], [["x"] * 8]])
def test_an_answer_that_is_none_is_refused(reply: object) -> None:
    with pytest.raises(ClientError):
        ranges_of(reply)
