"""Nodes that are not waited for any more, and when they are again."""

from respcache.cluster.replication.stream import Stream
from tests.cluster.replication.followers import Follower, Waiting, record


def tick(stream: Stream, seconds: float, start_s: float = 0.0) -> None:
    for step in range(round(seconds / 0.02) + 1):
        stream.tick(start_s + step * 0.02)


def test_nobody_waits_for_a_node_that_is_silent(stream: Stream, follower: Follower) -> None:
    lags: list[bool] = []
    stream.on_lag = lags.append
    waiting = Waiting()
    stream.add(record(1))
    stream.wait(waiting)
    stream.take_frames()
    tick(stream, 0.28)
    assert not stream.is_lagging
    tick(stream, 0.1, 0.3)
    assert stream.is_lagging
    assert lags == [True]
    assert waiting.confirmations == 1
    stream.add(record(2))
    assert not stream.wait(Waiting())


def test_a_node_that_cannot_be_reached_lags_as_well(stream: Stream) -> None:
    stream.add(record(1))
    tick(stream, 0.4)
    assert stream.is_lagging


def test_our_own_standstill_is_held_against_nobody(stream: Stream, follower: Follower) -> None:
    stream.tick(0.0)
    stream.add(record(1))
    stream.take_frames()
    stream.tick(30.0)
    assert not stream.is_lagging


def test_rare_ticks_while_all_is_calm_are_held_against_nobody(stream: Stream, follower: Follower) -> None:
    stream.tick(0.0)
    stream.add(record(1))
    stream.take_frames()
    tick(stream, 0.26, 0.15)
    assert not stream.is_lagging
    tick(stream, 0.04, 0.43)
    assert stream.is_lagging


def test_who_begins_to_wait_is_told_once_and_who_only_tells_is_not(
    stream: Stream, follower: Follower
) -> None:
    calls: list[bool] = []
    stream.on_waited = lambda: calls.append(stream.is_quiet)
    stream.add(record(1))
    stream.take_frames()
    assert calls == []
    stream.wait(Waiting())
    for number in (2, 3):
        stream.add(record(number))
        stream.wait(Waiting())
        stream.take_frames()
    assert calls == []  # it was looked after already
    follower.take(stream.take_frames())
    stream.close()
    stream.add(record(4))
    stream.wait(Waiting())
    stream.take_frames()
    assert calls == [False]


def test_a_node_has_caught_up_when_it_has_what_was_sent(stream: Stream, follower: Follower) -> None:
    lags: list[bool] = []
    stream.on_lag = lags.append
    stream.add(record(1))
    late = stream.take_frames()
    tick(stream, 0.4)
    stream.add(record(2))
    fresh = stream.take_frames()
    follower.take(late)
    follower.acknowledge()
    assert stream.is_lagging
    follower.take(fresh)
    follower.acknowledge()
    assert not stream.is_lagging
    assert lags == [True, False]


def test_a_node_catches_up_although_there_is_always_something_on_its_way(
    stream: Stream, follower: Follower
) -> None:
    stream.add(record(0))
    on_their_way = stream.take_frames()
    tick(stream, 0.4)
    for number in range(1, 4):
        stream.add(record(number))
        more = stream.take_frames()
        follower.take(on_their_way)
        follower.acknowledge()
        on_their_way = more
    assert not stream.is_lagging
    assert not stream.is_quiet
