"""From changes of keys to events."""

from respcache.events.excerpt import Excerpt
from respcache.events.record import Event
from respcache.events.vocabulary import (
    ALL,
    CHANGES,
    Created,
    Deleted,
    Expired,
    Flushed,
    Missed,
    Read,
    Touched,
    Updated,
)
from respcache.keyspace.journal import CREATED, DELETED, TOUCHED, UPDATED
from tests.commands.harness import START_MS, Harness


class Notebook:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def deliver(self, event: Event) -> None:
        self.events.append(event)


def listening(values: int = 100) -> tuple[Harness, Notebook]:
    harness, notebook = Harness(), Notebook()
    harness.node.bus.subscribe(notebook, ALL, values)
    return harness, notebook


def test_nobody_listening_costs_nothing() -> None:
    harness = Harness()
    assert not harness.node.keyspace.journal.attentive
    notebook = Notebook()
    harness.node.bus.subscribe(notebook, {Created})
    assert harness.node.keyspace.journal.attentive
    assert not harness.node.keyspace.journal.wants_reads
    harness.node.bus.unsubscribe(notebook)
    assert not harness.node.keyspace.journal.attentive


def test_a_life_of_a_key_is_told_in_full() -> None:
    harness, notebook = listening()
    client = harness.client()
    for command in ("SET a 1", "SET a 2", "GET a", "GET b", "EXPIRE a 10", "DEL a", "SET c 3", "FLUSHDB"):
        client(command)
    kinds = [type(event) for event in notebook.events]
    assert kinds == [Created, Updated, Read, Missed, Touched, Deleted, Created, Flushed]
    created = notebook.events[0]
    assert created == Created(START_MS, "test", 0, b"a", "$", "set", Excerpt(b"1"))
    assert notebook.events[1].value == Excerpt(b"2")  # type: ignore[attr-defined]
    assert notebook.events[5].value == Excerpt(b"2")  # type: ignore[attr-defined]


def test_an_expired_key_is_told_with_its_value() -> None:
    harness, notebook = listening()
    harness.client()("SET a 1 PX 100")
    harness.clock.advance(200)
    harness.sweep()
    assert notebook.events[-1] == Expired(START_MS + 200, "test", 0, b"a", Excerpt(b"1"))


def test_values_are_left_out_unless_somebody_wants_them() -> None:
    harness, notebook = listening(values=0)
    harness.client()("SET a 1")
    assert notebook.events[0].value is None  # type: ignore[attr-defined]


def test_a_hash_is_told_as_its_fields() -> None:
    harness, notebook = listening()
    harness.client()("HSET h f v")
    assert notebook.events[0].value == Excerpt({b"f": b"v"})  # type: ignore[attr-defined]


def test_evictions_are_told() -> None:
    harness, notebook = listening()
    client = harness.client()
    client("CONFIG SET maxmemory 20kb")
    for number in range(100):
        client("SET", f"key:{number}", "x" * 1000)
    assert "evicted" in {event.kind for event in notebook.events}


def test_notes_are_published_as_what_they_are_notes_of() -> None:
    harness, notebook = listening(values=0)
    harness.node.bus.subscribe(notebook, CHANGES)
    notes = harness.node.keyspace.journal.notes
    assert notes is not None
    for number, change in enumerate((CREATED, UPDATED, TOUCHED, DELETED)):
        notes.append((change, number, b"k", ("g", "word")))
    harness.node.keyspace.journal.tell_notes()
    assert notebook.events == [
        kind(START_MS, "test", number, b"k", "g", "word")
        for number, kind in enumerate((Created, Updated, Touched, Deleted))
    ]


def test_notes_that_nobody_wants_are_published_to_nobody() -> None:
    harness, notebook = Harness(), Notebook()
    harness.node.bus.subscribe(notebook, {Deleted})
    notes = harness.node.keyspace.journal.notes
    assert notes is not None
    notes += [(CREATED, 0, b"k", ("$", "set")), (DELETED, 0, b"k", ("g", "del"))]
    harness.node.keyspace.journal.tell_notes()
    assert notebook.events == [Deleted(START_MS, "test", 0, b"k", "g", "del")]


def test_notes_do_for_nobody_who_wants_values_or_reads() -> None:
    harness, notebook = Harness(), Notebook()
    journal = harness.node.keyspace.journal
    for kinds, values, suffice in (
        (CHANGES, 0, True),
        (CHANGES, 1, False),
        (ALL, 0, False),
        ({Flushed}, 0, True),
    ):
        harness.node.bus.subscribe(notebook, kinds, values)
        assert (journal.notes is not None) is suffice
    harness.node.bus.unsubscribe(notebook)
    assert journal.notes is None
