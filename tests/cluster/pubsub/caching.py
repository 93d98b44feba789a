"""A client that keeps what it reads until it is told to forget it, as CLIENT TRACKING is meant."""

from typing import Any

import hiredis

from tests.cluster.bus.pair import World


class CachingClient:
    """What it believes must be true, once all news have come."""

    def __init__(self, world: World, number: int) -> None:
        self.cache: dict[bytes, Any] = {}
        self._caller = world.client(number)
        self._asked: list[bytes] = []
        self._caller.send("CLIENT TRACKING on")
        self._asked.append(b"")

    def read(self, key: str) -> None:
        """Send a GET, unless its answer is known."""
        name = key.encode()
        if name not in self.cache and name not in self._asked:
            self._asked.append(name)
            self._caller.send(f"GET {key}")

    def look(self) -> None:
        """Take what has come, in its order."""
        for reply in self._caller.replies():
            if isinstance(reply, hiredis.PushNotification):
                self._forget(reply[1])
            else:
                name = self._asked.pop(0)
                if name and not isinstance(reply, Exception) and reply.__class__ in (bytes, type(None)):
                    self.cache[name] = reply

    def _forget(self, keys: list[bytes] | None) -> None:
        if keys is None:
            self.cache.clear()
        for key in keys or ():
            self.cache.pop(key, None)
