from random import Random

from respcache.cluster.membership.member import Member, State
from respcache.cluster.membership.roster import Roster
from tests.cluster.membership.lone_node import id_of
from tests.cluster.membership.simulator import address_of, meta_of


def member_of(number: int, changed_at: float = 0.0) -> Member:
    return Member(id_of(number), address_of(number), 1, State.ALIVE, meta_of(number), changed_at)


def roster_of(count: int, most: int = 100) -> Roster:
    roster = Roster(member_of(0), Random(1), most)
    for number in range(1, count):
        roster.add_live(member_of(number))
    return roster


def bury(roster: Roster, number: int, now: float, state: State = State.DEAD) -> Member:
    member = roster.members[id_of(number)]
    member.state, member.changed_at = state, now
    roster.set_gone(member)
    return member


def test_each_round_visits_every_member_once_in_another_order() -> None:
    roster = roster_of(20)
    rounds = [[roster.next_to_probe() for _ in range(19)] for _ in range(3)]
    assert [len({id(member) for member in each}) for each in rounds] == [19, 19, 19]
    assert rounds[0] != rounds[1] != rounds[2]


def test_a_newcomer_is_visited_in_this_round() -> None:
    roster = roster_of(10)
    for _ in range(5):
        roster.next_to_probe()
    newcomer = member_of(50)
    roster.add_live(newcomer)
    assert newcomer in [roster.next_to_probe() for _ in range(5)]


def test_the_gone_and_oneself_are_not_visited() -> None:
    roster = roster_of(3)
    gone = bury(roster, 1, 5.0)
    assert gone not in [roster.next_to_probe() for _ in range(10)]
    bury(roster, 2, 5.0)
    assert roster.next_to_probe() is None


def test_one_who_comes_back_is_visited_once_per_round() -> None:
    roster = roster_of(4)
    back = bury(roster, 1, 5.0)
    back.state = State.ALIVE
    roster.add_live(back)
    roster.next_to_probe()
    assert len({id(roster.next_to_probe()) for _ in range(30)}) == 3
    assert roster.live_count == 4
    assert not roster.gone


def test_an_address_belongs_to_the_living() -> None:
    roster = roster_of(3)
    assert roster.at(address_of(1)) is roster.members[id_of(1)]
    bury(roster, 1, 5.0)
    assert roster.at(address_of(1)) is None


def test_only_the_gone_make_room() -> None:
    roster = roster_of(5, most=5)
    assert not roster.has_room()
    bury(roster, 2, 1.0)
    bury(roster, 1, 2.0)
    assert roster.has_room()
    assert id_of(2) not in roster.members
    assert id_of(1) in roster.members


def test_the_recently_dead_come_last_first_without_leavers() -> None:
    roster = roster_of(6)
    for number in (1, 2, 3, 4):
        bury(roster, number, float(number), State.LEFT if number == 3 else State.DEAD)
    assert [member.id for member in roster.recently_dead(2.0)] == [id_of(4), id_of(2)]
    assert [member.id for member in roster.recently_gone(2.0)] == [id_of(4), id_of(3), id_of(2)]


def test_who_went_long_ago_is_forgotten() -> None:
    roster = roster_of(4)
    bury(roster, 1, 1.0)
    bury(roster, 2, 9.0)
    roster.reap(5.0)
    assert set(roster.members) == {id_of(0), id_of(2), id_of(3)}


def test_helpers_are_neither_suspect_nor_the_target() -> None:
    roster = roster_of(6)
    for number in (1, 2):
        roster.members[id_of(number)].state = State.SUSPECT
    picked = {m.id for _ in range(50) for m in roster.pick_alive(3, besides=id_of(3))}
    assert picked == {id_of(4), id_of(5)}


def test_those_picked_differ_and_are_as_many_as_asked() -> None:
    roster = roster_of(10)
    picked = roster.pick(3, besides=id_of(1))
    assert len({id(m) for m in picked}) == 3
    assert len(roster.pick(30)) == 9
