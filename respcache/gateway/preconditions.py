"""Conditions of requests and ranges of values (RFC 9110, sections 13 and 14), read from headers."""

import re
from typing import Final

from .messages import HttpError, Request

ANY: Final = b"*"

NOTHING: Final = b"-"
"""A list of versions that names none which there could be."""

_TAG = re.compile(r'(W/)?"([0-9a-f]{32})"')
_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*")


def versions(header: str | None, *, is_strong: bool) -> bytes | None:
    """Return the versions that If-Match (strong) or If-None-Match names, with commas between them; None where it is not there.

    Of If-Match a weak tag names nothing. Tags that are not ours cannot be of a value here.
    """
    if header is None:
        return None
    if header.strip() == "*":
        return ANY
    found = [version for weak, version in _TAG.findall(header) if not (weak and is_strong)]
    return ",".join(found).encode() or NOTHING


def holds(condition: bytes, version: bytes) -> bool:
    """Say whether a condition names this version."""
    return condition == ANY or version in condition.split(b",")


def range_of(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """Return the first byte asked for and the one behind the last; None for the whole. Raises HttpError 416.

    What cannot be read, or asks for several ranges, is ignored, as the RFC allows.
    """
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or request.method != "GET" or request.headers.get("if-range", tag) != tag:
        return None
    first, last = match.groups()
    if not (first or last) or (first and last and int(last) < int(first)):
        return None
    if first:
        begin, end = int(first), min(int(last) + 1, size) if last else size
    else:
        begin, end = max(size - int(last), 0), size
    if begin >= size:
        raise HttpError(416, "There is no such range.", {"Content-Range": f"bytes */{size}"})
    return begin, end
