"""The loaders of ``loading.py``, as the server imports them: one that takes its time, one that needs none, and rows of SQLite."""

import os
import sqlite3
import threading
import time
from pathlib import Path

import trio

from respcache.loading import Loader


class Slow(Loader):
    """Takes 300 ms, and notes the end of each call in the file that ``RESPCACHE_BENCHMARK_CALLS`` names."""

    pattern = "slow:*"

    def __init__(self) -> None:
        self._calls = Path(os.environ["BENCHMARK_CALLS"])

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        await trio.sleep(0.3)
        with self._calls.open("a") as calls:
            calls.write(f"{time.monotonic_ns()} {len(keys)}\n")
        return {key: b"value of " + key for key in keys}


class Instant(Loader):
    """Knows everything."""

    pattern = "instant:*"

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        return dict.fromkeys(keys, b"x" * 32)


class Rows(Loader):
    """Rows of a table, each thread with a connection of its own."""

    pattern = "row:*"

    def __init__(self) -> None:
        self._path = os.environ["BENCHMARK_DATABASE"]
        self._mine = threading.local()

    def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = sqlite3.connect(self._path)
        marks = ",".join("?" * len(keys))
        rows = self._mine.connection.execute(
            f"select id, value from rows where id in ({marks})",  # only question marks
            [int(key[4:]) for key in keys],
        )
        return {b"row:%d" % number: value for number, value in rows}
