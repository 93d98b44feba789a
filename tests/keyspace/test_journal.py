from collections.abc import Sequence

import pytest

from respcache.keyspace.journal import CREATED, DELETED, Journal, Note, Notice
from tests.keyspace.conftest import Recorder, Watcher

SET = Notice("$", "set")


def test_nobody_cares_at_first() -> None:
    assert not Journal().attentive


def test_every_listener_hears_everything_in_order() -> None:
    journal, one, other = Journal(), Recorder(), Recorder()
    journal.attach(one)
    journal.attach(other)
    journal.created(0, b"k", b"v", SET)
    journal.deleted(0, b"k", b"v", Notice("g", "del"))
    journal.flushed(3)
    assert (
        one.heard == other.heard == [("created:set", 0, b"k"), ("deleted:del", 0, b"k"), ("flushed", 3, b"")]
    )


def test_reads_are_told_only_to_those_who_want_them() -> None:
    journal, deaf, curious = Journal(), Recorder(), Recorder(wants_reads=True)
    journal.attach(deaf)
    assert not journal.wants_reads
    journal.attach(curious)
    assert journal.wants_reads
    journal.read(0, b"k", b"v")
    journal.missed(0, b"l")
    assert (deaf.heard, curious.heard) == ([], [("read", 0, b"k"), ("missed", 0, b"l")])


def test_a_listener_that_left_hears_no_more() -> None:
    journal, recorder = Journal(), Recorder(wants_reads=True)
    journal.attach(recorder)
    journal.detach(recorder)
    journal.created(0, b"k", b"v", SET)
    assert not recorder.heard
    assert not journal.attentive
    assert not journal.wants_reads


def test_a_change_marks_only_those_who_watch_that_key_of_that_database() -> None:
    journal, here, elsewhere, other = Journal(), Watcher(), Watcher(), Watcher()
    journal.watch(0, b"k", here)
    journal.watch(1, b"k", elsewhere)
    journal.watch(0, b"l", other)
    journal.updated(0, b"k", b"v", SET)
    assert [watcher.is_dirty for watcher in (here, elsewhere, other)] == [True, False, False]


def test_every_kind_of_change_disturbs_a_watcher() -> None:
    changes = {
        "created": (b"v", SET),
        "updated": (b"v", SET),
        "deleted": (b"v", SET),
        "touched": (SET,),
        "expired": (b"v",),
        "evicted": (b"v",),
    }
    for name, rest in changes.items():
        journal, watcher = Journal(), Watcher()
        journal.watch(0, b"k", watcher)
        getattr(journal, name)(0, b"k", *rest)
        assert watcher.is_dirty, name


def test_one_who_no_longer_watches_is_left_alone() -> None:
    journal, watcher, another = Journal(), Watcher(), Watcher()
    journal.watch(0, b"k", watcher)
    journal.watch(0, b"k", another)
    journal.unwatch([(0, b"k"), (0, b"never")], watcher)
    assert journal.attentive
    journal.disturb(0, b"k")
    assert not watcher.is_dirty
    assert another.is_dirty
    journal.unwatch([(0, b"k")], another)
    assert not journal.attentive
    assert journal.watched_keys(0) == []


# -- notes -----------------------------------------------------------------------

NOTES: list[Note] = [(CREATED, 0, b"a", ("$", "set")), (DELETED, 1, b"b", ("g", "del"))]


class Taker(Recorder):
    """A listener whom notes suffice."""

    takes_notes = True

    def noted(self, notes: Sequence[Note]) -> None:
        for change, db, key, (_, name) in notes:
            self.heard.append((f"noted:{change}:{name}", db, key))


NOTED = [("noted:0:set", 0, b"a"), ("noted:3:del", 1, b"b")]


def taking() -> tuple[Journal, Taker]:
    journal, taker = Journal(), Taker()
    journal.accept_notes(taker)
    journal.attach(taker)
    return journal, taker


def test_notes_are_taken_while_they_suffice_everybody() -> None:
    journal, taker = taking()
    assert journal.notes == []
    other, watcher = Recorder(), Watcher()
    journal.attach(other)
    assert journal.notes is None
    journal.detach(other)
    journal.watch(0, b"k", watcher)
    assert journal.notes is None
    journal.unwatch([(0, b"k")], watcher)
    assert journal.notes == []
    taker.takes_notes = False
    journal.refresh()
    assert journal.notes is None
    taker.takes_notes = True
    journal.refresh()
    journal.detach(taker)
    assert journal.notes is None


def test_nobody_takes_notes_who_was_not_asked_to() -> None:
    journal = Journal()
    journal.attach(Taker())
    assert journal.notes is None


def test_notes_are_told_once() -> None:
    journal, taker = taking()
    assert journal.notes is not None
    journal.notes.extend(NOTES)
    journal.tell_notes()
    journal.tell_notes()
    assert taker.heard == NOTED


@pytest.mark.parametrize(
    "name", ["created", "updated", "deleted", "touched", "expired", "evicted", "flushed"]
)
def test_notes_are_told_before_anything_else(name: str) -> None:
    journal, taker = taking()
    assert journal.notes is not None
    journal.notes.extend(NOTES)
    rest = {"touched": (b"k", SET), "expired": (b"k", b"v"), "evicted": (b"k", b"v"), "flushed": ()}
    getattr(journal, name)(0, *rest.get(name, (b"k", b"v", SET)))
    assert taker.heard[:2] == NOTED
    assert len(taker.heard) == 3


def test_notes_are_told_to_who_leaves_and_not_to_who_comes() -> None:
    journal, taker = taking()
    late = Recorder()
    assert journal.notes is not None
    journal.notes.append(NOTES[0])
    journal.attach(late)
    journal.detach(late)
    journal.notes.append(NOTES[1])
    journal.detach(taker)
    assert taker.heard == NOTED
    assert not late.heard


def test_what_is_noted_while_notes_are_told_is_told_next() -> None:
    journal, taker = taking()
    notes = journal.notes
    assert notes is not None
    notes.append(NOTES[0])
    journal.tell_notes()
    assert journal.notes is notes
    notes.append(NOTES[1])
    journal.tell_notes()
    assert taker.heard == NOTED
