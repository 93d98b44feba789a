"""Redis' keyspace notifications: which are switched on, and what they say on which channel.

``notify-keyspace-events`` is a string of letters: K and E choose the channels
(by key, by event), the others choose classes of events, and A stands for most of
these. See "Redis keyspace notifications" in Redis' documentation. Parsing, printing
and the error were compared with redis-server 7.0.15, down to its oddity that n
is not printed beside A, though it stays switched on.
"""

from collections.abc import Mapping
from enum import IntFlag
from typing import Final


class NotificationClass(IntFlag):
    """The letters. They are plain integers as well, and quicker so: ``flags & int(KEYSPACE)``."""

    KEYSPACE = 1 << 0
    KEYEVENT = 1 << 1
    GENERIC = 1 << 2
    STRING = 1 << 3
    LIST = 1 << 4
    SET = 1 << 5
    HASH = 1 << 6
    SORTED_SET = 1 << 7
    EXPIRED = 1 << 8
    EVICTED = 1 << 9
    STREAM = 1 << 10
    MODULE = 1 << 11
    KEY_MISS = 1 << 12
    NEW = 1 << 13
    ALL = GENERIC | STRING | LIST | SET | HASH | SORTED_SET | EXPIRED | EVICTED | STREAM | MODULE
    """What A stands for: misses and new keys are not part of it."""


LETTERS: Final[Mapping[str, NotificationClass]] = {
    "A": NotificationClass.ALL,
    "g": NotificationClass.GENERIC,
    "$": NotificationClass.STRING,
    "l": NotificationClass.LIST,
    "s": NotificationClass.SET,
    "h": NotificationClass.HASH,
    "z": NotificationClass.SORTED_SET,
    "x": NotificationClass.EXPIRED,
    "e": NotificationClass.EVICTED,
    "K": NotificationClass.KEYSPACE,
    "E": NotificationClass.KEYEVENT,
    "t": NotificationClass.STREAM,
    "m": NotificationClass.KEY_MISS,
    "d": NotificationClass.MODULE,
    "n": NotificationClass.NEW,
}
"""In the order in which Redis' error lists them."""

PRINTED_WITHOUT_ALL: Final = "g$lshzxetdn"
PRINTED_ALWAYS: Final = "KEm"

_KEYSPACE: Final = int(NotificationClass.KEYSPACE)
_KEYEVENT: Final = int(NotificationClass.KEYEVENT)


def parse_notification_classes(text: str) -> NotificationClass:
    """Read ``notify-keyspace-events``; ValueError, in Redis' words, for an unknown letter."""
    flags = NotificationClass(0)
    for letter in text:
        if letter not in LETTERS:
            raise ValueError(f"Invalid event class character. Use '{''.join(LETTERS)}'.")
        flags |= LETTERS[letter]
    return flags


def notification_classes_text(flags: NotificationClass) -> str:
    """Print as CONFIG GET does."""
    every = NotificationClass.ALL
    if flags & every == every:
        return "A" + _printed(PRINTED_ALWAYS, flags)
    return _printed(PRINTED_WITHOUT_ALL + PRINTED_ALWAYS, flags)


def _printed(letters: str, flags: NotificationClass) -> str:
    return "".join(letter for letter in letters if LETTERS[letter] & flags)


def channels_for(
    flags: int, notification_class: int, event_name: bytes, db: int, key: bytes
) -> list[tuple[bytes, bytes]]:
    """Return the channels and messages that tell this event, in Redis' order; none if it is switched off."""
    if not flags & notification_class:
        return []
    notifications: list[tuple[bytes, bytes]] = []
    if flags & _KEYSPACE:
        notifications.append((b"__keyspace@%d__:%b" % (db, key), event_name))
    if flags & _KEYEVENT:
        notifications.append((b"__keyevent@%d__:%b" % (db, event_name), key))
    return notifications
