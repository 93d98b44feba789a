"""What nodes tell each other about messages and who listens to them: the items of frames of news.

Each item is tagged with its kind, and all of a frame are decoded at once.
"""

from typing import Final

import msgspec

from ..bus.frames import BrokenFrameError


class Message(msgspec.Struct, tag=0, array_like=True, gc=False, frozen=True):
    """Somebody has published; deliver it to your own subscribers."""

    channel: bytes
    message: bytes


class ShardMessage(msgspec.Struct, tag=1, array_like=True, gc=False, frozen=True):
    """The same for shard channels."""

    channel: bytes
    message: bytes


class Interest(msgspec.Struct, tag=2, array_like=True, gc=False, frozen=True):
    """What the sender's clients listen to: the number of subscribers by name, 0 for none any more."""

    is_full: bool
    """Everything there is, rather than what has changed."""
    is_silent: bool
    """Nobody listens to anything: send no messages."""
    is_everything: bool
    """Too much to tell: take it that there are listeners for whatever is published."""
    asks: bool
    """The sender does not know what the receiver's clients listen to."""
    token: int
    """To be repeated in ``Heard``, unless it is 0."""
    channels: dict[bytes, int]
    patterns: dict[bytes, int]
    shard_channels: dict[bytes, int]


class Heard(msgspec.Struct, tag=3, array_like=True, gc=False, frozen=True):
    """The sender sends messages again from now on."""

    token: int


class Attention(msgspec.Struct, tag=4, array_like=True, gc=False, frozen=True):
    """Whether the sender has clients that track keys. A lower number than one that was heard is old news."""

    number: int
    is_tracking: bool


class Changed(msgspec.Struct, tag=5, array_like=True, gc=False, frozen=True):
    """These keys have changed at the sender; None stands for any key."""

    keys: list[bytes] | None


Item = Message | ShardMessage | Interest | Heard | Attention | Changed


class News(msgspec.Struct, array_like=True, frozen=True):
    """A frame, its first byte apart."""

    generation: int
    items: list[Item]


encode_item: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(News).decode


def decode_news(frame: bytes) -> News:
    """Return what a frame says. Raises BrokenFrameError."""
    try:
        return _decode(memoryview(frame)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenFrameError(str(error)) from None
