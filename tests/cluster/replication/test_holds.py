"""Replies wait until copies have what they tell of, and nobody sees what may be lost."""

from typing import Any, cast

import pytest

from respcache.cluster.bus.frames import ANYWHERE
from respcache.cluster.replication.held import REPLACED_WIRE
from respcache.cluster.replication.holds import Holds
from respcache.cluster.replication.records import REMOVED
from respcache.cluster.replication.stream import Stream
from respcache.commands.client import Client
from respcache.commands.pending import Pending, Slot
from respcache.commands.table import CommandTable
from respcache.keyspace.slots import PARTITIONS, SLOTS, SLOTS_PER_PARTITION, key_slot, partition_of
from respcache.protocol.replies import OK, Raw, Reply
from tests.commands.harness import Harness

FOO = partition_of(key_slot(b"foo"))
BAR = partition_of(key_slot(b"bar"))


class Marks:
    def __init__(self) -> None:
        self.mine = bytearray(b"\x01" * SLOTS)
        self.owned = bytearray(b"\x01" * (PARTITIONS + 1))
        self.unconfirmed = bytearray(PARTITIONS + 1)


class Connection:
    """Notes what is sent."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.settled = 0

    def settle(self) -> None:
        self.settled += 1


class Node:
    """Holds, and streams to copies that acknowledge when they are told to."""

    def __init__(self) -> None:
        self.marks = Marks()
        self.written: list[int] = []
        self.streams = [Stream(1), Stream(1)]
        self.holds = Holds(self.written, self.marks, [self.streams] * PARTITIONS)
        self.require({FOO: [0], BAR: [1]})
        self.connection = Connection()
        self.client = Client(1, cast(Any, self.connection), "", "", 0)

    def require(self, required: dict[int, list[int]]) -> None:
        for partition, followers in required.items():
            self.holds.required[partition] = tuple([self.streams[at] for at in followers])

    def write(self, *partitions: int) -> None:
        """Do what a recorder does."""
        for partition in partitions:
            self.written.append(partition)
            for stream in self.streams:
                stream.add((REMOVED, partition, 0, b"key", 1, 1))

    def set(self, partition: int) -> Reply | Slot:
        self.write(partition)
        return self.holds.after(self.client, OK, partition)

    def get(self, partition: int) -> Reply | Slot:
        return self.holds.after(self.client, b"value", partition)

    def send(self) -> None:
        for stream in self.streams:
            stream.take_frames()

    def acknowledge(self, at: int) -> None:
        stream = self.streams[at]
        stream.take_frames()
        stream.acknowledged(1, stream.sequence)


@pytest.fixture
def node() -> Node:
    return Node()


def slot(reply: object) -> Slot:
    assert isinstance(reply, Slot)
    return reply


# -- the short way -----------------------------------------------------------


def test_a_write_is_answered_once_the_required_copy_has_it(node: Node) -> None:
    place = slot(node.set(FOO))
    node.acknowledge(1)
    assert place.wire is None
    node.acknowledge(0)
    assert place.wire == b"+OK\r\n"
    assert node.connection.settled == 1


def test_all_required_copies_must_have_it(node: Node) -> None:
    node.require({FOO: [0, 1]})
    place = slot(node.set(FOO))
    node.acknowledge(1)
    assert place.wire is None
    node.acknowledge(0)
    assert place.wire == b"+OK\r\n"


def test_a_write_that_no_copy_is_required_for_is_answered_at_once(node: Node) -> None:
    node.require({FOO: []})
    assert node.set(FOO) is OK
    assert not node.written
    assert not any(node.marks.unconfirmed)


def test_nothing_waits_where_copies_are_not_waited_for(node: Node) -> None:
    node.holds.is_sync = False
    assert node.set(FOO) is OK
    assert node.get(FOO) == b"value"
    assert not node.written


def test_nobody_reads_what_copies_do_not_have_yet(node: Node) -> None:
    node.set(FOO)
    place = slot(node.get(FOO))
    assert place.wire is None
    node.acknowledge(0)
    assert place.wire == b"$5\r\nvalue\r\n"
    assert node.get(FOO) == b"value"


def test_other_partitions_go_on(node: Node) -> None:
    node.set(FOO)
    assert node.get(BAR) == b"value"


def test_slots_are_marked_while_they_are_unconfirmed(node: Node) -> None:
    first = FOO * SLOTS_PER_PARTITION
    node.set(FOO)
    assert node.marks.mine[first : first + SLOTS_PER_PARTITION] == b"\x02" * SLOTS_PER_PARTITION
    assert sum(node.marks.mine) == SLOTS + SLOTS_PER_PARTITION
    assert node.marks.unconfirmed[FOO] == node.marks.unconfirmed[ANYWHERE] == 1
    node.acknowledge(0)
    assert sum(node.marks.mine) == SLOTS
    assert not any(node.marks.unconfirmed)


def test_slots_that_have_gone_elsewhere_stay_so(node: Node) -> None:
    node.set(FOO)
    first = FOO * SLOTS_PER_PARTITION
    node.marks.mine[first : first + SLOTS_PER_PARTITION] = bytes(SLOTS_PER_PARTITION)
    node.acknowledge(0)
    assert not any(node.marks.mine[first : first + SLOTS_PER_PARTITION])


def test_a_later_write_keeps_the_partition_unconfirmed(node: Node) -> None:
    first = slot(node.set(FOO))
    node.send()
    second = slot(node.set(FOO))
    node.streams[0].acknowledged(1, 1)
    assert (first.wire, second.wire) == (b"+OK\r\n", None)
    read = slot(node.get(FOO))
    assert read.wire is None
    node.acknowledge(0)
    assert second.wire == b"+OK\r\n"
    assert read.wire == b"$5\r\nvalue\r\n"


def test_all_that_wait_for_the_same_frame_are_answered_together(node: Node) -> None:
    places = [slot(node.set(FOO)) for _ in range(10)]
    assert node.holds.waiting == 10
    node.acknowledge(0)
    assert all(place.wire == b"+OK\r\n" for place in places)
    assert node.connection.settled == 1
    assert (node.holds.waiting, node.holds.held) == (0, 10)


def test_a_write_to_many_partitions_waits_for_the_copies_of_all(node: Node) -> None:
    node.write(FOO, BAR)
    place = slot(node.holds.after(node.client, OK, FOO))
    node.acknowledge(0)
    assert place.wire is None
    assert slot(node.get(BAR)).wire is None
    node.acknowledge(1)
    assert place.wire == b"+OK\r\n"
    assert not any(node.marks.unconfirmed)


def test_a_copy_that_lags_is_not_waited_for(node: Node) -> None:
    place = slot(node.set(FOO))
    node.send()
    for step in range(20):
        node.streams[0].tick(step * 0.02)
    assert place.wire == b"+OK\r\n"
    assert node.get(FOO) == b"value"
    assert node.set(FOO) is OK


def test_a_copy_that_begins_anew_is_not_waited_for(node: Node) -> None:
    place = slot(node.set(FOO))
    node.streams[0].close()
    assert place.wire == b"+OK\r\n"


def test_a_write_behind_one_that_still_waits_is_answered_with_it(node: Node) -> None:
    first = slot(node.set(FOO))
    node.require({FOO: []})
    second = slot(node.set(FOO))
    node.acknowledge(0)
    assert first.wire == second.wire == b"+OK\r\n"


# -- who was replaced --------------------------------------------------------


def test_who_was_replaced_acknowledges_nothing(node: Node) -> None:
    write, read, other = slot(node.set(FOO)), slot(node.get(FOO)), slot(node.set(BAR))
    node.holds.fail(FOO)
    node.acknowledge(0)
    node.acknowledge(1)
    assert write.wire == read.wire == REPLACED_WIRE
    assert REPLACED_WIRE.startswith(b"-TIMEOUT ")
    assert other.wire == b"+OK\r\n"
    assert node.holds.lost == 1


def test_what_concerns_a_partition_that_was_replaced_among_others_fails(node: Node) -> None:
    node.write(FOO, BAR)
    place = slot(node.holds.after_all(node.client, OK))
    node.holds.fail(BAR)
    node.acknowledge(0)
    node.acknowledge(1)
    assert place.wire == REPLACED_WIRE


def test_a_partition_that_was_replaced_is_not_marked(node: Node) -> None:
    node.set(FOO)
    node.holds.fail(FOO)
    assert not node.marks.unconfirmed[FOO]
    assert sum(node.marks.mine) == SLOTS
    assert node.get(FOO) == b"value"


# -- the long way ------------------------------------------------------------


@pytest.fixture(scope="module")
def table() -> CommandTable:
    return Harness().node.table


def replies(pending: object) -> list[Reply]:
    assert isinstance(pending, Pending)
    found: list[Reply] = []
    pending.when_done(found.append)
    return found


def test_a_reply_of_the_long_way_waits_as_well(node: Node) -> None:
    node.write(FOO)
    found = replies(node.holds.after_long(node.client, OK))
    assert not found
    node.acknowledge(0)
    assert found == [OK]


def test_a_reply_that_comes_late_waits_for_what_it_tells_of(node: Node) -> None:
    pending = Pending()
    found = replies(node.holds.after_long(node.client, pending))
    node.write(FOO)
    pending.resolve(OK)
    assert not found
    node.acknowledge(0)
    assert found == [Raw(b"+OK\r\n")]


def test_a_late_reply_that_has_written_nothing_is_given_at_once(node: Node) -> None:
    pending = Pending()
    found = replies(node.holds.after_long(node.client, pending))
    pending.resolve(OK)
    assert found == [OK]


def test_a_late_reply_fails_with_its_partition(node: Node) -> None:
    node.write(FOO)
    found = replies(node.holds.after_long(node.client, OK))
    node.holds.fail(FOO)
    node.acknowledge(0)
    assert found == [Raw(REPLACED_WIRE)]


@pytest.mark.parametrize("line", [b"GET foo", b"MGET bar foo", b"DBSIZE", b"KEYS *"])
def test_what_looks_at_an_unconfirmed_key_waits(node: Node, table: CommandTable, line: bytes) -> None:
    node.set(FOO)
    words = line.split()
    node.holds.touch(table.resolve(words), words)
    assert node.holds.has_news
    found = replies(node.holds.after_long(node.client, b"seen"))
    assert not found
    node.acknowledge(0)
    assert found == [b"seen"]


@pytest.mark.parametrize("line", [b"GET bar", b"PING", b"CLIENT INFO"])
def test_what_looks_at_nothing_unconfirmed_does_not(node: Node, table: CommandTable, line: bytes) -> None:
    node.set(FOO)
    words = line.split()
    node.holds.touch(table.resolve(words), words)
    assert not node.holds.has_news
    assert node.holds.after_long(node.client, b"seen") == b"seen"


def test_bytes_for_somebody_wait_as_well(node: Node) -> None:
    wires: list[bytes] = []
    fill = node.holds.filling(wires.append)
    node.write(FOO)
    fill(b":1\r\n")
    assert not wires
    node.acknowledge(0)
    fill(b":2\r\n")
    assert wires == [b":1\r\n", b":2\r\n"]


# -- forwarded commands ------------------------------------------------------


class Run:
    def __init__(self) -> None:
        self.lost: list[int] = []
        self.has_left = False

    def lose(self, partition: int) -> None:
        self.lost.append(partition)

    def leave(self) -> None:
        self.has_left = True


def test_a_run_waits_for_everything_that_it_wrote_or_saw(node: Node) -> None:
    node.set(FOO)
    run = Run()
    node.write(BAR)
    node.holds.touch_partitions([FOO, BAR, ANYWHERE])
    assert node.holds.keep(run)
    node.acknowledge(1)
    assert not run.has_left
    node.acknowledge(0)
    assert run.has_left


def test_a_run_that_wrote_and_saw_nothing_of_the_kind_may_be_answered(node: Node) -> None:
    node.set(FOO)
    node.holds.touch_partitions([BAR])
    assert not node.holds.keep(Run())


def test_a_run_hears_of_partitions_that_were_replaced(node: Node) -> None:
    run = Run()
    node.write(FOO, BAR)
    node.holds.keep(run)
    node.holds.fail(FOO)
    assert run.lost == [FOO]


def test_a_run_loses_nothing_with_a_partition_that_is_confirmed(node: Node) -> None:
    run = Run()
    node.write(BAR)
    node.holds.keep(run)
    node.holds.fail(FOO)
    assert run.lost == []
    assert node.holds.lost == 0


def test_copies_are_told_of_answers_although_nobody_waits_for_them(node: Node) -> None:
    node.require({FOO: []})
    node.write(FOO)
    assert node.holds.told() == node.streams
