"""Who may serve: whole groups on a virtual clock, and what must never be, whatever the network does."""

import pytest

from respcache.cluster.modes import mandate as module
from respcache.cluster.modes.lease import CONFIRM_EVERY_S, LEASE_S
from respcache.cluster.modes.mandate import ENTRY_S, Mandate
from respcache.cluster.modes.quorum import ADD_AFTER_S, REMOVE_AFTER_S
from tests.cluster.modes.company import DEAD_AFTER_S, Company, Node, id_of
from tests.thoroughness import seeds

SETTLED_S = 6.0
"""After a start: everybody has met, agreed on the members, and one serves."""


def company_of(count: int, seed: int = 1) -> Company:
    company = Company(seed, count)
    company.run_for(SETTLED_S)
    assert len(company.servers()) == 1
    return company


def valid(nodes: list[Node]) -> list[int]:
    return [node.number for node in nodes if node.mandate.is_valid(node.company.now)]


def views(company: Company) -> set[frozenset[bytes]]:
    return {node.mandate.view.members for node in company.up()}


def ids(nodes: list[Node]) -> frozenset[bytes]:
    return frozenset(node.id for node in nodes)


# Available


def test_in_the_available_mode_every_side_serves_and_nothing_is_asked() -> None:
    mandate = Mandate(id_of(1), strict=False, min_members=0)
    mandate.observe(1.0, frozenset({id_of(1)}))
    assert mandate.due(1.0) is None
    assert mandate.is_valid(1e9)
    assert mandate.closed_reason(1e9) is None
    assert mandate.has_majority([])
    assert mandate.promotion_wait_s == 0.0
    assert mandate.is_settled
    assert mandate.may_go


@pytest.mark.parametrize("strict", [False, True])
def test_fewer_members_than_the_least_serve_nothing(strict: bool) -> None:
    mandate = Mandate(id_of(1), strict=strict, min_members=2)
    mandate.observe(1.0, frozenset({id_of(1)}))
    assert not mandate.is_valid(1.0)
    assert mandate.closed_reason(1.0) == "CLUSTERDOWN 1 nodes are there, and cluster-min-members is 2"


def test_enough_members_open_an_available_node_at_once() -> None:
    mandate = Mandate(id_of(1), strict=False, min_members=2)
    mandate.observe(1.0, frozenset({id_of(1), id_of(2)}))
    assert mandate.is_valid(1.0)


# Strict: beginning


def test_a_node_alone_serves() -> None:
    mandate = Mandate(id_of(1), strict=True, min_members=0)
    mandate.observe(0.0, frozenset())
    assert mandate.is_valid(1e9)
    assert mandate.closed_reason(1e9) is None


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_nodes_that_start_together_may_serve_within_a_second_and_soon_all_count(count: int) -> None:
    company = Company(3, count)
    company.run_for(DEAD_AFTER_S / 6 + 1.0)
    assert len(valid(company.nodes)) == count
    [members] = views(company)
    assert 2 * len(members) > count
    company.run_for(ADD_AFTER_S)
    assert views(company) == {ids(company.nodes)}
    assert all(node.mandate.is_settled for node in company.nodes)


def test_a_newcomer_serves_nothing_before_it_knows_whom_the_others_follow() -> None:
    mandate = Mandate(id_of(9), strict=True, min_members=0)
    mandate.observe(0.0, frozenset({id_of(1)}))
    assert not mandate.is_valid(0.0)
    reason = mandate.closed_reason(0.0)
    assert reason == "CLUSTERDOWN waiting to hear from the other nodes (cluster-mode strict)"


def test_a_newcomer_counts_after_a_while_and_may_serve_before() -> None:
    company = company_of(3)
    newcomer = company.start()
    company.run_for(1.0)
    assert newcomer.mandate.view.members == ids(company.nodes[:3])
    assert newcomer.mandate.is_valid(company.now)
    assert not newcomer.mandate.is_settled
    company.run_for(ADD_AFTER_S + 1.0)
    assert views(company) == {ids(company.nodes)}


def test_who_waits_for_a_founder_that_is_gone_begins_by_itself() -> None:
    company = Company(2, 1)
    founder = max(company.start(), company.start(), key=lambda node: node.id)
    company.on_step = lambda: company.kill(founder) if len(views(company)) < 3 else None
    company.run_for(DEAD_AFTER_S + 2.0)
    survivors = company.up()
    assert len(survivors) == 2
    assert views(company) == {ids(survivors)}
    assert len(valid(survivors)) == 2


# Strict: splits


def test_a_minority_refuses_within_two_seconds_and_says_why() -> None:
    company = company_of(5)
    minority = company.nodes[:2]
    company.split(minority, company.nodes[2:])
    company.run_for(LEASE_S + 0.1)
    assert valid(company.nodes) == [3, 4, 5]
    reason = minority[0].mandate.closed_reason(company.now)
    assert reason == "CLUSTERDOWN no majority of 5 nodes has answered in time (cluster-mode strict)"
    company.run_for(DEAD_AFTER_S)
    reason = minority[0].mandate.closed_reason(company.now)
    assert reason == "CLUSTERDOWN 2 of 5 nodes are there: no majority (cluster-mode strict)"


def test_a_minority_does_not_become_a_majority_by_waiting_or_by_newcomers() -> None:
    company = company_of(5)
    minority, majority = company.nodes[:2], company.nodes[2:]
    company.split(minority, majority)
    company.run_for(5)
    newcomers = [company.start() for _ in range(4)]
    company.split(newcomers, majority)
    company.run_for(60)
    assert valid([*minority, *newcomers]) == []
    assert views(company) == {ids(company.nodes[:5]), ids(majority)}


def test_neither_half_serves() -> None:
    company = company_of(4)
    company.split(company.nodes[:2], company.nodes[2:])
    company.run_for(60)
    assert valid(company.nodes) == []


def test_members_may_die_one_after_the_other() -> None:
    company = company_of(5)
    for node in company.nodes[:3]:
        company.kill(node)
        company.run_for(DEAD_AFTER_S + REMOVE_AFTER_S + 2.0)
        assert len(valid(company.up())) == len(company.up())
    assert views(company) == {ids(company.nodes[3:])}


def test_a_member_that_moves_over_makes_no_second_majority() -> None:
    company = company_of(5)
    one, two, three, four, five = company.nodes
    company.split([one, two, three], [four, five])
    company.run_for(DEAD_AFTER_S + REMOVE_AFTER_S + 2.0)
    company.heal()
    company.split([one, two], [three, four, five])
    company.run_for(60)
    assert valid([one, two]) == [1, 2]
    assert valid([three, four, five]) == []


def test_after_healing_all_follow_one_view_and_serve() -> None:
    company = company_of(5)
    company.split(company.nodes[:2], company.nodes[2:])
    company.run_for(60)
    company.heal()
    company.run_for(5)
    assert views(company) == {ids(company.nodes)}
    assert len(valid(company.nodes)) == 5


def test_a_ring_of_five_goes_on() -> None:
    company = company_of(5)
    nodes = company.nodes
    for number, node in enumerate(nodes):
        company.split([node], [nodes[number - 2]])
    company.run_for(2)
    assert len(valid(nodes)) == 5


def test_a_new_view_is_entered_after_a_while_though_the_old_majority_is_gone() -> None:
    company = company_of(5)
    nodes = company.nodes
    company.split(nodes[:3], nodes[3:])
    before = nodes[0].mandate.view
    assert company.run_until(lambda: nodes[0].mandate.view != before, 20) is not None
    company.kill(nodes[2])
    company.run_for(ENTRY_S + LEASE_S)
    assert valid(nodes[:2]) == [1, 2]


# Strict: pauses, leaving


@pytest.mark.parametrize("pause_s", [1.5, 5.0, 30.0])
def test_a_node_that_stood_still_may_not_serve_when_it_wakes(pause_s: float) -> None:
    company = company_of(5)
    server = company.servers()[0]
    company.pause(server, pause_s)
    company.run_for(pause_s)
    assert not server.may_serve
    company.run_for(2.0)
    assert server.mandate.is_valid(company.now)
    assert len(company.servers()) == 1


def test_answers_that_lay_unread_during_a_pause_prolong_nothing() -> None:
    company = company_of(3)
    server = company.servers()[0]
    company.delay_s = 0.2  # so that answers are on their way when it stops
    company.run_for(1.1)
    company.pause(server, 10.0)
    company.run_for(10.0 + 0.1)  # the answers are read by now, those to new questions are on their way
    assert not server.may_serve


def test_who_leaves_is_voted_out_before_it_goes() -> None:
    company = company_of(2)
    leaver, other = company.nodes
    assert not leaver.mandate.may_go
    company.leave(leaver)
    assert company.run_until(lambda: leaver.mandate.may_go, 2.0) is not None
    company.kill(leaver)
    company.run_for(0.5)
    assert other.mandate.is_valid(company.now)
    company.run_for(30)
    assert other.mandate.is_valid(company.now)


def test_the_last_may_go_at_once() -> None:
    assert Mandate(id_of(1), strict=True, min_members=0).may_go


# Promises


def test_promises_of_a_minority_do_not_suffice() -> None:
    company = company_of(5)
    mandate = company.nodes[0].mandate
    assert not mandate.has_majority({id_of(2)})
    assert not mandate.has_majority({id_of(2), id_of(9), id_of(8)})
    assert mandate.has_majority({id_of(2), id_of(3)})
    assert mandate.promotion_wait_s > LEASE_S


def test_it_is_known_since_when_a_member_has_not_asked() -> None:
    company = company_of(3)
    one, two = company.nodes[:2]
    assert company.now - one.mandate.asked_before(two.id) <= CONFIRM_EVERY_S + 0.1
    company.split([one], [two])
    company.run_for(2)
    assert company.now - one.mandate.asked_before(two.id) > 1.5
    assert one.mandate.asked_before(id_of(9)) == float("-inf")


# What costs what


def test_a_node_asks_four_times_a_second_and_tells_members_only_to_who_needs_them() -> None:
    company = company_of(5)
    mandate = company.nodes[0].mandate
    questions = [mandate.due(company.now + tick / 100) for tick in range(200)]
    told = [question for question in questions if question is not None]
    assert len(told) == 8
    assert all(question.view.members == frozenset() for question in told)


# Storms


def trouble(company: Company, nodes: list[Node]) -> None:
    chance = company.chance
    match chance.choice(["split", "split", "heal", "pairs", "pairs", "pause"]):
        case "split":
            some = chance.sample(nodes, chance.randint(1, len(nodes) - 1))
            company.split(some, [node for node in nodes if node not in some])
        case "heal":
            company.heal()
        case "pairs":
            for _ in range(chance.randint(1, 4)):
                one, other = chance.sample(nodes, 2)
                company.split([one], [other])
        case "pause":
            company.pause(chance.choice(nodes), chance.uniform(0.1, 8))


def change_members(company: Company, count: int) -> None:
    chance = company.chance
    company.heal()
    company.run_for(DEAD_AFTER_S + REMOVE_AFTER_S + 1)
    if len(company.up()) < count + 2 and chance.random() < 0.5:
        company.start()
    elif len(company.up()) > 2:
        leaver = chance.choice(company.up())
        if chance.random() < 0.5:
            company.leave(leaver)
            company.run_until(lambda: leaver.mandate.may_go, 3.0)
        company.kill(leaver)
    company.run_for(2)


def storm(seed: int, *, is_hostile: bool, seconds: float) -> tuple[Company, list[str]]:
    """Cut, stop, kill and start at random; return the moments at which two nodes served, up to the first trouble with any."""
    company = Company(seed, 3 + seed % 4)
    count, chance = len(company.nodes), company.chance
    company.delay_s = chance.choice([0.001, 0.02, 0.1])
    company.run_for(3)
    twice: list[str] = []

    def look() -> None:
        servers = [node for node in company.servers() if node.paused_until <= company.now]
        if len(servers) > 1:
            twice.append(f"{company.now:.3f}: {[(node.number, node.serves) for node in servers]}")

    company.on_step = look
    if is_hostile:
        company.is_hostile, company.dead_after_s = True, 0.6
    end = company.now + seconds
    while company.now < end and not twice:
        if chance.random() < 0.15:
            change_members(company, count)
        else:
            trouble(company, company.up())
            company.run_for(chance.choice([0.3, 1, 2, 5, 12]))
    return company, twice


@pytest.mark.parametrize("seed", seeds(4, 12))
def test_never_do_two_serve_at_once_and_one_does_when_the_storm_is_over(seed: int) -> None:
    company, twice = storm(seed, is_hostile=False, seconds=60)
    assert twice == []
    company.heal()
    company.run_for(20)
    assert views(company) == {ids(company.up())}
    assert len(company.servers()) == 1


@pytest.mark.parametrize("seed", seeds(4, 12))
def test_rivals_who_promote_all_the_time_do_not_serve_at_once_either(seed: int) -> None:
    assert storm(seed, is_hostile=True, seconds=60)[1] == []


def test_without_waiting_for_old_leases_two_would_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROMOTION_WAIT_S", 0.0)
    assert storm(2, is_hostile=True, seconds=150)[1] != []
