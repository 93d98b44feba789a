"""Keys that could not be loaded, and why: for LOADER STATE, and so that nobody tries again at once."""

from typing import Final

FAILED_KEYS: Final = 10_000
"""Some 3 MB; whatever has failed before so many others has been tried again or is not asked for."""


class Failures:
    """The last failure of each key, the oldest first."""

    def __init__(self) -> None:
        self._failed: dict[bytes, tuple[str, int]] = {}

    def __len__(self) -> int:
        return len(self._failed)

    def __contains__(self, key: bytes) -> bool:
        return key in self._failed

    def note(self, key: bytes, reason: str, now_ms: int) -> None:
        """Remember why a key could not be loaded."""
        self._failed.pop(key, None)
        self._failed[key] = (reason, now_ms)
        if len(self._failed) > FAILED_KEYS:
            del self._failed[next(iter(self._failed))]

    def forget(self, key: bytes) -> None:
        """Forget that a key could not be loaded."""
        self._failed.pop(key, None)

    def is_recent(self, key: bytes, now_ms: int, life_ms: int) -> bool:
        """Say whether a key has failed within so many milliseconds."""
        failed = self._failed.get(key)
        return failed is not None and now_ms - failed[1] < life_ms
