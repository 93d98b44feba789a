"""A loader for servers that tests run, quick and with every kind of answer."""

from respcache.loading import Loader, LoadError

Found = dict[bytes, bytes | dict[bytes, bytes] | LoadError]


class Rows(Loader):
    """Keys that end in ``7`` have no value, those in ``8`` cannot be loaded, those in ``9`` are hashes."""

    name = "rows"
    pattern = "row:*"
    tries = 1

    def bulk_load(self, keys: list[bytes]) -> Found:
        return {key: self._row(key) for key in keys if not key.endswith(b"7")}

    def _row(self, key: bytes) -> bytes | dict[bytes, bytes] | LoadError:
        if key.endswith(b"8"):
            return LoadError("not this one")
        return {b"id": key} if key.endswith(b"9") else b"value of " + key
