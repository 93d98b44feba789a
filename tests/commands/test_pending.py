"""A reply that comes later reaches its reader once."""

from typing import cast

import pytest

from respcache.commands.client import Connection
from respcache.commands.pending import Pending, Slot
from respcache.protocol.replies import OK, Reply


def test_a_reader_who_waits_gets_the_reply_when_it_comes() -> None:
    pending, heard = Pending(), list[Reply]()
    pending.when_done(heard.append)
    assert heard == []
    pending.resolve(OK)
    assert heard == [OK]


def test_a_reader_who_comes_late_gets_the_reply_at_once() -> None:
    pending, heard = Pending(), list[Reply]()
    pending.resolve(OK)
    pending.when_done(heard.append)
    assert heard == [OK]


def test_nothing_is_an_answer_too() -> None:
    pending, heard = Pending(), list[Reply]()
    pending.resolve(None)
    pending.when_done(heard.append)
    assert heard == [None]


def test_it_is_done_before_its_reader_hears_of_it() -> None:
    pending, was_done = Pending(), list[bool]()
    pending.when_done(lambda reply: was_done.append(pending.is_done))
    assert not pending.is_done
    pending.resolve(OK)
    assert was_done == [True]


def test_a_second_reply_is_a_fault_of_ours() -> None:
    pending, heard = Pending(), list[Reply]()
    pending.when_done(heard.append)
    pending.resolve(1)
    with pytest.raises(AssertionError, match="given once"):
        pending.resolve(2)
    assert heard == [1]


def test_a_second_reader_is_a_fault_of_ours() -> None:
    pending = Pending()
    pending.when_done(lambda reply: None)
    with pytest.raises(AssertionError, match="one reader"):
        pending.when_done(lambda reply: None)


class Settled:
    """A connection that counts how often it was told to look at its slots, and what it saw."""

    def __init__(self) -> None:
        self.slot: Slot
        self.saw: list[bytes | None] = []

    def settle(self) -> None:
        self.saw.append(self.slot.wire)


def test_a_slot_has_its_reply_before_its_connection_hears_of_it() -> None:
    connection = Settled()
    slot = connection.slot = Slot(cast(Connection, connection))
    assert slot.wire is None
    slot.fill(b"+OK\r\n")
    assert connection.saw == [b"+OK\r\n"]


def test_a_slot_may_be_given_its_reply_in_silence() -> None:
    connection = Settled()
    slot = connection.slot = Slot(cast(Connection, connection))
    slot.wire = b"+OK\r\n"
    assert connection.saw == []
