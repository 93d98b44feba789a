"""A loader for real nodes, which writes down what it is asked."""

import json
import os
from pathlib import Path

import trio

from respcache.loading import Loader


class Slow(Loader):
    """Takes its time, and appends a line to a file for each call when it begins: process id and keys."""

    pattern = "slow:*"
    timeout_ms = 8000

    def __init__(self, log: str, seconds: float) -> None:
        self._log = Path(log)
        self._seconds = seconds

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        with self._log.open("a") as log:
            log.write(json.dumps([os.getpid(), [key.decode() for key in keys]]) + "\n")
        await trio.sleep(self._seconds)
        return {key: b"value of " + key for key in keys}
