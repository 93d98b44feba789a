"""A channel counts exactly what waits, whatever happens to its connections."""

import random
from typing import cast

from respcache.cluster.bus.batch import Batch, Notice, WatchBatch
from respcache.cluster.bus.channel import BYTES, COMMANDS, Channel
from respcache.cluster.bus.frames import Request
from respcache.cluster.bus.inlet import DECODERS
from respcache.commands.client import Client, Connection


class Heard:
    def __init__(self) -> None:
        self.wires: list[bytes] = []

    def fill(self, wire: bytes) -> None:
        self.wires.append(wire)


class Jammed:
    """A client's connection that only knows whether it may go on."""

    def __init__(self) -> None:
        self.jams = 0

    def jam(self) -> None:
        self.jams += 1

    def dismiss(self) -> None: ...
    def clear_jam(self) -> None:
        self.jams -= 1


class Clock:
    now_s = 100.0


def channel_with(clock: Clock, *, is_connected: bool = True) -> Channel:
    numbers = iter(range(1, 1 << 40))
    channel = Channel(lambda: next(numbers), lambda: clock.now_s)
    channel.wake = (lambda: None) if is_connected else None
    return channel


def client(protocol: int = 2, db: int = 0) -> Client:
    made = Client(1, cast(Connection, Jammed()), "", "", 0)
    made.protocol, made.db_index = protocol, db
    return made


def requests(frames: list[bytes]) -> list[Request]:
    return [cast(Request, DECODERS.decode(data)) for data in frames]


def test_commands_of_one_turn_leave_in_one_frame() -> None:
    channel, heard = channel_with(Clock()), Heard()
    for at in range(5):
        channel.add(client(), heard, [b"GET", b"%d" % at], at)
    [request] = requests(channel.take_frames())
    assert (len(request.commands), request.places, channel.count) == (5, [0, 1, 2, 3, 4], 5)
    channel.answer(request.batch, 0, [b"a", b"b"])
    channel.answer(request.batch, 2, [b"c", b"d", b"e"])
    assert (heard.wires, channel.count, channel.size_bytes, channel.sent) == (
        [b"a", b"b", b"c", b"d", b"e"],
        0,
        0,
        {},
    )


def test_a_command_that_is_sent_again_here_is_no_end_of_what_was_sent_with_it() -> None:
    channel, heard = channel_with(Clock()), Heard()
    for at in range(3):
        channel.add(client(), heard, [b"GET", b"%d" % at], at)
    [request] = requests(channel.take_frames())
    again = channel.take_back(request.batch, 0)
    assert again is not None
    channel.append(again)
    channel.take_frames()
    channel.answer(request.batch, 1, [b"b", b"c"])
    channel.answer(request.batch, 0, [b"a"])
    assert (heard.wires, channel.count, channel.sent) == ([b"b", b"c", b"a"], 0, {})


def test_databases_and_protocols_have_frames_of_their_own_and_keep_the_order() -> None:
    channel = channel_with(Clock())
    for one in (client(2, 0), client(3, 0), client(2, 0), client(2, 5)):
        channel.add(one, Heard(), [b"PING"], 0)
    found = requests(channel.take_frames())
    assert [(one.protocol, one.db) for one in found] == [(2, 0), (3, 0), (2, 0), (2, 5)]


def test_what_is_sent_is_sent_again_on_the_next_connection_in_order() -> None:
    channel, heard = channel_with(Clock()), Heard()
    for at in range(3):
        channel.add(client(), heard, [b"GET", b"%d" % at], 0)
    [request] = requests(channel.take_frames())
    channel.add(client(), heard, [b"GET", b"3"], 0)
    channel.answer(request.batch, 1, [b"b"])
    channel.disconnect()
    again = requests(channel.take_frames())
    assert [one.commands[0][1] for one in again] == [b"0", b"2", b"3"]
    assert [(one.batch, one.first, one.is_resent) for one in again[:2]] == [
        (request.batch, 0, True),
        (request.batch, 2, True),
    ]
    assert not again[2].is_resent
    for one in again:
        channel.answer(one.batch, one.first, [b"x"])
    assert (channel.count, channel.size_bytes, len(heard.wires)) == (0, 0, 4)


def test_a_watch_is_not_sent_again_and_a_notice_is_not_waited_for() -> None:
    channel, heard = channel_with(Clock()), Heard()
    watch = WatchBatch(50, 0, 100.0, 1, b"owner")
    watch.sinks, watch.commands, watch.places, watch.left = [heard], [[b"k"]], [0], 1
    channel.append(watch)
    channel.append(Notice(b"U\x91\x01"))
    assert len(channel.take_frames()) == 2
    channel.disconnect()
    assert (heard.wires, channel.take_frames(), channel.count) == ([b"+OK\r\n"], [], 0)


def test_some_of_the_unsent_can_be_taken_out_and_the_rest_keeps_its_order() -> None:
    channel = channel_with(Clock())
    for at in range(6):
        channel.add(client(), Heard(), [b"GET", b"%d" % at], at)
    channel.append(Notice(b"U\x91\x01"))
    channel.add(client(), Heard(), [b"GET", b"6"], 0)
    channel.disconnect()
    taken = channel.take_out(lambda one: one.commands[0][1] in {b"1", b"4"})
    assert [one.commands for one in taken] == [[[b"GET", b"1"]], [[b"GET", b"4"]]]
    frames = channel.take_frames()
    assert frames.index(b"U\x91\x01") == 4
    found = requests([data for data in frames if data[:1] == b"R"])
    assert [one.commands[0][1] for one in found] == [b"0", b"2", b"3", b"5", b"6"]
    assert channel.count == 5


def test_who_is_given_up_is_told_whether_it_was_sent() -> None:
    clock = Clock()
    channel = channel_with(clock)
    sent, unsent, young = Heard(), Heard(), Heard()
    channel.add(client(), sent, [b"PING"], 0)
    channel.take_frames()
    channel.add(client(), unsent, [b"PING"], 0)
    clock.now_s += 2
    channel.add(client(3), young, [b"PING"], 0)
    assert list(channel.overdue(101.0)) == [(sent, True), (unsent, False)]
    assert [one.protocol for one in requests(channel.take_frames())] == [3]
    assert channel.count == 1


def test_who_works_is_not_given_up() -> None:
    clock = Clock()
    channel = channel_with(clock)
    channel.add(client(), Heard(), [b"PING"], 0)
    channel.add(client(), Heard(), [b"PING"], 0)
    [request] = requests(channel.take_frames())
    found = channel.find(request.batch, 1)
    assert found is not None
    found.working.add(1)
    clock.now_s += 9
    assert len(list(channel.overdue(108.0))) == 1
    assert channel.count == 1


def test_answers_after_the_time_is_up_are_nobodys() -> None:
    clock = Clock()
    channel, heard = channel_with(clock), Heard()
    channel.add(client(), heard, [b"PING"], 0)
    [request] = requests(channel.take_frames())
    clock.now_s += 2
    assert len(list(channel.overdue(101.0))) == 1
    channel.answer(request.batch, 0, [b"late"])
    assert (heard.wires, channel.count, channel.size_bytes) == ([], 0, 0)


def test_without_a_connection_each_waits_from_its_own_time_on() -> None:
    clock = Clock()
    channel = channel_with(clock, is_connected=False)
    for _ in range(3):
        channel.add(client(), Heard(), [b"PING"], 0)
        clock.now_s += 1
    assert len(list(channel.overdue(101.5))) == 2
    assert channel.count == 1


def test_a_full_channel_jams_whom_it_takes_more_from_until_half_is_done() -> None:
    channel, polite, greedy = channel_with(Clock()), client(), client()
    for _ in range(COMMANDS):
        channel.add(polite, Heard(), [b"PING"], 0)
    assert cast(Jammed, polite.connection).jams == 0
    channel.add(greedy, Heard(), [b"PING"], 0)
    channel.add(greedy, Heard(), [b"PING"], 0)
    assert cast(Jammed, greedy.connection).jams == 1
    [request] = requests(channel.take_frames())
    channel.answer(request.batch, 0, [b""] * (COMMANDS // 2 + 2))
    assert cast(Jammed, greedy.connection).jams == 1
    channel.answer(request.batch, COMMANDS // 2 + 2, [b""])
    assert cast(Jammed, greedy.connection).jams == 0


def test_many_bytes_fill_a_channel_too() -> None:
    channel, greedy = channel_with(Clock()), client()
    for _ in range(9):
        channel.add(greedy, Heard(), [b"SET", b"k", b"x" * (BYTES // 8)], 0)
        channel.take_frames()
    assert cast(Jammed, greedy.connection).jams == 1
    for one in list(channel.sent.values())[:6]:
        channel.answer(one.number, 0, [b""])
    assert cast(Jammed, greedy.connection).jams == 0


def test_whoever_is_drained_is_free() -> None:
    channel, greedy = channel_with(Clock()), client()
    for _ in range(COMMANDS + 1):
        channel.add(greedy, Heard(), [b"PING"], 0)
    assert len(channel.drain()) == COMMANDS + 1
    assert (cast(Jammed, greedy.connection).jams, channel.count, channel.size_bytes) == (0, 0, 0)


def test_whatever_happens_the_count_is_that_of_the_waiting() -> None:
    """Drive a channel at random; in the end everybody has been answered, taken out or given up, exactly once."""
    for seed in range(60):
        chance, clock = random.Random(seed), Clock()
        channel, sinks = channel_with(clock), list[Heard]()
        taken = list[Batch]()
        for _ in range(150):
            act = chance.randrange(6)
            clock.now_s += 0.01
            if act < 2:
                sinks.append(Heard())
                channel.add(
                    client(chance.choice((2, 3))), sinks[-1], [b"SET", b"k", b"x" * chance.randrange(99)], 0
                )
            elif act == 2:
                channel.take_frames()
            elif channel.sent and act == 3:
                batch = chance.choice(list(channel.sent.values()))
                channel.answer(
                    batch.number, chance.choice(batch.open_positions()), [b"+OK\r\n"] * chance.randrange(1, 4)
                )
            elif channel.sent and act == 4:
                batch = chance.choice(list(channel.sent.values()))
                one = channel.take_back(batch.number, chance.choice(batch.open_positions()))
                assert one is not None
                taken.append(one)
            elif act == 5:
                channel.disconnect()
                channel.wake = lambda: None
            assert channel.count == sum(batch.left for batch in channel.waiting())
            assert channel.size_bytes >= 0
        given_up = len(list(channel.overdue(clock.now_s + 1)))
        assert (channel.count, channel.size_bytes) == (0, 0)
        assert sum(len(sink.wires) for sink in sinks) + len(taken) + given_up == len(sinks), seed
