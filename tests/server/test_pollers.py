"""The poller of this platform, by the promises the reactor relies on."""

import socket

from respcache.server.pollers import READABLE, WRITABLE, new_poller


def test_readiness_is_told_for_as_long_as_it_lasts() -> None:
    poller = new_poller()
    assert poller is not None
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poller.register(ours.fileno(), READABLE)
        assert poller.poll(0, 10) == []
        theirs.send(b"x")
        for _ in range(2):
            [(fd, mask)] = poller.poll(1, 10)
            assert fd == ours.fileno()
            assert mask & READABLE
        poller.modify(ours.fileno(), WRITABLE)
        [(_, mask)] = poller.poll(1, 10)
        assert mask & WRITABLE
        assert not mask & READABLE
        poller.unregister(ours.fileno())
        assert poller.poll(0, 10) == []
    poller.close()
