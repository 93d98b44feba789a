"""The examples in handlers' docstrings: what they send, and what they say is answered."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from respcache.commands.spec import Command
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import HarnessClient

PROMPT = ">>> "


@dataclass(frozen=True, slots=True)
class Example:
    """One command, spelled as in redis-cli, and its reply as it is shown."""

    line: str
    shown: str

    @property
    def words(self) -> list[bytes]:
        return HarnessClient.words(self.line)


def examples(command: Command) -> list[Example]:
    """Return the examples of a command, in order: they are one session."""
    return list(_parse(inspect.cleandoc(command.handler.__doc__ or "").splitlines()))


def _parse(lines: list[str]) -> Iterator[Example]:
    for at, line in enumerate(lines):
        if line.startswith(PROMPT):
            shown = []
            for answer in lines[at + 1 :]:
                if not answer or answer.startswith(PROMPT):
                    break
                shown.append(answer)
            yield Example(line.removeprefix(PROMPT), "\n".join(shown))


def show(reply: Any) -> str:
    """Spell a decoded reply as the examples do: bare where it is one word or number, else as Python would."""
    if reply is None:
        return "(nil)"
    if isinstance(reply, ErrorReply):
        return f"(error) {reply.code} {reply.message}"
    plain = _plain(reply)
    return plain if isinstance(plain, str) else repr(plain)


def _plain(reply: Any) -> Any:
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, list):
        return [_plain(item) for item in reply]
    if isinstance(reply, dict):
        return {_plain(key): _plain(value) for key, value in reply.items()}
    return reply
