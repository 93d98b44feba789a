import pytest

from respcache.app.client import ClientError
from respcache.app.cluster_report import figures, member_row, member_rows, members_of

FLAT = [
    *[b"id", b"ab" * 20, b"host", b"10.0.0.1", b"port", 7001, b"cluster-port", 0],
    *[
        b"bus-host",
        b"::1",
        b"bus-port",
        b"17001",
        b"state",
        b"alive",
        b"phase",
        b"active",
        b"zone",
        b"",
        b"machine",
        b"m1",
    ],
    *[b"weight", b"0.5", b"incarnation", 3, b"loop-lag-ms", 2, b"partitions", 512, b"myself", 1],
]
OTHER = {
    b"id": b"cd" * 20,
    b"host": b"10.0.0.0",
    b"port": 7002,
    b"state": b"dead",
    b"myself": b"no",
    b"colour": b"red",
}


def cells(element: object) -> dict[str, str]:
    (row,) = member_rows(members_of([element]))
    return dict(zip(member_row(), row, strict=True))


def test_a_member_is_a_map_or_a_flat_list() -> None:
    pairs = dict(zip(FLAT[::2], FLAT[1::2], strict=True))
    assert members_of([FLAT]) == members_of([pairs])


def test_numbers_and_truths_are_such_for_programs_however_they_are_sent() -> None:
    (member,) = members_of([FLAT])
    assert (member["port"], member["bus-port"], member["weight"], member["myself"]) == (
        7001,
        17001,
        0.5,
        True,
    )


def test_members_are_sorted_by_address_and_unknown_fields_are_passed_on() -> None:
    first, second = members_of([FLAT, OTHER])
    assert (first["port"], first["colour"], first["myself"]) == (7002, "red", False)
    assert second["port"] == 7001


def test_a_row_tells_what_matters_and_which_node_answers() -> None:
    row = cells(FLAT)
    assert row["id"] == "abababab"
    assert (row["address"], row["bus"]) == ("10.0.0.1:7001 *", "[::1]:17001")
    assert (row["partitions"], row["weight"], row["cluster port"], row["zone"]) == ("512", "0.5", "-", "-")
    assert cells(OTHER)["address"] == "10.0.0.0:7002"


def test_what_peers_call_themselves_cannot_steer_the_terminal() -> None:
    row = cells({b"machine": b"\x1b[2J[red]", b"zone": b"[bold]"})
    assert (row["machine"], row["zone"]) == (r"\x1b[2J[red]", "[bold]")


def test_workers_that_share_an_address_are_sorted_by_their_bus() -> None:
    workers = [{b"host": b"h", b"port": 1, b"bus-port": port} for port in (17010, 9999, 17002)]
    assert [one["bus-port"] for one in members_of(workers)] == [9999, 17002, 17010]


@pytest.mark.parametrize("reply", [b"OK", None, 1, [b"OK"], [[b"id"]], [1]])
def test_an_answer_that_is_no_list_of_members_is_refused(reply: object) -> None:
    with pytest.raises(ClientError):
        members_of(reply)


@pytest.mark.parametrize("value", [b"x", None, [], b"\xff", 1.5])
def test_a_number_that_is_none_is_passed_on(value: object) -> None:
    assert cells({b"host": b"h", b"port": value, b"weight": value})["address"] == ""


def test_figures_are_the_lines_with_a_name_and_a_value() -> None:
    assert figures(b"# Cluster\r\ncluster_state:ok\r\n\r\naddress:[::1]:7\r\n") == {
        "cluster_state": "ok",
        "address": "[::1]:7",
    }


def test_an_answer_without_figures_is_refused() -> None:
    with pytest.raises(ClientError, match="a list of figures was expected"):
        figures([b"a"])
