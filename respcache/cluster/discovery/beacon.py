"""The datagrams in which nodes call to each other on one network. Pure: time and chance are handed in.

A call is a header (magic, version, kind), a body in msgpack, and, if the cluster has a secret, 32 bytes of keyed blake2b over all of it.
A signed call is good for half a minute and heard once: so a recorded one brings nobody back. Calls carry no
secrets, only where somebody is, so they are signed and not encrypted; the bus seals what is said there.

What is refused changes nothing and is counted by its reason.
"""

import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum, IntEnum
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from .protocol import Announcement

MAGIC: Final = b"rcall"
VERSION: Final = 1
HEADER_BYTES: Final = len(MAGIC) + 2
TAG_BYTES: Final = 32
NONCE_BYTES: Final = 12

MOST_BYTES: Final = 1400
"""One frame of an Ethernet, whatever tunnel it goes through; a fragment lost is all of it lost."""

FRESH_MS: Final = 30_000
"""How far clocks may be apart, and how long a call is remembered. Clocks kept by NTP differ by far less."""

MOST_REMEMBERED: Final = 16_384
"""Calls of half a minute: a thousand nodes calling every two seconds."""


class Kind(IntEnum):
    """What a caller says."""

    HERE = 1
    GONE = 2


class Reason(Enum):
    """Why a call is refused."""

    GARBAGE = "garbage"
    VERSION = "another version"
    CLUSTER = "another cluster"
    SECRET = "not signed with our secret"
    STALE = "clocks too far apart, or an old recording"
    REPLAYED = "heard before"


class RefusedCallError(Exception):
    """A call that is not for us."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Call(msgspec.Struct, frozen=True):
    """What somebody called."""

    kind: Kind
    who: Announcement


_Text = Annotated[str, msgspec.Meta(max_length=255)]


class _Body(msgspec.Struct, frozen=True, array_like=True):
    cluster: _Text
    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]
    bus: _Text
    name: _Text
    at_ms: Annotated[int, msgspec.Meta(ge=0)]
    nonce: Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Body)


class Beacon:
    """Makes and checks the calls of one cluster.

    ``secrets`` is asked each time, because they can be changed while we run: the first signs, all are accepted. With none,
    calls are not signed, and signed ones are refused.
    """

    def __init__(self, cluster: str, secrets: Callable[[], Sequence[str]]) -> None:
        self._cluster = cluster
        self._secrets = secrets
        self._heard: dict[tuple[str, bytes], int] = {}  # who and which -> when to forget it, oldest first
        self.refused: Counter[Reason] = Counter()

    def seal(self, kind: Kind, who: Announcement, at_ms: int, nonce: bytes) -> bytes:
        """Make a call; ``at_ms`` is the time of day, ``nonce`` NONCE_BYTES that nobody used before."""
        body = _ENCODER.encode(_Body(self._cluster, who.id, who.bus, who.name, at_ms, nonce))
        head = MAGIC + bytes((VERSION, kind))
        secrets = self._secrets()
        return head + body + (_tag(secrets[0], head + body) if secrets else b"")

    def open(self, datagram: bytes, now_ms: int) -> Call:
        """Check a call and return it; RefusedCallError says and counts why not."""
        try:
            return self._opened(datagram, now_ms)
        except RefusedCallError as error:
            self.refused[error.reason] += 1
            raise

    def _opened(self, datagram: bytes, now_ms: int) -> Call:
        if not datagram.startswith(MAGIC) or not HEADER_BYTES < len(datagram) <= MOST_BYTES:
            raise RefusedCallError(Reason.GARBAGE)
        if datagram[len(MAGIC)] != VERSION:
            raise RefusedCallError(Reason.VERSION)
        secrets = self._secrets()
        content = _verified(datagram, secrets) if secrets else datagram
        kind, body = _decoded(content)
        if body.cluster != self._cluster:
            raise RefusedCallError(Reason.CLUSTER)
        if secrets:
            self._check_fresh(body, now_ms)
        return Call(kind, Announcement(body.id, body.bus, body.name, body.cluster))

    def _check_fresh(self, body: _Body, now_ms: int) -> None:
        if abs(now_ms - body.at_ms) > FRESH_MS:
            raise RefusedCallError(Reason.STALE)
        call = body.id, body.nonce
        if call in self._heard:
            raise RefusedCallError(Reason.REPLAYED)
        while self._heard:
            oldest = next(iter(self._heard))
            if self._heard[oldest] >= now_ms and len(self._heard) < MOST_REMEMBERED:
                break
            del self._heard[oldest]
        # A call from a clock ahead of ours stays fresh for that much longer.
        self._heard[call] = now_ms + 2 * FRESH_MS


def _decoded(content: bytes) -> tuple[Kind, _Body]:
    try:
        return Kind(content[HEADER_BYTES - 1]), _DECODER.decode(content[HEADER_BYTES:])
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        raise RefusedCallError(Reason.GARBAGE) from None


def _verified(datagram: bytes, secrets: Sequence[str]) -> bytes:
    content, tag = datagram[:-TAG_BYTES], datagram[-TAG_BYTES:]
    if len(content) <= HEADER_BYTES or not any(
        hmac.compare_digest(tag, _tag(secret, content)) for secret in secrets
    ):
        raise RefusedCallError(Reason.SECRET)
    return content


def _tag(secret: str, content: bytes) -> bytes:
    # A key takes 64 bytes at most, and secrets have any length. The persons keep this use of the secret apart from others.
    key = blake2b(secret.encode("utf-8", "surrogateescape"), digest_size=64, person=b"rcall key").digest()
    return blake2b(content, key=key, digest_size=TAG_BYTES, person=b"rcall call").digest()
