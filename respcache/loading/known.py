"""Placeholder until merged."""


class Known:
    def __init__(self, most: int) -> None:
        self._absent: dict[bytes, int] = {}
        self._most = most

    def note_absent(self, key: bytes, now_ms: int, life_ms: int) -> None:
        self._absent[key] = now_ms + life_ms

    def is_absent(self, key: bytes, now_ms: int) -> bool:
        return self._absent.get(key, 0) > now_ms

    def forget(self, key: bytes) -> None:
        self._absent.pop(key, None)

    def clear(self) -> None:
        self._absent.clear()
