"""Frames in a stream: four bytes of length, then the frame.

Both on the path of every forwarded command, so this is written for speed: whole frames are cut out of a chunk by
offsets, and one that spans chunks is joined once, when its last byte is there. So each byte of a large frame is
copied once, and the cost is linear in the bytes however they are cut.

Promises that any cutting of a stream gives the same frames, and that nothing raises: a length that is not allowed
sets `is_broken`, behind the frames that came before it.
"""

from collections.abc import Iterable
from struct import Struct
from typing import Final

LENGTH: Final = Struct(">I")
PREFIX_BYTES: Final = LENGTH.size

_unpack_from: Final = LENGTH.unpack_from

_TINY_BYTES: Final = 4096
"""Shorter chunks of a frame are gathered in one bytearray: as objects of their own, single bytes would take forty
times their size."""
_PREFIXES: Final = [LENGTH.pack(size_bytes) for size_bytes in range(1024)]
"""As the encoder of replies has it: looking up costs half of packing, and most frames are short."""


def framed(frames: Iterable[bytes]) -> list[bytes]:
    """Put its length before each frame, as parts to be joined."""
    parts: list[bytes] = []
    append, prefixes, pack = parts.append, _PREFIXES, LENGTH.pack
    for frame in frames:
        size_bytes = len(frame)
        append(prefixes[size_bytes] if size_bytes < 1024 else pack(size_bytes))
        append(frame)
    return parts


class FrameSplitter:
    """Cuts a stream of chunks into frames of 1 to ``most_bytes``."""

    __slots__ = ("_missing", "_most_bytes", "_parts", "_prefix", "is_broken")

    def __init__(self, most_bytes: int) -> None:
        self.is_broken = False
        self._most_bytes = most_bytes
        self._prefix = b""  # the first bytes of a prefix whose rest has not come
        self._parts: list[bytes | bytearray] = []  # of the frame that has not come whole
        self._missing = 0  # bytes of it; 0 when there is none

    @property
    def is_between_frames(self) -> bool:
        """Say whether no frame has come in part."""
        return not (self._missing or self._prefix)

    def split(self, data: bytes) -> list[bytes]:
        """Return the frames that ``data`` completes."""
        frames: list[bytes] = []
        offset = 0
        if self._missing:
            if len(data) < self._missing:
                self._keep(data)
                return frames
            offset = self._finish(data, frames)
        elif self._prefix:
            data = self._prefix + data
            self._prefix = b""
        append, unpack_from, most_bytes, end = frames.append, _unpack_from, self._most_bytes, len(data)
        while (start := offset + 4) <= end:
            (size_bytes,) = unpack_from(data, offset)
            if not 0 < size_bytes <= most_bytes:
                self.is_broken = True
                return frames
            offset = start + size_bytes
            if offset > end:
                self._missing = size_bytes
                self._keep(data[start:])
                return frames
            append(data[start:offset])
        if offset < end:
            self._prefix = data[offset:]
        return frames

    def _keep(self, data: bytes) -> None:
        """Take a chunk that is all of the unfinished frame, and not its end."""
        self._missing -= len(data)
        parts = self._parts
        if len(data) >= _TINY_BYTES:
            parts.append(data)
        elif parts and parts[-1].__class__ is bytearray:
            parts[-1] += data
        else:
            parts.append(bytearray(data))

    def _finish(self, data: bytes, frames: list[bytes]) -> int:
        """Complete the unfinished frame, and return where in ``data`` the next one begins."""
        end = self._missing
        self._parts.append(data if end == len(data) else data[:end])
        frames.append(b"".join(self._parts))
        self._parts = []
        self._missing = 0
        return end


class MessageBuffer:
    """The same stream before it is known what follows: one frame at a time, and what lies behind it."""

    __slots__ = ("_most_bytes", "_rest")

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._rest = b""

    def add(self, data: bytes) -> None:
        self._rest += data

    def take_rest(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest

    def next(self) -> bytes | None:
        """Return the next message if it is whole. Raises ValueError for a length that is not allowed."""
        rest = self._rest
        if len(rest) < PREFIX_BYTES:
            return None
        (size_bytes,) = LENGTH.unpack_from(rest)
        if not 0 < size_bytes <= self._most_bytes:
            raise ValueError("a message of a length that is not allowed")
        end = PREFIX_BYTES + size_bytes
        if len(rest) < end:
            return None
        self._rest = rest[end:]
        return rest[PREFIX_BYTES:end]
