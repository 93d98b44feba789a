"""Tags: names under which keys are deleted together.

A tag is a hash, ``respcache:tag:NAME``, from keys to the versions that carry the tag; it lives as long as the longest of them. To
invalidate a tag is to delete each key that still has such a version: who has overwritten a key meanwhile has taken it out.
"""

from collections.abc import Generator
from typing import Any, Final

from ..commands.resources import TAG_PREFIX
from ..protocol.replies import ErrorReply
from .messages import HttpError, Request, Together
from .wire import Plain, fine

MOST_TAGS: Final = 32

LONGEST_TAG: Final = 256

PLACES_PER_STEP: Final = b"100"

KEYS_PER_STEP: Final = 100
"""Begun in one turn, so that nothing is half done for a client that has gone."""

Step = Generator[list[bytes] | Together, Plain, Any]  # Any: what the step is about


def tags_of(request: Request) -> list[bytes]:
    """Return the tags that a write names, in ``Cache-Tags`` or ``?tags=``. Raises HttpError."""
    header = request.headers.get("cache-tags", "")
    words = [*header.split(","), *request.query.get("tags", "").split(",")]
    tags = list(
        dict.fromkeys(word.strip().encode("utf-8", "surrogateescape") for word in words if word.strip())
    )
    if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
        raise HttpError(400, f"A key may have {MOST_TAGS} tags of {LONGEST_TAG} bytes.")
    return tags


def note_tags(tags: list[bytes], key: bytes, version: bytes, life_ms: int) -> Step:
    """Note the tags of a version that has been written. What cannot have its tags is not kept; raises HttpError then."""
    if not tags:
        return
    life = b"%d" % life_ms
    replies = yield Together([[b"RESPCACHE.TAG", TAG_PREFIX + tag, key, version, life] for tag in tags])
    for reply in replies:
        if reply.__class__ is ErrorReply:
            yield [b"RESPCACHE.REMOVE", key, b"IFMATCH", version]
            fine(reply)


def invalidate(tag: bytes) -> Step:
    """Delete all keys with a tag, in steps; return how many there were.

    A key leaves the tag before it is deleted, and is tagged after it was written: so nobody who writes the same again meanwhile
    is left with a key that has lost its tag.
    """
    name, cursor, gone = TAG_PREFIX + tag, b"0", 0
    while True:
        cursor, found = fine((yield [b"HSCAN", name, cursor, b"COUNT", PLACES_PER_STEP]))
        for at in range(0, len(found), 2 * KEYS_PER_STEP):
            words = found[at : at + 2 * KEYS_PER_STEP]
            removals = [
                [b"RESPCACHE.REMOVE", key, b"IFMATCH", version]
                for key, version in zip(words[::2], words[1::2], strict=True)
            ]
            _, *replies = yield Together([[b"RESPCACHE.UNTAG", name, *words], *removals])
            gone += sum(fine(reply) == 1 for reply in replies)
        if cursor == b"0":
            return gone
