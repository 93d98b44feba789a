"""Where the statements of a TOML file stand, line by line.

So messages can name a line, and a rewrite can change one value and leave all else as it is.
tomllib tells values but not places. Here each statement is found by handing tomllib
more and more lines until they are complete: TOML's own rules decide where it ends.
Settings files are short; nobody waits for that.
"""

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from .parameter import JOINT


class Statement(msgspec.Struct, frozen=True):
    """A header, or a key and its value, with the lines it covers: from ``first`` to before ``end``, from 0."""

    first: int
    end: int
    name: str
    """Of the table, or of table and key, joined."""
    is_header: bool
    is_list_item: bool = False
    """Whether it is a header in double brackets."""


def scan(text: str) -> list[Statement]:
    """Find the statements of a valid TOML text; comments and blank lines are between them."""
    return list(_scan(text.replace("\r\n", "\n").split("\n")))


def _scan(lines: list[str]) -> Iterator[Statement]:
    table = ""
    line = 0
    while line < len(lines):
        content = lines[line].strip()
        if not content or content.startswith("#"):
            line += 1
        elif content.startswith("["):
            table = JOINT.join(_path(tomllib.loads(content)))
            yield Statement(line, line + 1, table, is_header=True, is_list_item=content.startswith("[["))
            line += 1
        else:
            end, keys = _pair(lines, line)
            name = JOINT.join([table, *keys] if table else keys)
            yield Statement(line, end, name, is_header=False)
            line = end


def _pair(lines: list[str], first: int) -> tuple[int, list[str]]:
    for end in range(first + 1, len(lines) + 1):
        try:
            tomllib.loads("\n".join(lines[first:end]))
        except tomllib.TOMLDecodeError:
            continue
        before, _, _ = split_pair("\n".join(lines[first:end]))
        return end, _path(tomllib.loads(f"{before}0"))
    raise ValueError(f"line {first + 1} does not begin a statement")


def _path(document: dict[str, Any]) -> list[str]:  # TOML values of any type
    """Return the keys down to the one value or empty table of a document."""
    keys: list[str] = []
    inner: object = document
    while isinstance(inner, dict | list) and inner:
        if isinstance(inner, list):
            inner = inner[0]
        else:
            key, inner = next(iter(inner.items()))
            keys.append(key)
    return keys


def split_pair(statement: str) -> tuple[str, str, str]:
    """Split ``key = value  # comment`` into what is before the value, the value, and what follows it."""
    key = _shortest(statement, "=", lambda before: tomllib.loads(f"{before}= 0"))
    rest = statement[len(key) + 1 :]
    value = _shortest(rest, "#", lambda before: tomllib.loads(f"value = {before}")).strip()
    start = len(key) + 1 + rest.index(value)
    return statement[:start], value, statement[start + len(value) :]


def _shortest(text: str, sign: str, check: Callable[[str], object]) -> str:
    """Return the shortest text before one of the signs that passes the check, or all of it."""
    position = text.find(sign)
    while position >= 0:
        try:
            check(text[:position])
        except tomllib.TOMLDecodeError:
            position = text.find(sign, position + 1)
        else:
            return text[:position]
    return text
