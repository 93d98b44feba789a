"""Both ends of a connection: nothing is sent too early, everything is sent in one go, and an end is an end."""

import pytest

from respcache.cluster.bus.connection import BusConnection
from respcache.cluster.security.greeting import Role
from respcache.cluster.security.keyring import Keyring
from respcache.cluster.security.links import Link
from respcache.commands.client import Ending
from respcache.keyspace.clock import BatchClock


class Plain(BusConnection):
    """Keeps what it is told."""

    def __init__(self, role: Role, id: bytes, cluster: str = "test") -> None:
        self.wakes = 0
        self.heard: list[bytes] = []
        self.began = 0
        super().__init__(
            Link(role, cluster, Keyring(()), id, bytes(32)),
            BatchClock(0),
            self._woken,
            "",
        )

    def _woken(self) -> None:
        self.wakes += 1

    def established(self) -> None:
        self.began += 1

    def take(self, frame: bytes) -> None:
        self.heard.append(frame)


def pair(cluster: str = "test") -> tuple[Plain, Plain]:
    dialing, accepting = Plain("dial", b"a" * 16, cluster), Plain("accept", b"b" * 16)
    return dialing, accepting


def exchange(*ends: BusConnection) -> None:
    for _ in range(6):
        for one, other in (ends, ends[::-1]):
            if one.has_output and other.client.ending is None:
                other.receive(b"".join(one.take_output()))


@pytest.fixture
def joined() -> tuple[Plain, Plain]:
    ends = pair()
    for end in ends:
        end.start()
    exchange(*ends)
    return ends


def test_both_ends_begin_once(joined: tuple[Plain, Plain]) -> None:
    assert [end.began for end in joined] == [1, 1]
    assert not any(end.has_output for end in joined)


def test_frames_of_one_turn_leave_together(joined: tuple[Plain, Plain]) -> None:
    one, other = joined
    before = one.wakes
    for number in range(5):
        one.send(b"F%d" % number)
    assert one.wakes == before + 1
    other.receive(b"".join(one.take_output()))
    assert other.heard == [b"F0", b"F1", b"F2", b"F3", b"F4"]


def test_what_is_said_before_the_greeting_waits_for_it() -> None:
    one, other = pair()
    one.send(b"early")
    for end in (one, other):
        end.start()
    exchange(one, other)
    assert other.heard == [b"early"]


def test_bytes_may_come_one_by_one() -> None:
    one, other = pair()
    for end in (one, other):
        end.start()
    one.send(b"F")
    for _ in range(6):
        for end, peer in ((one, other), (other, one)):
            if end.has_output:
                for byte in b"".join(end.take_output()):
                    peer.receive(bytes([byte]))
    assert other.heard == [b"F"]


def test_a_stranger_is_let_go() -> None:
    one, other = pair("another cluster")
    for end in (one, other):
        end.start()
    exchange(one, other)
    assert other.client.ending is not None
    assert other.link.error
    assert not other.was_established


def test_a_closed_end_tells_both_who_keep_it_and_who_wait_for_it(joined: tuple[Plain, Plain]) -> None:
    one, told = joined[0], list[str]()
    one.on_closed = lambda: told.append("closed")
    one.on_ended = lambda: told.append("ended")
    one.close()
    assert told == ["closed", "ended"]
    assert not one.wants_input


def test_hanging_up_twice_is_hanging_up(joined: tuple[Plain, Plain]) -> None:
    one = joined[0]
    before = one.wakes
    one.hang_up()
    one.hang_up()
    assert (one.client.ending, one.wakes) == (Ending.AT_ONCE, before + 1)


def test_it_is_no_client(joined: tuple[Plain, Plain]) -> None:
    """What the server does to its clients does nothing here."""
    one = joined[0]
    connection = one.client.connection
    for act in (connection.hold, connection.release, connection.jam, connection.clear_jam, one.resume):
        act()
    connection.push(b"x")
    connection.end(Ending.AT_ONCE)
    assert one.client.ending is None
    assert one.wants_input
    assert one.is_drained
    assert not one.has_output
    assert (connection.query_bytes, one.output_bytes, one.is_hungry) == (0, 0, False)
