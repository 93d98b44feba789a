"""Streams of records: in order, whole, repeated, bounded, and not waited for too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.bus.frames import BrokenFrameError
from respcache.cluster.replication import stream as streams
from respcache.cluster.replication.stream import Received, Stream
from tests.cluster.replication.followers import Follower, Waiting, numbers, record

# -- frames ------------------------------------------------------------------


def test_a_turns_records_leave_in_one_frame(stream: Stream, follower: Follower) -> None:
    for number in range(10):
        stream.add(record(number))
    [wire] = stream.take_frames()
    follower.take([wire])
    assert numbers(follower) == list(range(10))
    assert follower.stirs == 1
    assert not stream.has_frames


def test_what_is_large_is_cut(stream: Stream, follower: Follower) -> None:
    for number in range(1000, 1100):
        stream.add(record(number, 2500))
    stream.note(b"o" * 20, 1, 0, [b"+OK\r\n"])
    frames = stream.take_frames()
    assert len(frames) > 3
    assert max(map(len, frames)) <= streams.FRAME_BYTES
    follower.take(frames)
    assert len(follower.records) == 100
    assert follower.operations == [(b"o" * 20, 1, 0, [b"+OK\r\n"])]


def test_a_larger_record_goes_alone(stream: Stream, follower: Follower) -> None:
    for number, size in ((1, 1), (2, streams.FRAME_BYTES), (3, 1)):
        stream.add(record(number, size))
    frames = stream.take_frames()
    assert sum(len(wire) > streams.FRAME_BYTES for wire in frames) == 1
    follower.take(frames)
    assert len(follower.records) == 3


def test_answers_travel_with_the_records_that_they_tell_of(stream: Stream, follower: Follower) -> None:
    stream.add(record(1))
    stream.note(b"o" * 20, 7, 2, [b":1\r\n"])
    follower.turn()
    assert follower.operations == [(b"o" * 20, 7, 2, [b":1\r\n"])]
    assert stream.is_quiet


# -- waiting -----------------------------------------------------------------


def test_who_waits_is_told_once_it_is_acknowledged(stream: Stream, follower: Follower) -> None:
    first, second = Waiting(), Waiting()
    stream.add(record(1))
    assert stream.wait(first)
    follower.take(stream.take_frames())
    assert first.is_closed
    stream.add(record(2))
    assert stream.wait(second)
    follower.acknowledge()
    assert (first.confirmations, second.confirmations) == (1, 0)
    follower.turn()
    assert (first.confirmations, second.confirmations) == (1, 1)


def test_nobody_waits_where_everything_is_acknowledged(stream: Stream, follower: Follower) -> None:
    assert not stream.wait(Waiting())
    stream.add(record(1))
    follower.turn()
    assert not stream.wait(Waiting())


def test_who_waits_for_what_was_sent_before_waits_for_nothing_more(
    stream: Stream, follower: Follower
) -> None:
    waiting = Waiting()
    stream.add(record(1))
    follower.take(stream.take_frames())
    assert stream.wait(waiting)
    assert waiting.is_closed
    stream.add(record(2))
    follower.acknowledge()
    assert waiting.confirmations == 1


def test_all_who_wait_are_let_go_when_the_node_is_gone(stream: Stream, follower: Follower) -> None:
    sent, fresh = Waiting(), Waiting()
    stream.add(record(1))
    stream.wait(sent)
    follower.take(stream.take_frames())
    stream.add(record(2))
    stream.wait(fresh)
    stream.close()
    assert (sent.confirmations, fresh.confirmations) == (1, 1)
    assert fresh.is_closed
    assert stream.is_quiet


# -- connections -------------------------------------------------------------


def test_what_is_not_acknowledged_is_sent_again_and_taken_once(stream: Stream, follower: Follower) -> None:
    stream.add(record(1))
    follower.turn()
    for number in (2, 3):
        stream.add(record(number))
        follower.take(stream.take_frames())
    stream.disconnect()
    stream.add(record(4))
    assert follower.stirs == 3
    follower.connect()
    assert follower.stirs == 4
    follower.turn()
    assert numbers(follower) == [1, 2, 3, 4]
    assert stream.is_quiet


def test_what_was_lost_on_the_way_comes_on_the_next_connection(stream: Stream, follower: Follower) -> None:
    for number in (1, 2):
        stream.add(record(number))
        stream.take_frames()
    stream.disconnect()
    follower.connect()
    follower.turn()
    assert numbers(follower) == [1, 2]


def test_a_connection_gets_no_more_than_it_can_send(
    stream: Stream, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FLIGHT_BYTES", 1000)
    for number in range(10):
        stream.add(record(number, 600))
        follower.take(stream.take_frames())
    assert numbers_of(follower) == 2
    follower.acknowledge()
    assert stream.has_frames
    while stream.has_frames:
        follower.turn()
    assert numbers_of(follower) == 10


def numbers_of(follower: Follower) -> int:
    return len(follower.records)


@given(st.lists(st.sampled_from(["add", "send", "lose", "acknowledge", "cut", "bulk"]), max_size=60))
def test_whatever_happens_to_connections_everything_arrives_once_and_in_order(steps: list[str]) -> None:
    stream = Stream(1)
    follower = Follower(stream)
    added = 0
    for step in steps:
        if step in ("add", "bulk"):
            added += 1
            if step == "add":
                stream.add(record(added))
            else:
                stream.add_bulk(record(added), 100)
        elif step == "send":
            follower.take(stream.take_frames())
        elif step == "lose":
            stream.take_frames()
            stream.disconnect()
            follower.connect()
        elif step == "cut":
            stream.disconnect()
            follower.connect()
        else:
            follower.acknowledge()
    stream.disconnect()
    follower.connect()
    follower.turn()
    assert numbers(follower) == list(range(1, added + 1))
    assert stream.is_quiet
    assert stream.kept_bytes == stream.pace.bytes == 0


# -- beginning anew ----------------------------------------------------------


def test_too_much_that_waits_is_dropped_and_told(
    stream: Stream, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "KEPT_BYTES", 1000)
    resets: list[int] = []
    stream.on_reset = lambda: resets.append(stream.generation)
    waiting = Waiting()
    stream.disconnect()
    for number in range(20):
        stream.add(record(number, 300))
        stream.wait(waiting)
        stream.tick(number * 0.001)
    assert resets
    assert waiting.confirmations == 20
    follower.connect()
    stream.add(record(99))
    follower.turn()
    assert follower.received.generation == stream.generation == resets[-1]
    assert numbers(follower)[-1] == 99


def test_one_large_record_is_kept_whatever_the_bound(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "KEPT_BYTES", 1000)
    stream.add(record(1, 5000))
    stream.tick(0.0)
    stream.add(record(2))
    stream.tick(0.02)
    assert stream.generation == 1


def test_a_node_that_has_forgotten_everything_is_told_everything(stream: Stream, follower: Follower) -> None:
    resets: list[int] = []
    stream.on_reset = lambda: resets.append(stream.generation)
    stream.add(record(1))
    follower.turn()
    follower.received = Received()
    stream.add(record(2))
    follower.turn()
    assert resets == [2]
    assert numbers(follower) == [1]
    stream.add(record(3))
    follower.turn()
    assert numbers(follower) == [1, 3]


def test_a_stream_older_than_what_the_node_knows_begins_anew(follower: Follower) -> None:
    stream = Stream(0)
    stream.acknowledged(5, 7)
    assert stream.generation == 6


def test_what_was_acknowledged_on_an_older_stream_counts_for_nothing(
    stream: Stream, follower: Follower
) -> None:
    stream.add(record(1))
    waiting = Waiting()
    stream.wait(waiting)
    follower.take(stream.take_frames())
    stream.acknowledged(0, 1)
    assert not waiting.confirmations


@pytest.mark.parametrize(("generation", "sequence"), [(1, 1), (-1, 0), (1, -1), (1 << 60, 0), (1, 1 << 60)])
def test_nonsense_breaks_the_connection(stream: Stream, generation: int, sequence: int) -> None:
    with pytest.raises(BrokenFrameError):
        stream.acknowledged(generation, sequence)


@pytest.mark.parametrize(("generation", "sequence"), [(0, 1), (1, 0), (-1, 1), (1, -1), (1 << 60, 1)])
def test_a_stream_cannot_count_so(generation: int, sequence: int) -> None:
    with pytest.raises(BrokenFrameError):
        Received().takes(generation, sequence)


def test_frames_behind_a_hole_are_not_taken() -> None:
    received = Received()
    assert received.takes(1, 1)
    assert not received.takes(1, 3)
    assert received.sequence == 0


def test_frames_of_an_older_generation_are_not_taken() -> None:
    received = Received()
    assert received.takes(2, 1)
    assert not received.takes(1, 2)
    assert (received.generation, received.sequence) == (2, 1)


# -- full copies -------------------------------------------------------------


def test_who_makes_copies_is_told_when_some_of_them_have_arrived(stream: Stream, follower: Follower) -> None:
    on_their_way: list[int] = []
    stream.on_room = lambda: on_their_way.append(stream.pace.bytes)
    stream.add_bulk(record(1), 1000)
    follower.take(stream.take_frames())
    stream.add_bulk(record(2), 500)
    assert stream.pace.bytes == 1500
    follower.acknowledge()
    assert on_their_way == [500]
    stream.add(record(3))
    follower.turn()
    assert on_their_way == [500, 0]
    stream.add(record(4))
    follower.turn()
    assert on_their_way == [500, 0]


def test_copies_that_are_lost_are_on_their_way_no_more(stream: Stream) -> None:
    stream.add_bulk(record(1), 1000)
    stream.take_frames()
    stream.add_bulk(record(2), 1000)
    stream.close()
    assert stream.pace.bytes == 0


def test_a_stream_knows_how_long_copies_have_been_on_their_way() -> None:
    now_s = 100.0
    stream = Stream(1, lambda: now_s)
    follower = Follower(stream)
    stream.add(record(1))
    follower.turn()
    stream.add_bulk(record(2), 1000)
    follower.take(stream.take_frames())
    now_s += 0.1
    assert stream.pace.piece() == 0
    follower.acknowledge()
    assert stream.pace.piece() == 0
    now_s += 0.31
    assert stream.pace.piece() > 0
