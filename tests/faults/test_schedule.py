import pytest

from .schedule import ON_ONE_MACHINE, Fault, What, plan


def faults(seed: str, *, nodes: int = 5) -> list[Fault]:
    return list(plan(seed, seconds=2000, nodes=nodes, every_s=10))


def test_a_seed_brings_the_same_faults_again() -> None:
    assert faults("7") == faults("7")
    assert faults("7") != faults("8")


def test_every_kind_happens_and_in_time() -> None:
    found = faults("7")
    assert {fault.what for fault in found} == set(What)
    assert [fault.at_s for fault in found] == [5.0 + 10 * number for number in range(200)]


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_a_split_leaves_most_nodes_on_the_other_side(nodes: int) -> None:
    splits = [fault for fault in faults("7", nodes=nodes) if fault.what is What.SPLIT]
    assert all(1 <= len(set(fault.victims)) <= max(1, (nodes - 1) // 2) for fault in splits)
    assert all(0 <= victim < nodes for fault in splits for victim in fault.victims)


def test_nothing_but_what_is_allowed_happens() -> None:
    found = plan("7", seconds=2000, nodes=3, every_s=10, kinds=ON_ONE_MACHINE)
    assert {fault.what for fault in found} == set(ON_ONE_MACHINE)


def test_a_fault_says_what_it_is() -> None:
    assert str(Fault(5.0, What.SPLIT, (0, 2), 2.0)) == "5.0 s: split node-1,node-3 2 s"
