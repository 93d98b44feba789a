"""A file that names the peers: one ``host:port`` in each line; what follows a ``#`` is for people.

It is read at every question, in a thread, because a file system over a network can stand still. Whoever
changes it had better write a new file and rename it: a half-written one is half a list.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio

from .protocol import ReadOnly, SourceError

MOST_BYTES: Final = 1024 * 1024
"""Room for far more peers than are taken from one source; what is longer is another file."""

_COMMENT: Final = re.compile(r"#.*")


class SeedFile(ReadOnly):
    """Reads one file again and again."""

    name = "file"

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        # A read that hangs is left behind and keeps its place, so that threads cannot pile up.
        self._one_thread = trio.CapacityLimiter(1)

    async def peers(self) -> Sequence[str]:
        try:
            content = await trio.to_thread.run_sync(
                self._read, limiter=self._one_thread, abandon_on_cancel=True
            )
            return endpoints_of(content.decode("utf-8-sig"))
        except OSError as error:
            raise SourceError(f"cannot read {self._path}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise SourceError(f"{self._path} is no text in UTF-8") from error

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise SourceError(f"{self._path} is longer than {MOST_BYTES} bytes")
        return content


def endpoints_of(text: str) -> list[str]:
    """Return what stands in the lines, without comments."""
    lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
    return [line for line in lines if line]
