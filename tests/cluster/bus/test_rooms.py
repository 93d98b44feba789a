"""A room opens when everything before it is answered, wherever that is sent meanwhile."""

from respcache.cluster.bus.batch import Batch, Sink
from respcache.cluster.bus.frames import ANYWHERE
from respcache.cluster.bus.joining import Joining
from respcache.cluster.bus.rooms import Rooms, WaitingRoom, partitions_of, take_rooms
from respcache.commands.client import Client
from respcache.keyspace.slots import key_slot, partition_of


class Heard:
    def __init__(self) -> None:
        self.wires: list[bytes] = []

    def fill(self, wire: bytes) -> None:
        self.wires.append(wire)


def single(number: int, sink: Sink, place: int = 5, argv: list[bytes] | None = None) -> Batch:
    batch = Batch(number, 0, 2, 100.0)
    batch.sinks, batch.commands, batch.places, batch.left = [sink], [argv or [b"GET", b"k"]], [place], 1
    return batch


def _no_single(client: Client, sink: Sink, argv: list[bytes], place: int) -> Batch:
    raise AssertionError("nothing is added here")


def rooms_with(partition: int = 5) -> tuple[Rooms, WaitingRoom]:
    rooms = Rooms(_no_single)
    room = rooms.by_partition[partition] = WaitingRoom(rooms, partition)
    return rooms, room


def fill(batch: Batch, wire: bytes) -> None:
    assert batch.sinks[0] is not None
    batch.sinks[0].fill(wire)


def test_a_room_is_ready_after_the_last_answer() -> None:
    rooms, room = rooms_with()
    heard, batches = Heard(), [single(number, Heard()) for number in range(3)]
    batches.append(single(3, heard))
    for batch in batches:
        room.wait_for(batch, 0)
    for batch in batches[:3]:
        fill(batch, b"x")
    assert rooms.ready == []
    fill(batches[3], b"y")
    assert (rooms.ready, heard.wires) == ([room], [b"y"])


def test_a_command_counts_once_however_often_it_is_named() -> None:
    _, room = rooms_with()
    batch = single(1, Heard())
    for _ in range(3):
        room.wait_for(batch, 0)
    again = batch.single(0)
    room.wait_for(again, 0)
    assert room.ahead == 1
    fill(again, b"x")
    assert room.ahead == 0


def test_a_command_may_hold_back_several_partitions() -> None:
    rooms, room = rooms_with()
    other = rooms.by_partition[6] = WaitingRoom(rooms, 6)
    batch = single(1, Heard())
    for one in (room, other, room):
        one.wait_for(batch, 0)
    assert take_rooms(batch.single(0)) == [other, room]
    fill(batch, b"x")
    assert (room.ahead, other.ahead) == (0, 0)


def test_commands_rest_in_the_order_in_which_they_came() -> None:
    rooms, room = rooms_with()
    for number in (3, 1, 2):
        batch = single(number, Heard())
        room.wait_for(batch, 0)
        rooms.rest(0, batch)
    assert [batch.number for _, batch in rooms.resting] == [1, 2, 3]
    assert (room.resting, rooms.is_resting(single(9, Heard())), rooms.is_resting(single(9, Heard(), 7))) == (
        3,
        True,
        False,
    )
    rooms.wake(rooms.resting[0][1])
    assert room.resting == 2


def test_a_command_concerns_its_place_and_one_that_was_cut_all_its_words() -> None:
    assert partitions_of(single(1, Heard(), 5), 0) == {5}
    assert partitions_of(single(1, Heard(), 5 | 9 << 11), 0) == {5}
    assert partitions_of(single(1, Heard(), ANYWHERE), 0) == set()
    part = Joining(Heard(), 1, lambda wires: wires[0]).part(0)
    keys = [b"a", b"b", b"c"]
    concerned = {partition_of(key_slot(key)) for key in keys}
    batch = single(1, part, 5, [b"DEL", *keys])
    assert partitions_of(batch, 0) == concerned
    _, room = rooms_with()
    room.wait_for(batch, 0)
    assert partitions_of(batch, 0) == concerned
