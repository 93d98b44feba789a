"""Lists to walk and to draw from, beside dictionaries that can do neither.

Python's dictionary can neither name its n-th key nor go on where an earlier
walk stopped. A roster is a plain list beside it. A removal leaves a dead item
behind, and every removal also sweeps a few places: a dead item found there is
replaced by the last of the list. So removing is O(1) with no pauses, and dead
items never outnumber the living by much.

A walk goes from the end to the start, and its cursor is a position. Items only
ever move from the end, which the walk has passed, to an earlier place; so a
walk meets every item that stays all the while, whatever is added or removed
between its steps. It may meet one twice. That is exactly SCAN's promise.

Compiled code has tables that can do both themselves (``_speedups/entries.pyx``) and keep the same promise.
"""

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final, Generic, Protocol, TypeVar

from .._speedups import compiled_twin

if TYPE_CHECKING:
    from .entry import Entry

SWEPT_PER_REMOVAL: Final = 4
"""Two would keep pace with removals; four also catches up with a burst."""

DRAWS_BEFORE_GIVING_UP: Final = 1000
"""With at least a third of the items alive, missing a thousand times does not happen (3e-177)."""

DEAD_TOLERATED: Final = 8
"""Dead names that even a hash of one field may keep: fewer clearings, and still few misses when drawing."""


class Mortal(Protocol):
    """An item that knows whether it is dead: its value is None."""

    @property
    def value(self) -> object: ...


Item = TypeVar("Item", bound=Mortal)


class Roster(Generic[Item]):
    """Items that die in place, by position: the entries of a database."""

    __slots__ = ("_hand", "add", "items")

    slack_bytes: ClassVar[int] = 0
    """What the items take beyond what is reckoned for each; plain entries reckon with it."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.add = self.items.append
        self._hand = 0

    def note_removed(self) -> None:
        """Sweep a few places, because an item has just died somewhere."""
        items = self.items
        hand = self._hand
        for _ in range(SWEPT_PER_REMOVAL):
            if hand >= len(items):
                hand = 0
                if not items:
                    break
            if items[hand].value is None:
                last = items.pop()
                if hand < len(items):
                    items[hand] = last
            else:
                hand += 1
        self._hand = hand

    def draw(self, chance: random.Random) -> Item | None:
        """Pick a living item, each as likely as any other; None when there is none."""
        items = self.items
        for _ in range(DRAWS_BEFORE_GIVING_UP):
            if not items:
                return None
            at = int(chance.random() * len(items))
            item = items[at]
            if item.value is not None:
                return item
            last = items.pop()
            if at < len(items):
                items[at] = last
        return next((item for item in items if item.value is not None), None)

    def walk(self, cursor: int, count: int) -> tuple[int, list[Item]]:
        """Look at ``count`` places before ``cursor`` (0: the end); return where to go on, and who lives there."""
        items = self.items
        stop = len(items) if cursor == 0 else min(cursor, len(items))
        start = max(stop - count, 0)
        return start, [item for item in items[start:stop] if item.value is not None]


@compiled_twin
def new_contents() -> "tuple[dict[bytes, Entry], Roster[Entry]]":
    """Make what a database keeps its entries in: by key, and by position."""
    return {}, Roster()


class FieldRoster:
    """Field names of one hash, by position; ``members`` is the dictionary it stands beside.

    A removed name keeps its place, and has it again when it comes back: so no
    name ever stands here twice, and each is drawn as often as any other. When
    the dead outnumber the living, all are cleared away: O(1) amortised.
    """

    __slots__ = ("_dead", "_items", "_members")

    def __init__(self, members: Mapping[bytes, object]) -> None:
        self._members = members
        self._items = list(members)
        self._dead: set[bytes] = set()

    def add(self, name: bytes) -> None:
        """Take in a name that ``members`` has just got."""
        if name in self._dead:
            self._dead.discard(name)
        else:
            self._items.append(name)

    def note_removed(self, name: bytes) -> None:
        """Note that ``members`` has just lost a name."""
        self._dead.add(name)
        if len(self._dead) > len(self._members) + DEAD_TOLERATED:
            self._clear_dead()

    def _clear_dead(self) -> None:
        items, dead = self._items, self._dead
        at = 0
        while at < len(items):
            if items[at] in dead:
                last = items.pop()  # from the end only: see the promise above
                if at < len(items):
                    items[at] = last
            else:
                at += 1
        dead.clear()

    def draw(self, chance: random.Random) -> bytes:
        """Pick a field, each as likely as any other, of a hash that has any."""
        while True:
            name = self._items[int(chance.random() * len(self._items))]
            if name in self._members:
                return name

    def walk(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """As ``Roster.walk``."""
        stop = len(self._items) if cursor == 0 else min(cursor, len(self._items))
        start = max(stop - count, 0)
        members = self._members
        return start, [name for name in self._items[start:stop] if name in members]
