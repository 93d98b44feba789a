"""A place within a JSON text: ``$`` is all of it, ``$.data.items[0]`` a part, ``$["odd name"]`` one with an odd name.

Parts are returned as they were written and not made anew, so that ``1.10`` stays ``1.10``, and a number may have any
length. Only what the path leads through is taken apart.
"""

import re
from typing import Final, TypeAlias, TypeVar

import msgspec

Step: TypeAlias = str | int
Part = TypeVar("Part")

NULL: Final = b"null"

MOST_PARTS: Final = 2_000_000
"""What is taken apart becomes 70 bytes and a third of a microsecond for each part, in which nobody is served; counted by commas, so within parts, too."""

_STEP: Final = re.compile(
    r"""\.(?P<name>[^\s.\[\]"'$*()]+) | \[(?P<index>[0-9]{1,9})\] | \["(?P<quoted>[^"]*)"\] | \['(?P<single>[^']*)'\]""",
    re.VERBOSE,
)

_ALL: Final = msgspec.json.Decoder(msgspec.Raw)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class NotThereError(ValueError):
    """The text is no JSON, or has nothing at the path; the message says which, and shows nothing of the text."""


class JsonPath:
    """One path; ValueError says what is wrong with it."""

    __slots__ = ("_steps", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._steps = _steps(text)

    def __repr__(self) -> str:
        return f"JsonPath({self.text!r})"

    def find(self, json: bytes | msgspec.Raw) -> msgspec.Raw | None:
        """Return the part at the path, without spaces around it; None where it, or something on the way to it, is null."""
        found = decode(_ALL, json)
        for step in self._steps:
            if is_null(found):
                return None
            found = self._part(found, step)
        return None if is_null(found) else found

    def _part(self, json: msgspec.Raw, step: Step) -> msgspec.Raw:
        if isinstance(step, str):
            inner = members(json).get(step) if kind_of(json) == "object" else None
        else:
            parts = items(json) if kind_of(json) == "list" else []
            inner = parts[step] if step < len(parts) else None
        if inner is None:
            raise NotThereError(f"it has nothing at {self.text}")
        return inner


def is_null(json: msgspec.Raw) -> bool:
    """Say whether a JSON text without spaces around it is null."""
    return len(memoryview(json)) == len(NULL) and bytes(json) == NULL


def kind_of(json: msgspec.Raw) -> str:
    """Return what a JSON text without spaces around it is: object, list, string or other (a number, true, false, null)."""
    return {b"{": "object", b"[": "list", b'"': "string"}.get(bytes(memoryview(json)[:1]), "other")


def members(json: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """Take an object apart; of members with one name the last counts."""
    _check_size(json)
    return decode(_MEMBERS, json)


def items(json: msgspec.Raw) -> list[msgspec.Raw]:
    """Take a list apart."""
    _check_size(json)
    return decode(_ITEMS, json)


def decode(decoder: "msgspec.json.Decoder[Part]", json: bytes | msgspec.Raw) -> Part:
    """Decode, and tell all that can be wrong in one way."""
    try:
        return decoder.decode(json)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise NotThereError(f"it is no such JSON: {reason}") from None


def _check_size(json: msgspec.Raw) -> None:
    # A part and its comma are two bytes at least.
    if len(memoryview(json)) > 2 * MOST_PARTS and bytes(json).count(b",") > MOST_PARTS:
        raise NotThereError(f"it has more than {MOST_PARTS} parts")


def _steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 1
    while text[:1] == "$" and at < len(text) and (found := _STEP.match(text, at)):
        index = found["index"]
        steps.append(int(index) if index else found["name"] or found["quoted"] or found["single"] or "")
        at = found.end()
    if text[:1] != "$" or at < len(text):
        raise ValueError(f'{text!r} is no path; one begins with $ and goes on with .name, [0] or ["name"]')
    return tuple(steps)
