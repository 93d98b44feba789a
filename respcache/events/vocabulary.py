"""Everything that can happen to a cache, one record each.

An event says when, on which node, and what. Events are immutable, so that any
number of sinks may keep them for as long as they like. ``kind`` is the word
that settings and JSON use. How events travel is the business of ``bus``; what
they look like outside is the business of ``encoding``.

An event with a ``notice_name`` is one that Redis, too, knows how to tell:
that is the name of its keyspace notification, and ``notice_class`` is the letter
under which ``notify-keyspace-events`` switches it on.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, TypeAlias

from .excerpt import Excerpt
from .loading import LOADING
from .record import Event, KeyEvent


class Started(Event, frozen=True):
    """The node serves clients from now on."""

    kind: ClassVar[str] = "started"

    version: str


class Stopped(Event, frozen=True):
    """The node has stopped serving clients: the last event of a life that ends in order."""

    kind: ClassVar[str] = "stopped"

    reason: str


class Created(KeyEvent, frozen=True):
    """The key did not exist, and now does; ``value`` is what it holds."""

    kind: ClassVar[str] = "created"

    notice_class: str
    notice_name: str
    value: Excerpt | None = None


class Updated(KeyEvent, frozen=True):
    """The key was given another value, or its value changed; ``value`` is the new one."""

    kind: ClassVar[str] = "updated"

    notice_class: str
    notice_name: str
    value: Excerpt | None = None


class Touched(KeyEvent, frozen=True):
    """Something other than the value changed, such as the deadline."""

    kind: ClassVar[str] = "touched"

    notice_class: str
    notice_name: str


class Deleted(KeyEvent, frozen=True):
    """A command removed the key; ``value`` is what it held."""

    kind: ClassVar[str] = "deleted"

    notice_class: str
    notice_name: str
    value: Excerpt | None = None


class Expired(KeyEvent, frozen=True):
    """The key's deadline passed and it is gone; ``value`` is what it held."""

    kind: ClassVar[str] = "expired"
    notice_class: ClassVar[str] = "x"
    notice_name: ClassVar[str] = "expired"

    value: Excerpt | None = None


class Evicted(KeyEvent, frozen=True):
    """The key was removed to make room; ``value`` is what it held."""

    kind: ClassVar[str] = "evicted"
    notice_class: ClassVar[str] = "e"
    notice_name: ClassVar[str] = "evicted"

    value: Excerpt | None = None


class Read(KeyEvent, frozen=True):
    """A command looked the key up and found it: a hit."""

    kind: ClassVar[str] = "read"

    value: Excerpt | None = None


class Missed(KeyEvent, frozen=True):
    """A command looked the key up and did not find it: a miss."""

    kind: ClassVar[str] = "missed"
    notice_class: ClassVar[str] = "m"
    notice_name: ClassVar[str] = "keymiss"


class Flushed(Event, frozen=True):
    """A database was emptied at once. Its keys are not told one by one."""

    kind: ClassVar[str] = "flushed"

    db: int


class OwnerCrashed(KeyEvent, frozen=True):
    """The work on one key ended by an error of the server. The key's value is as it was before."""

    kind: ClassVar[str] = "owner-crashed"

    error: str


class MemberEvent(Event, frozen=True):
    """What all events about one member of the cluster have. ``node`` is who has noticed."""

    member: str
    """The member's name: the address of its client port."""
    id: str
    """40 hexadecimal digits, new at every start of the member."""
    address: str
    """Of its bus."""
    by: str
    """The id of the member that accused it; empty where nobody did."""


class MemberJoined(MemberEvent, frozen=True):
    """Heard of for the first time, or back after it had died or left."""

    kind: ClassVar[str] = "joined"


class MemberActive(MemberEvent, frozen=True):
    """It may own data from now on."""

    kind: ClassVar[str] = "active"


class MemberSuspected(MemberEvent, frozen=True):
    """Somebody had no answer from it; it still owns what it owned."""

    kind: ClassVar[str] = "suspected"


class MemberRefuted(MemberEvent, frozen=True):
    """It was suspected, and lives."""

    kind: ClassVar[str] = "refuted"


class MemberDied(MemberEvent, frozen=True):
    """It has not answered for too long, or its address belongs to a new process; it owns nothing any more."""

    kind: ClassVar[str] = "died"


class MemberLeft(MemberEvent, frozen=True):
    """It has said goodbye."""

    kind: ClassVar[str] = "left"


class ViewChanged(Event, frozen=True):
    """Partitions have other owners, as this node sees it."""

    kind: ClassVar[str] = "view-changed"

    version: int
    """Counts the changes at this node."""
    digest: str
    """Equal at two nodes if all their owners are."""
    members: int
    """How many share the partitions now."""
    partitions: int
    """How many of the 1024 have another owner than before."""


class SplitDetected(Event, frozen=True):
    """The cluster seems to have come apart: several members are gone without a word, or one is back that was declared dead."""

    kind: ClassVar[str] = "split-detected"

    members: int
    """Who are on this side, the node included."""
    unreachable: int


class MergeStarted(Event, frozen=True):
    """The sides of a split hear each other again, and compare what each has written."""

    kind: ClassVar[str] = "merge-started"

    members: int
    returned: int


class MergeFinished(Event, frozen=True):
    """Nothing is left to be compared, as this node sees it."""

    kind: ClassVar[str] = "merge-finished"

    members: int
    entries: int
    """What this node took over from the other side."""
    conflicts: int
    """How many of these replaced something that was written on this side."""
    took_ms: int


class PartitionEvent(Event, frozen=True):
    """What all events about partitions have. One event tells of all that went alike at the same time."""

    peer: str
    """The id of the other node concerned; empty where there is none."""
    partitions: str
    """Such as ``0-5,7``."""
    count: int


class PartitionMoved(PartitionEvent, frozen=True):
    """``peer`` serves them now, as it was agreed with the node that did."""

    kind: ClassVar[str] = "partition-moved"


class PartitionPromoted(PartitionEvent, frozen=True):
    """The node serves them now, instead of ``peer``, which does not answer."""

    kind: ClassVar[str] = "partition-promoted"


class PartitionDegraded(PartitionEvent, frozen=True):
    """They have fewer copies than they should: that of ``peer`` is gone, or behind."""

    kind: ClassVar[str] = "partition-degraded"


class PartitionRestored(PartitionEvent, frozen=True):
    """They have all their copies again; that of ``peer`` was the last."""

    kind: ClassVar[str] = "partition-restored"


class PartitionLost(PartitionEvent, frozen=True):
    """They begin empty: nobody who is there has a copy, and ``peer`` was the last to serve them."""

    kind: ClassVar[str] = "partition-lost"


class Dropped(Event, frozen=True):
    """A sink could not keep up, or failed, and has lost events at this place of its stream.

    The sink itself puts it into its stream; it never passes the bus.
    """

    kind: ClassVar[str] = "dropped"

    sink: str
    count: int


Notice: TypeAlias = Created | Updated | Touched | Deleted | Expired | Evicted | Missed
"""Events that Redis' keyspace notifications tell, too."""

CHANGES: Final[frozenset[type[Event]]] = frozenset(
    {Created, Updated, Touched, Deleted, Expired, Evicted, Flushed}
)
"""Whatever alters the keyspace."""

READS: Final[frozenset[type[Event]]] = frozenset({Read, Missed})
"""Kept apart from changes, since there are as many of them as commands."""

SERVER: Final[frozenset[type[Event]]] = frozenset({Started, Stopped, OwnerCrashed})
"""What happens to the server rather than to a key by a client's wish."""

CLUSTER: Final[frozenset[type[Event]]] = frozenset(
    {
        MemberJoined,
        MemberActive,
        MemberSuspected,
        MemberRefuted,
        MemberDied,
        MemberLeft,
        ViewChanged,
        SplitDetected,
        MergeStarted,
        MergeFinished,
        PartitionMoved,
        PartitionPromoted,
        PartitionDegraded,
        PartitionRestored,
        PartitionLost,
    }
)
"""What a node notices of the cluster that it is part of; each node tells what it has noticed itself."""

ALL: Final = CHANGES | READS | SERVER | CLUSTER | LOADING

GROUPS: Final[Mapping[str, frozenset[type[Event]]]] = {
    "all": ALL,
    "changes": CHANGES,
    "reads": READS,
    "server": SERVER,
    "cluster": CLUSTER,
    "loading": LOADING,
    **{event.kind: frozenset({event}) for event in ALL},
}
"""Every word that a setting may use to choose events."""


def events_named(words: Iterable[str]) -> frozenset[type[Event]]:
    """Return the events that kinds (``created``) and groups (``changes``) choose; ValueError for another word."""
    chosen: frozenset[type[Event]] = frozenset()
    for word in words:
        if word not in GROUPS:
            raise ValueError(f"no event is called {word!r}; there are: {', '.join(sorted(GROUPS))}")
        chosen |= GROUPS[word]
    return chosen
