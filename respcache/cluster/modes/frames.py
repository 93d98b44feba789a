"""What members ask and answer each other four times a second in strict mode.

One question serves three ends: its answer confirms the asker's lease, tells it which partitions have a newer server,
and carries the votes on who the members are (``agreement.py``).
"""

from typing import Final, TypeVar

import msgspec

from ..bus.frames import BrokenFrameError
from .stable_view import StableView

CONFIRM: Final = b"C"
CONFIRMED: Final = b"c"

ID_BYTES: Final = 20
MOST_IDS: Final = 2048  # as many as a node remembers members (membership/roster.py)


class Ballot(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """The order among attempts to agree on one view; no two proposers have the same."""

    round: int
    proposer: bytes


class Accepted(msgspec.Struct, frozen=True, array_like=True):
    """What a member has last voted for as the next view: it may have been decided."""

    ballot: Ballot
    members: frozenset[bytes]


class Confirm(msgspec.Struct, frozen=True, array_like=True):
    """The question: do you still follow me."""

    token: int
    served: int
    """A number of the asker's own that changes with what it serves, for the lead to use."""
    view: StableView
    """Without its members where the asker believes that they are known."""
    ballot: Ballot | None = None
    """Promise to vote for nothing older than this ..."""
    members: frozenset[bytes] | None = None
    """... and where this is told, too, vote for it."""


class Confirmed(msgspec.Struct, frozen=True, array_like=True):
    """The answer: I do, except for these partitions."""

    token: int
    newer: list[tuple[int, int]]
    """Partition and epoch of servers newer than the asker, as the answerer knows them or has promised."""
    view: StableView
    """The answerer's own, to which the votes belong; with its members where it is another than the asker's."""
    promised: Ballot | None = None
    accepted: Accepted | None = None


_encode: Final = msgspec.msgpack.Encoder().encode
_confirm: Final = msgspec.msgpack.Decoder(Confirm)
_confirmed: Final = msgspec.msgpack.Decoder(Confirmed)
_Frame = TypeVar("_Frame", Confirm, Confirmed)


def encode_confirm(question: Confirm) -> bytes:
    return CONFIRM + _encode(question)


def encode_confirmed(answer: Confirmed) -> bytes:
    return CONFIRMED + _encode(answer)


def decode_confirm(data: bytes) -> Confirm:
    """Read a question, its kind included; BrokenFrameError if it is none."""
    return _checked(_confirm, data)


def decode_confirmed(data: bytes) -> Confirmed:
    """Read an answer, its kind included; BrokenFrameError if it is none."""
    return _checked(_confirmed, data)


def _checked(decoder: msgspec.msgpack.Decoder[_Frame], data: bytes) -> _Frame:
    try:
        frame = decoder.decode(memoryview(data)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, TypeError) as error:
        raise BrokenFrameError(f"unreadable confirmation: {error}") from error
    if isinstance(frame, Confirm):
        proposed = frame.members
    else:
        proposed = None if frame.accepted is None else frame.accepted.members
    for ids in (frame.view.members, proposed or ()):
        if len(ids) > MOST_IDS or any(len(one) != ID_BYTES for one in ids):
            raise BrokenFrameError("a confirmation names members that cannot be")
    if proposed is not None and not proposed:
        raise BrokenFrameError("a confirmation proposes nobody")
    return frame
