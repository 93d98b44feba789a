"""What is remembered of another node."""

from respcache.cluster.pubsub.peers import FIRST, Peer


def test_of_a_new_node_nothing_is_known_and_everything_is_to_be_told() -> None:
    peer = Peer(b"a" * 20)
    assert not peer.is_known
    assert not peer.is_silent
    assert peer.untold.is_due
    assert peer.untold.is_full
    assert peer.outboxes[FIRST] is peer.outbox
