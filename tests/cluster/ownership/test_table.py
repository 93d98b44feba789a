import math
import random
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from respcache.cluster.ownership.candidate import Candidate
from respcache.cluster.ownership.scores import scores
from respcache.cluster.ownership.spread import Places
from respcache.cluster.ownership.table import Ownership
from respcache.keyspace.slots import PARTITIONS
from tests.cluster.ownership.candidates import candidates, imbalance, shares, table_of

SEEDS = range(5)


def test_every_partition_is_owned_by_one_member() -> None:
    members = mixed_candidates()
    table = table_of(members, copies=2)
    owned = [table.owned_by(one.id) for one in members]
    assert sorted(chain.from_iterable(owned)) == list(range(PARTITIONS))
    assert all(
        table.owner(partition) == one.id
        for one, mine in zip(members, owned, strict=True)
        for partition in mine
    )


# -- the same everywhere ---------------------------------------------------

# The digest of a table in which everything plays a part: change it, and versions disagree about owners.
GOLDEN = "a72c60114c1f2c0f"


def mixed_candidates() -> list[Candidate]:
    members = candidates(7, seed=1, machines=4, zones=2)
    return [replace(one, weight=1.0 + number % 3 / 2) for number, one in enumerate(members)]


def test_the_table_is_fixed_for_ever() -> None:
    assert table_of(mixed_candidates(), copies=3).digest.hex() == GOLDEN


@settings(max_examples=40)
@given(
    st.lists(st.sets(st.integers(0, 19), max_size=20), min_size=1, max_size=6),
    st.integers(1, 3),
    st.sampled_from([(6, 3), (1, 1), (0, 0)]),
)
def test_the_way_to_a_set_of_members_leaves_no_trace(
    views: list[set[int]], copies: int, stands: tuple[int, int]
) -> None:
    machines, zones = stands
    members = candidates(20, machines=machines, zones=zones)
    wandered = Ownership(copies)
    for view in views:
        wandered.update([members[number] for number in view])
    straight = table_of([members[number] for number in views[-1]], copies)
    assert (wandered.owners, wandered.digest) == (straight.owners, straight.digest)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_after_another_is_as_all_at_once(seed: int) -> None:
    """Past a dozen members a join takes the short way; the result must not show it."""
    members = candidates(30, seed, machines=10, zones=3)
    slowly = Ownership(3)
    for known in range(1, len(members) + 1):
        slowly.update(members[:known])
    moved = [replace(members[0], zone="zone1", machine="machine1"), *members[1:]]
    slowly.update(moved)
    random.Random(seed).shuffle(moved)
    assert slowly.owners == table_of(moved, 3).owners


@pytest.mark.parametrize(("machines", "zones"), [(0, 0), (1, 1), (4, 1), (10, 3)])
def test_every_place_is_the_greatest_claims(machines: int, zones: int) -> None:
    """However the table is computed, this is what it says."""
    members = candidates(10, machines=machines, zones=zones)
    table = Ownership(3)
    for known in range(1, len(members) + 1):
        table.update(members[:known])
    wishes = {one: scores(one.id, one.weight) for one in members}
    for partition, owners in enumerate(table.owners):
        places, left = Places(), list(members)
        while len(places.taken) < 3:
            best = max(left, key=lambda one: places.claim(one, wishes[one][partition]))  # called at once
            left.remove(best)
            places.take(best)
        assert owners == tuple(one.id for one in places.taken)


def test_an_update_tells_what_changed() -> None:
    members = candidates(30, machines=10)
    table = table_of(members[:29])
    before = list(table.owners)
    changes = table.update(members)
    assert changes.partitions == tuple(
        partition for partition in range(PARTITIONS) if before[partition] != table.owners[partition]
    )
    assert changes
    assert table.version == 2


def test_news_of_nothing_changes_nothing() -> None:
    members = candidates(5)
    table = table_of(members)
    digest = table.digest
    assert not table.update(reversed(members))
    assert (table.version, table.digest) == (1, digest)


def test_different_tables_have_different_digests() -> None:
    members = candidates(3)
    tables = [table_of([]), *(table_of(members[:count], copies) for count in (1, 2, 3) for copies in (1, 2))]
    # One member alone has the same table whether or not it would like a backup.
    assert len({one.digest for one in tables}) == len(tables) - 1


# -- who owns --------------------------------------------------------------


def test_without_members_nobody_owns() -> None:
    table = table_of(candidates(2))
    table.update([])
    assert table.owners == [()] * PARTITIONS
    assert table.owner(0) is None


def test_one_member_owns_everything_and_has_no_backup() -> None:
    (member,) = candidates(1)
    table = table_of([member])
    assert table.owners == [(member.id,)] * PARTITIONS
    assert table.owner(PARTITIONS - 1) == member.id


def test_a_table_without_owners_is_refused() -> None:
    with pytest.raises(ValueError, match="at least its owner"):
        Ownership(0)


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_a_senseless_weight_owns_nothing_and_hurts_nobody(weight: float) -> None:
    members = candidates(3)
    assert table_of([*members, Candidate(b"x" * 20, weight)]).owners == table_of(members).owners


def test_an_id_told_twice_counts_once() -> None:
    members = candidates(3)
    twice = [*members, replace(members[0], zone="elsewhere")]
    assert table_of(twice).owners == table_of(twice[::-1]).owners
    assert all(len(set(owners)) == 2 for owners in table_of(twice, 2).owners)


def test_the_preference_goes_on_after_the_backups() -> None:
    table = table_of(candidates(6, machines=3))
    for partition in range(0, PARTITIONS, 100):
        everyone = table.preference(partition, 6)
        assert everyone[:2] == table.owners[partition]
        assert len(set(everyone)) == 6


# -- balance ---------------------------------------------------------------


@pytest.mark.parametrize(("count", "limit"), [(3, 1.06), (10, 1.17), (32, 1.4)])
def test_members_own_about_the_same(count: int, limit: float) -> None:
    """Chance decides, so the mean of some clusters is held against the limit, and no cluster may be far off."""
    found = [
        imbalance(table_of(members, 1), members)
        for seed in range(10)
        for members in [candidates(count, seed)]
    ]
    assert sum(found) / len(found) <= limit
    assert max(found) <= limit + 0.15


def test_a_share_follows_the_weight() -> None:
    members = candidates(4)
    members[0] = replace(members[0], weight=2.0)
    owned = [
        shares(table_of([replace(one, id=one.id[::-1] + bytes([n])) for one in members], 1))
        for n in range(10)
    ]
    of_the_heavy = [max(one.values()) / PARTITIONS for one in owned]
    assert sum(of_the_heavy) / len(of_the_heavy) == pytest.approx(2 / 5, rel=0.05)


# -- movement --------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 10, 30])
def test_a_join_moves_only_to_the_joiner_and_only_its_share(count: int) -> None:
    moved = 0
    for seed in SEEDS:
        members = candidates(count + 1, seed)
        before, after = table_of(members[:-1]), table_of(members)
        gained = [p for p in range(PARTITIONS) if before.owner(p) != after.owner(p)]
        assert {after.owner(p) for p in gained} == {members[-1].id}
        moved += len(gained)
    ideal = len(SEEDS) * PARTITIONS / (count + 1)
    assert moved / ideal == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize("count", [3, 10, 30])
def test_when_a_member_goes_the_next_in_rank_takes_over_and_nothing_else_moves(count: int) -> None:
    members = candidates(count)
    table = table_of(members)
    before = list(table.owners)
    table.update(members[1:])
    for was, now in zip(before, table.owners, strict=True):
        assert now[0] == (was[1] if was[0] == members[0].id else was[0])
        assert members[0].id in was or now == was


@pytest.mark.parametrize("count", [4, 12])
def test_when_a_machine_goes_its_backups_take_over(count: int) -> None:
    members = candidates(count, machines=count // 2)
    table = table_of(members)
    before = list(table.owners)
    lost = {one.id for one in members if one.machine == "machine0"}
    table.update([one for one in members if one.id not in lost])
    assert all(
        now[0] == (was[1] if was[0] in lost else was[0])
        for was, now in zip(before, table.owners, strict=True)
    )


def test_a_changed_weight_moves_only_to_or_from_its_member() -> None:
    members = candidates(10)
    before = table_of(members, 1)
    heavier = table_of([replace(members[0], weight=1.5), *members[1:]], 1)
    moved = [p for p in range(PARTITIONS) if before.owner(p) != heavier.owner(p)]
    assert moved
    assert {heavier.owner(p) for p in moved} == {members[0].id}


# -- spread ----------------------------------------------------------------


def test_no_two_copies_share_a_machine_while_others_are_free() -> None:
    members = candidates(12, machines=3)
    machine = {one.id: one.machine for one in members}
    assert all(len({machine[one] for one in owners}) == 3 for owners in table_of(members, 3).owners)


def test_no_two_copies_share_a_zone_while_others_are_free() -> None:
    members = candidates(12, machines=6, zones=2)
    zone = {one.id: one.zone for one in members}
    assert all(len({zone[one] for one in owners}) == 2 for owners in table_of(members, 2).owners)


def test_where_copies_go_does_not_change_who_owns() -> None:
    known, unknown = candidates(12, machines=4, zones=2), candidates(12)
    assert [owners[0] for owners in table_of(known).owners] == [
        owners[0] for owners in table_of(unknown).owners
    ]
