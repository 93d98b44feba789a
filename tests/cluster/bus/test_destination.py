"""A client's commands for a node always take the same channel, and clients share all of them."""

from typing import cast

from respcache.cluster.bus.channel import Channel
from respcache.cluster.bus.destination import Destination
from respcache.commands.client import Client, Connection
from respcache.commands.nobody import NOBODY
from respcache.commands.pending import Slot


def client(number: int) -> Client:
    return Client(number, cast(Connection, NOBODY), "127.0.0.1:50000", "", 0)


def test_a_client_stays_on_its_channel() -> None:
    channels = [Channel(lambda: 1, lambda: 0.0) for _ in range(3)]
    destination = Destination(b"id", channels)
    for number in (3, 4, 5, 6, 7):
        who = client(number)
        destination.add(who, Slot(who.connection), [b"GET", b"a"], 0)
        assert destination.channel_of(who) is channels[number % 3]
    assert [channel.count for channel in channels] == [2, 2, 1]
    [one, other] = channels[1].waiting()
    destination.append(client(6), one)
    assert [channel.count for channel in channels] == [3, 2, 1]
    assert other is not one
