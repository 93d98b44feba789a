"""The messages between members, and how they stand in packets.

A packet is one msgpack array of messages, each a tagged array. News (ALIVE, SUSPECT, DEAD) is encoded once and
copied into many packets, so packets are put together from encoded messages. What does not decode is
counted, never raised: a later version may send messages that this one does not know, so one bad message does
not spoil its neighbours.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from respcache.cluster.membership.member import (
    ID_BYTES,
    MAX_HOST_LENGTH,
    META_BYTES,
    UNDECODABLE,
    Address,
    State,
)

MAX_INCARNATION: Final = 1 << 48
"""An incarnation grows by one per refutation. The room above stays free, so that refuting the highest still works."""

MAX_STATES: Final = 4096  # of one push/pull: four times what a node remembers
MAX_EXCHANGE_BYTES: Final = 4 << 20  # MAX_STATES of 700 bytes, the largest they can be, and some
MAX_MESSAGES: Final = 512  # of one packet: the smallest message has 3 bytes, 1400 bytes hold no more

Id = Annotated[bytes, msgspec.Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
Incarnation = Annotated[int, msgspec.Meta(ge=0, le=MAX_INCARNATION)]
Host = Annotated[str, msgspec.Meta(min_length=2, max_length=MAX_HOST_LENGTH)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
MetaBytes = Annotated[bytes, msgspec.Meta(max_length=META_BYTES)]


class Ping(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """Are you there, `target`? Whoever finds this addressed to somebody else answers with its own id."""

    sequence: Number
    target: Id
    sender: Id


class Ack(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """I am here."""

    sequence: Number
    sender: Id


class PingRequest(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """Probe `target` for me, which I cannot reach.

    The probe goes where you know the target to be: nobody can be made to send packets to strangers.
    """

    sequence: Number
    target: Id
    sender: Id


class Nack(msgspec.Struct, frozen=True, array_like=True, tag=4, gc=False):
    """I am here, but your target does not answer me either."""

    sequence: Number


class Alive(msgspec.Struct, frozen=True, array_like=True, tag=5, gc=False):
    """`id` lives. Only it can raise its incarnation. `meta` is decoded only when this is news."""

    incarnation: Incarnation
    id: Id
    host: Host
    port: Port
    meta: MetaBytes

    @property
    def address(self) -> Address:
        return (self.host, self.port)


class Suspect(msgspec.Struct, frozen=True, array_like=True, tag=6, gc=False):
    """`by` cannot reach `id`. `refused`: its machine says that nobody listens at its port any more."""

    incarnation: Incarnation
    id: Id
    by: Id
    refused: bool = False


class Dead(msgspec.Struct, frozen=True, array_like=True, tag=7, gc=False):
    """`id` is gone; said by itself, it has left."""

    incarnation: Incarnation
    id: Id
    by: Id


class MemberState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a view."""

    incarnation: Incarnation
    id: Id
    host: Host
    port: Port
    meta: MetaBytes
    state: State


class PushPull(msgspec.Struct, frozen=True, array_like=True, tag=8, gc=False):
    """My view; answer with yours."""

    sender: Id
    states: Annotated[list[MemberState], msgspec.Meta(max_length=MAX_STATES)]


Message = Ping | Ack | PingRequest | Nack | Alive | Suspect | Dead
Exchanged = PushPull | Ping | Ack

_encoder: Final = msgspec.msgpack.Encoder()
_packet_decoder: Final = msgspec.msgpack.Decoder(list[Message])
_raw_decoder: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])
_message_decoder: Final = msgspec.msgpack.Decoder(Message)
_exchange_decoder: Final[msgspec.msgpack.Decoder[Exchanged]] = msgspec.msgpack.Decoder(Exchanged)

encode: Final = _encoder.encode
"""Return a message as bytes, alone for an exchange, or for `pack`."""

PACKET_HEADER_BYTES: Final = 3


def pack(encoded: list[bytes]) -> bytes:
    """Return encoded messages as one packet: a msgpack array with a length of 16 bits."""
    return b"\xdc" + len(encoded).to_bytes(2, "big") + b"".join(encoded)


def unpack(payload: bytes) -> tuple[list[Message], int]:
    """Return the messages of a packet and how many could not be understood. Never raises."""
    try:
        messages = _packet_decoder.decode(payload)
    except UNDECODABLE:
        return _unpack_one_by_one(payload)
    return messages[:MAX_MESSAGES], 0


def _unpack_one_by_one(payload: bytes) -> tuple[list[Message], int]:
    try:
        pieces = _raw_decoder.decode(payload)[:MAX_MESSAGES]
    except UNDECODABLE:
        return [], 1
    messages = list(_each(pieces))
    return messages, len(pieces) - len(messages)


def _each(pieces: Iterable[msgspec.Raw]) -> Iterable[Message]:
    for piece in pieces:
        try:
            yield _message_decoder.decode(piece)
        except UNDECODABLE:
            continue  # counted by whoever compares the lengths


def decode_exchange(payload: bytes) -> Exchanged | None:
    """Return what came over TCP, or None if it makes no sense."""
    if len(payload) > MAX_EXCHANGE_BYTES:
        return None
    try:
        return _exchange_decoder.decode(payload)
    except UNDECODABLE:
        return None
