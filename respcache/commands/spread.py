"""How a command that concerns several nodes is spread over a cluster, and its replies made one.

A command that names keys runs whole where they live, unless it says here that it may be
cut by key; one that names none runs where its client is, unless it says that every node
shall have it. The cutting and joining itself is the cluster's business.
"""

import enum
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

Judge: TypeAlias = Callable[[Sequence[bytes], Sequence[bytes]], bytes]
"""Makes the reply from the words of the call and the parts' replies as they were sent, errors among them."""


class Over(enum.Enum):
    """What a command is cut by."""

    KEYS = enum.auto()
    """Each owner gets the words that concern its keys: MGET, MSET, DEL ..."""
    NODES = enum.auto()
    """Every owner of anything gets it whole: DBSIZE, FLUSHALL ..."""
    WALK = enum.auto()
    """One node after the other, the cursor says which: SCAN."""
    ANY = enum.auto()
    """One node after the other, until one has an answer: RANDOMKEY."""
    MEMBERS = enum.auto()
    """Every member that is there gets it whole, owner or not, whichever port the client came by: CLUSTER SAFE."""


class Join(enum.Enum):
    """How the parts' replies become one. An error in any part is the whole's reply."""

    SUM = enum.auto()
    ALL_OK = enum.auto()
    IN_KEY_ORDER = enum.auto()
    """Arrays with one element per key, put back into the order in which the client named them."""
    CONCATENATION = enum.auto()
    UNION = enum.auto()
    """Arrays, with what is equal left out."""
    SUM_BY_NAME = enum.auto()
    """Arrays of name, number, name, number ... with the same names in the same order."""
    MIN = enum.auto()
    """The least of all numbers; who owns nothing is not asked."""
    FIRST = enum.auto()
    """The only part that answers."""
    JUDGEMENT = enum.auto()
    """What ``Spread.judge`` makes of them; for MEMBERS only."""


class Spread(msgspec.Struct, frozen=True):
    """How one command is spread."""

    over: Over
    join: Join
    words_per_key: int = 1
    """For KEYS: how many words belong to a key, itself included (MSET: 2)."""
    asks: tuple[bytes, ...] = ()
    """For MEMBERS: what they are asked instead of the client's own words."""
    judge: Judge | None = None
