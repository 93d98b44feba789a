import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from respcache.commands.cluster_safety import Safety, numbers, parse_safety, safety_of, verdict
from respcache.commands.cluster_view import COPYING, IN_STEP, LAGGING, Following, PartitionState
from respcache.protocol.encoder import encode
from tests.commands.cluster import cluster_of_two, peer
from tests.rows import every_row

HALF = Safety(served=512, safe=512, members=2, table=7)


def state(*, server: str = "a", wanted: str = "ab", copies: dict[str, str] | None = None) -> PartitionState:
    followers = tuple(Following(*one) for one in ({"b": IN_STEP} if copies is None else copies).items())
    return PartitionState(0, 1, 0, server, tuple(wanted), followers)


def test_every_partition_served_once_with_its_copies_is_safe() -> None:
    assert verdict([HALF, HALF]) == ""
    assert verdict([Safety(served=1024, safe=1024, members=1)]) == ""


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (replace(HALF, safe=500, degraded=12), "degraded 12, moving 0, unserved 0"),
        (replace(HALF, safe=509, moving=3), "degraded 0, moving 3, unserved 0"),
        (replace(HALF, served=500, safe=500), "degraded 0, moving 0, unserved 12"),
        (replace(HALF, served=513), "degraded 0, moving 0, unserved 0, 1 served twice"),
        (replace(HALF, set_aside=4), "degraded 0, moving 0, unserved 0, 4 to be merged"),
        (
            replace(HALF, table=8),
            "degraded 0, moving 0, unserved 0, the members do not agree on who is there",
        ),
        ("TIMEOUT", "degraded 0, moving 0, unserved 512, no answer from a member: TIMEOUT"),
    ],
)
def test_whatever_is_amiss_is_told(other: Safety | str, why: str) -> None:
    assert verdict([HALF, other]) == why


def test_a_cluster_that_has_lost_a_node_is_not_safe_to_whoever_counts() -> None:
    assert verdict([HALF, HALF], 2) == ""
    assert "2 of 3 members" in verdict([HALF, HALF], 3)


def test_without_any_answer_nothing_is_safe() -> None:
    assert "unserved 1024" in verdict([])


@given(st.builds(Safety, *[st.integers(0, 2**56 - 1)] * 7))
def test_what_a_node_says_is_read_as_it_was_said(safety: Safety) -> None:
    assert parse_safety(encode(list(numbers(safety)), 2)) == safety
    assert parse_safety(encode(list(numbers(safety)), 3)) == safety


@pytest.mark.parametrize("wire", [b"", b"*0\r\n", b"*7\r\n:1\r\n", b"+OK\r\n", b"*7\r\n" + b"+x\r\n" * 7])
def test_what_no_node_of_ours_says_is_no_answer(wire: bytes) -> None:
    assert parse_safety(wire) == "it is of another version"


def test_an_error_is_the_reason_why_there_is_no_answer() -> None:
    assert parse_safety(b"-TRYAGAIN gone\r\n") == "TRYAGAIN gone"


@every_row(
    ("one", "told"),
    [
        (state(), "safe"),
        (state(wanted="a", copies={}), "safe"),
        (state(copies={}), "degraded"),
        (state(copies={"b": LAGGING}), "degraded"),
        (state(copies={"b": COPYING}), "moving"),
        (state(wanted="ba"), "moving"),
        (state(copies={"b": IN_STEP, "c": IN_STEP}), "moving"),
        (state(copies={"c": IN_STEP}), "degraded"),
        (replace(state(), is_suspended=True), "degraded"),
    ],
)
def test_a_partition_is_safe_only_where_it_shall_be_with_every_copy(one: PartitionState, told: str) -> None:
    assert one.state == told


def test_a_node_counts_what_it_serves_and_the_members_that_are_well() -> None:
    view = cluster_of_two()
    view.members += [peer(3, state="suspect"), peer(4, phase="joining")]
    view.states = [state(), state(copies={}), state(wanted="ba")]
    view.set_aside = 2
    found = safety_of(view)
    assert (found.served, found.safe, found.degraded, found.moving) == (3, 1, 1, 1)
    assert (found.set_aside, found.members) == (2, 2)
    assert found.table == int.from_bytes(b"digest.", "big")
