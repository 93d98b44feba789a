"""What nodes say to each other over TCP: one byte for the kind, then msgpack.

Commands travel in batches, one per lane and turn: a header for all, then each command's
words and its place. Replies travel as the bytes that the client shall read, so nobody
decodes them on the way. An operation is known by its sender, the number of its batch and
its position therein, for as long as anybody may send it again.
"""

from typing import Final

import msgspec

REQUEST: Final = b"R"
ANSWER: Final = b"A"
REFUSAL: Final = b"N"
WORKING: Final = b"K"
TRANSACTION: Final = b"X"
WATCH: Final = b"W"
UNWATCH: Final = b"U"
EXCHANGE: Final = b"G"
EXCHANGED: Final = b"g"

ANYWHERE: Final = 1024
"""The place of a command that concerns no partition: the receiver runs it, whatever it owns."""

NOT_TO_RUN: Final = -1
"""In the place of a number of refusals seen: answered if it has run, refused if not."""

PLACE_BITS: Final = 11
"""A place is partition and epoch in one number, the epoch above these bits."""

PARTITION_MASK: Final = (1 << PLACE_BITS) - 1


class Request(msgspec.Struct, array_like=True, gc=False):
    """Commands to be run, in this order as far as they concern the same keys."""

    batch: int
    first: int
    """The position of the first command in its batch; not 0 only when part of a batch is sent again."""
    seen: int
    """How many refusals on this connection the sender knew of: what it sent behind one is refused, too; or ``NOT_TO_RUN``."""
    db: int
    protocol: int
    """The RESP version of the replies."""
    is_resent: bool
    """They may have been run already: look for what was answered then."""
    places: list[int]
    commands: list[list[bytes]]


class Answer(msgspec.Struct, array_like=True, gc=False):
    """The replies to some neighbouring commands of a batch."""

    batch: int
    first: int
    wires: list[bytes]


class Refusal(msgspec.Struct, array_like=True, gc=False):
    """One command was not run: its key is not ours. ``owner`` is who has it, as far as we know; may be empty."""

    batch: int
    position: int
    owner: bytes


class Working(msgspec.Struct, array_like=True, gc=False):
    """One command waits on purpose (for a busy key, a load): its answer may take longer than a forward usually does."""

    batch: int
    position: int


class Watch(msgspec.Struct, array_like=True, gc=False):
    """Watch keys for a client of the sender; answered with ``+OK``."""

    batch: int
    client: int
    db: int
    places: list[int]
    keys: list[bytes]


class Unwatch(msgspec.Struct, array_like=True, gc=False):
    """Watch nothing for this client any more; not answered."""

    client: int


class TransactionRequest(msgspec.Struct, array_like=True, gc=False):
    """Run a whole transaction, if nothing has changed that its client watches here; answered with EXEC's reply."""

    batch: int
    seen: int
    client: int
    is_watching: bool
    """There was a WATCH: without our memory of it, nothing may run."""
    db: int
    protocol: int
    is_resent: bool
    places: list[int]
    commands: list[list[bytes]]


class Exchange(msgspec.Struct, array_like=True, gc=False):
    """A question of the membership protocol (push/pull, or a probe), and in ``EXCHANGED`` its answer."""

    token: int
    payload: bytes


_encode = msgspec.msgpack.Encoder().encode


def frame(kind: bytes, body: msgspec.Struct) -> bytes:
    """Return a frame as ``Link.send`` takes it."""
    return kind + _encode(body)


class Decoders:
    """Typed decoders by kind; ``BrokenFrame`` for what does not fit."""

    def __init__(self, bodies: dict[bytes, type[msgspec.Struct]]) -> None:
        self._by_kind = {kind[0]: msgspec.msgpack.Decoder(body).decode for kind, body in bodies.items()}

    def decode(self, data: bytes) -> msgspec.Struct:
        """Return the body of a frame. Raises BrokenFrameError."""
        decode = self._by_kind.get(data[0]) if data else None
        if decode is None:
            raise BrokenFrameError(f"unknown kind of frame {data[:1]!r}")
        try:
            body: msgspec.Struct = decode(memoryview(data)[1:])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BrokenFrameError(str(error)) from None
        return body


class BrokenFrameError(Exception):
    """A peer has sent what is no frame of this version: the connection must end."""
