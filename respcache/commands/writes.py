"""What the dispatcher may ask of loaders that write what clients change to a database; see the loading package."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from ..keyspace.entry import Value
from ..keyspace.hashes import Hash
from ..protocol.replies import ErrorReply

PlainValue: TypeAlias = bytes | dict[bytes, bytes]
"""A value that nobody changes any more: a string, or the fields of a hash."""


class KeyChange(NamedTuple):
    """What a command has made of a key."""

    db: int
    key: bytes
    value: PlainValue | None
    """None: it is gone."""


class Verdict(NamedTuple):
    """What has become of changes that had to be written first."""

    error: ErrorReply | None = None
    is_known: bool = True
    """Whether it is sure that with an error nothing was written."""


WRITTEN = Verdict()

Done: TypeAlias = Callable[[Verdict], None]


class Writes(Protocol):
    """All loaders of a server that write."""

    def takes_writes(self, db: int, key: bytes) -> bool:
        """Say whether what is written at this key goes to a database."""

    @property
    def may_go_through(self) -> bool:
        """Whether there is any key for which ``goes_through`` is true now."""

    def goes_through(self, db: int, key: bytes) -> bool:
        """Say whether a change of this key must be in the database before it is made here."""

    def overtake(self, db: int, key: bytes) -> None:
        """Note that a key is changed: what is being loaded for it may be older."""

    def write(self, changes: Sequence[KeyChange], done: Done) -> None:
        """Write changes to their databases; ``done`` is called once, with the clock set, perhaps at once."""

    def note(self, changes: Sequence[KeyChange]) -> None:
        """Take over changes that have been made here, to be written later where a loader writes behind."""


def plain_copy(value: Value) -> PlainValue:
    """Return a value as it is now, for those who keep it."""
    return dict(value.fields.items()) if isinstance(value, Hash) else bytes(value)
