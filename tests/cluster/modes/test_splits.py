"""When a split is noticed, and when it is over."""

from respcache.cluster.membership.member import Member, Meta, Phase, State
from respcache.cluster.membership.outputs import Happened, Kind
from respcache.cluster.modes.splits import QUIET_S, TOGETHER_S, Splits, Stage, Told

META = Meta("n:1", "n", 1, 0, 2, 0, "m", "", 1.0, Phase.ACTIVE, (1, 1), 0)
ME = b"m"


class Watched(Splits):
    def __init__(self, *others: bytes) -> None:
        self.told: list[Told] = []
        super().__init__(ME, self.told.append)
        for one in others:
            self.hear(0.0, Kind.JOINED, one)

    def hear(self, now: float, kind: Kind, id: bytes, was: State | None = None) -> None:
        member = Member(id, ("10.0.0.1", 1), 1, State.ALIVE, META, now)
        self.happened(now, Happened(kind, member, b"x", was))

    @property
    def stages(self) -> list[Stage]:
        return [told.stage for told in self.told]


def test_several_who_vanish_together_are_a_split() -> None:
    splits = Watched(b"a", b"b", b"c", b"d")
    splits.hear(20.0, Kind.DIED, b"a")
    assert splits.stages == []
    splits.hear(22.0, Kind.DIED, b"b")
    splits.hear(23.0, Kind.DIED, b"c")
    assert splits.told == [Told(Stage.DETECTED, 3, 2)]
    assert splits.is_split


def test_deaths_far_apart_are_deaths() -> None:
    splits = Watched(b"a", b"b", b"c", b"d")
    splits.hear(20.0, Kind.DIED, b"a")
    splits.hear(20.1 + TOGETHER_S, Kind.DIED, b"b")
    assert splits.stages == []


def test_who_leaves_is_no_sign_of_a_split() -> None:
    splits = Watched(b"a", b"b", b"c", b"d")
    for one in (b"a", b"b", b"c"):
        splits.hear(20.0, Kind.LEFT, one)
    assert splits.stages == []


def test_the_death_of_one_of_two_is_a_death() -> None:
    splits = Watched(b"a")
    splits.hear(20.0, Kind.DIED, b"a")
    assert splits.stages == []


def test_who_returns_from_the_dead_had_been_cut_off() -> None:
    splits = Watched(b"a", b"b", b"c")
    splits.hear(20.0, Kind.DIED, b"a")
    splits.hear(90.0, Kind.JOINED, b"a", State.DEAD)
    assert splits.told == [Told(Stage.DETECTED, 4, 1), Told(Stage.MERGE_STARTED, 4, 1)]


def test_a_node_that_was_declared_dead_itself_merges_too() -> None:
    splits = Watched(b"a", b"b")
    splits.hear(20.0, Kind.REFUTED, ME, State.SUSPECT)
    assert splits.stages == []
    splits.hear(20.0, Kind.REFUTED, ME, State.DEAD)
    assert splits.stages == [Stage.DETECTED, Stage.MERGE_STARTED]


def test_a_newcomer_and_a_restart_are_no_split() -> None:
    splits = Watched(b"a", b"b")
    splits.hear(20.0, Kind.DIED, b"a")
    splits.hear(21.0, Kind.JOINED, b"new")
    splits.hear(22.0, Kind.JOINED, b"b2", State.LEFT)
    assert splits.stages == []


def test_a_merge_ends_when_nothing_comes_any_more() -> None:
    splits = Watched(b"a", b"b")
    splits.hear(20.0, Kind.DIED, b"a")
    splits.hear(30.0, Kind.JOINED, b"a", State.DEAD)
    splits.merged(31.0, 100, 3)
    splits.merged(34.0, 20, 0)
    splits.tick(33.9 + QUIET_S)
    assert splits.is_merging
    splits.tick(34.0 + QUIET_S)
    assert splits.told[-1] == Told(Stage.MERGE_FINISHED, 3, 1, 120, 3, 4.0)
    assert not splits.is_merging
    assert not splits.is_split


def test_a_merge_does_not_end_while_something_waits_to_be_offered() -> None:
    splits = Watched(b"a", b"b")
    splits.hear(30.0, Kind.JOINED, b"a", State.DEAD)
    for now in range(31, 60):
        splits.tick(float(now), waiting=4)
    assert splits.is_merging
    splits.tick(59.0 + QUIET_S)
    assert not splits.is_merging


def test_the_next_split_is_told_anew_with_its_own_figures() -> None:
    splits = Watched(b"a", b"b")
    for start in (0.0, 100.0):
        splits.hear(start + 20, Kind.DIED, b"a")
        splits.hear(start + 30, Kind.JOINED, b"a", State.DEAD)
        splits.merged(start + 31, 5, 1)
        splits.tick(start + 40)
    assert splits.stages == [Stage.DETECTED, Stage.MERGE_STARTED, Stage.MERGE_FINISHED] * 2
    assert splits.told[-1].entries == 5


def test_entries_that_come_without_any_sign_are_a_merge() -> None:
    splits = Watched(b"a", b"b")
    splits.merged(10.0, 0, 0)
    assert splits.stages == []
    splits.merged(10.0, 3, 0)
    assert splits.stages == [Stage.MERGE_STARTED]


def test_a_split_that_never_heals_does_not_hide_the_next() -> None:
    splits = Watched(b"a", b"b", b"c", b"d")
    for now, one in [(20.0, b"a"), (20.0, b"b"), (21.0, b"c"), (50.0, b"d")]:
        splits.hear(now, Kind.DIED, one)
    assert splits.told == [Told(Stage.DETECTED, 3, 2)]
    splits.hear(60.0, Kind.JOINED, b"e")
    splits.hear(61.0, Kind.DIED, b"e")
    splits.hear(61.0, Kind.JOINED, b"f")
    splits.hear(62.0, Kind.DIED, b"f")
    assert splits.told == [Told(Stage.DETECTED, 3, 2), Told(Stage.DETECTED, 1, 2)]
    assert splits.is_split
