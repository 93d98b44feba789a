from typing import Any

from .buckets import Bucket

class Entry:
    # As keyspace/entry.py describes; the value is one of the classes named there.
    @property
    def key(self) -> bytes: ...
    value: Any
    seen: int
    expires_at_ms: int | None
    bucket: Bucket | None
    version: int
    @property
    def slack_bytes(self) -> int: ...
    def __init__(self, key: bytes, value: Any, now_ms: int) -> None: ...

def register_default_deadline(subclass: type[int]) -> None: ...
