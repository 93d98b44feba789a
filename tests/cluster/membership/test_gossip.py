from respcache.cluster.membership.messages import Alive, Dead
from respcache.cluster.membership.outputs import Packet
from tests.cluster.membership.lone_node import LoneNode, alive, id_of


def test_news_reaches_a_few_per_period_and_falls_silent() -> None:
    node = LoneNode(*range(1, 30))
    node.run_for(3)
    assert node.swim.statistics()["news"] == 0
    node.outputs.clear()
    node.receive(alive(50))
    node.swim._gossip.spread(node.now)
    told = node.swim._core.take_outputs()
    assert len({output.address for output in told if isinstance(output, Packet)}) == len(told) == 3
    node.run_for(3)
    assert len([message for message in node.sent(Alive) if message.id == id_of(50)]) == 8 - 3
    assert node.swim.statistics()["news"] == 0


def test_a_packet_holds_as_much_as_it_may() -> None:
    node = LoneNode(*range(1, 60))
    node.run_for(0.1)
    sizes = [len(output.payload) for output in node.outputs if isinstance(output, Packet)]
    assert max(sizes) <= 1300
    assert max(sizes) > 1100


def test_the_recently_dead_hear_the_news_and_leavers_do_not() -> None:
    node = LoneNode(1, 2)
    node.receive(Dead(1, id_of(1), id_of(9)), Dead(1, id_of(2), id_of(2)))
    node.run_for(0.1)
    addresses = {output.address for output in node.outputs if isinstance(output, Packet)}
    assert node.member(1).address in addresses
    assert node.member(2).address not in addresses


def test_the_last_member_does_not_wake_for_nobody() -> None:
    node = LoneNode()
    node.run_for(1)
    deadlines = 0
    end = node.now + 60
    while node.swim.next_deadline() < end:
        node.now = node.swim.next_deadline()
        node.outputs += node.swim.tick(node.now)
        deadlines += 1
    assert deadlines < 140  # two probe periods per second, views and redials
    assert node.outputs == []
