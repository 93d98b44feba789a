import pytest
from msgspec.structs import replace

from respcache.commands.cluster_view import COPYING, IN_STEP, Following, PartitionState
from tests.commands.cluster import cluster_of_two
from tests.gateway.visitor import HttpHarness

ME, OTHER = "01" * 20, "02" * 20
STATE = PartitionState(0, 5, 10, ME, (ME, OTHER), (Following(OTHER, IN_STEP),))


def test_a_server_that_is_alone_serves_everything(http: HttpHarness) -> None:
    http.client()("MSET a 1 b 2")
    told = http.visitor()("GET", "/v1/partitions").json
    [row] = told["rows"]
    assert (row["first"], row["last"], row["state"], row["keys"]) == (0, 1023, "safe", 2)
    assert told["members"][row["server"]] == http.node.run_id


def test_partitions_stand_in_order_with_their_copies(http: HttpHarness) -> None:
    view = http.node.cluster = cluster_of_two()
    copying = replace(STATE, partition=9, followers=(Following(OTHER, COPYING),))
    view.states = [replace(STATE, partition=4), replace(STATE, partition=5), copying]
    told = http.visitor()("GET", "/v1/partitions").json
    assert told["scope"] == "cluster"
    run, other = told["rows"]
    assert (run["first"], run["last"], run["state"], run["epoch"], run["keys"]) == (4, 5, "safe", 5, 20)
    assert (other["first"], other["state"]) == (9, "moving")
    members = told["members"]
    assert [members[place] for place in run["wanted"]] == [ME, OTHER]
    [copy] = other["copies"]
    assert (members[copy["member"]], copy["state"]) == (OTHER, "copying")


def test_a_list_is_told_again_for_a_moment(http: HttpHarness) -> None:
    view = http.node.cluster = cluster_of_two()
    visitor = http.visitor()
    assert visitor("GET", "/v1/partitions").json["rows"] == []
    view.states = [STATE]
    assert visitor("GET", "/v1/partitions").json["rows"] == []
    http.clock.advance(801)
    assert len(visitor("GET", "/v1/partitions").json["rows"]) == 1


def test_all_partitions_are_written_in_several_turns(http: HttpHarness) -> None:
    view = http.node.cluster = cluster_of_two()
    view.states = [replace(STATE, partition=number, epoch=number) for number in range(1024)]
    session = http.visitor().session
    session.receive(b"GET /v1/partitions HTTP/1.1\r\nHost: localhost\r\n\r\n")
    turns = 0
    while session.is_hungry:
        session.resume()
        turns += 1
    assert turns == 4
    assert session.take_output()


def test_clients_are_listed_the_newest_first(http: HttpHarness) -> None:
    old, new = http.client(), http.client()
    old("CLIENT SETNAME worker")
    http.clock.advance(5000)
    new("PING")
    told = http.visitor()("GET", "/v1/clients").json
    assert told["connected"] == 2
    assert [one["name"] for one in told["clients"]] == ["", "worker"]
    assert [one["idle_s"] for one in told["clients"]] == [0, 5]
    assert told["clients"][1]["last_command"] == "client|setname"


def test_no_more_clients_are_listed_than_people_read(
    http: HttpHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("respcache.gateway.overviews.MOST_CLIENTS", 3)
    everyone = [http.client() for _ in range(5)]
    told = http.visitor()("GET", "/v1/clients").json
    assert (told["connected"], len(told["clients"])) == (len(everyone), 3)


def test_slow_commands_are_listed_as_many_as_asked_for(http: HttpHarness) -> None:
    for number in range(5):
        http.node.slowlog.record([b"GET", b"%d" % number], 20_000, 1_700_000_000, b"", b"")
    visitor = http.visitor()
    assert len(visitor("GET", "/v1/slowlog").json["entries"]) == 5
    told = visitor("GET", "/v1/slowlog?count=2").json
    assert (told["kept"], [one["words"][1] for one in told["entries"]]) == (5, ["4", "3"])


@pytest.mark.parametrize("count", ["0", "1001", "x", "-1", "9" * 30, "%C2%B2"])
def test_other_counts_are_refused(http: HttpHarness, count: str) -> None:
    assert http.visitor()("GET", f"/v1/slowlog?count={count}").status == 400
