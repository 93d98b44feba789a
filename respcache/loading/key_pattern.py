"""Which keys a built-in loader loads, and what their parts are: ``product:{id}``, ``user:{tenant}:{id}``.

A placeholder stands for one or more characters, and for as few as what follows it leaves: in ``{a}:{b}`` it is the first
colon that divides. So each key has one reading, found in one pass, whatever the key: nothing is tried twice. ``{{`` and
``}}`` are braces of the key itself.
"""

import re
from typing import Final

_PIECE: Final = re.compile(
    r"(?P<literal>(?:[^{}]|\{\{|\}\})+)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<wrong>.)", re.DOTALL
)

_OF_GLOBS: Final = re.compile(r"[*?\[\\]")
"""What means something in a glob, outside of brackets, of which there are none without the opening one."""


class KeyPattern:
    """A pattern of keys with named placeholders, at least one; ValueError tells what is wrong with it."""

    __slots__ = ("_first", "_followers", "glob", "names", "text")

    def __init__(self, text: str) -> None:
        literals, names = _parse(text)
        self.text = text
        self.names: tuple[str, ...] = tuple(names)
        """The placeholders, in their order."""
        self.glob = "*".join(_OF_GLOBS.sub(r"\\\g<0>", literal) for literal in literals)
        """A Redis glob for all keys that match, and some that do not: ``values`` decides."""
        self._first, *self._followers = literals

    def __repr__(self) -> str:
        return f"KeyPattern({self.text!r})"

    def values(self, key: bytes) -> dict[str, str] | None:
        """Return what stands for each placeholder; None for a key that does not match or is not UTF-8."""
        try:
            text = key.decode()
        except UnicodeDecodeError:
            return None
        if not text.startswith(self._first):
            return None
        *between, last = self._followers
        # Taking the first place for each literal leaves the most room for the others: if any choice matches, this one does.
        at, end, found = len(self._first), len(text) - len(last), []
        for literal in between:
            place = text.find(literal, at + 1, end)
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(literal)
        if end <= at or not text.endswith(last):
            return None
        found.append(text[at:end])
        return dict(zip(self.names, found, strict=True))


def _parse(text: str) -> tuple[list[str], list[str]]:
    """Return the literals before, between and behind the placeholders, and the placeholders."""
    literals, names = [""], list[str]()
    for piece in _PIECE.finditer(text):
        if piece["wrong"]:
            raise ValueError(
                f"a brace that is no {{placeholder}} at character {piece.start()} of {text!r}; the key's own is doubled"
            )
        if piece["literal"]:
            literals[-1] = piece["literal"].replace("{{", "{").replace("}}", "}")
            continue
        name = piece["name"]
        if name in names:
            raise ValueError(f"{{{name}}} stands in {text!r} twice")
        if names and not literals[-1]:
            raise ValueError(f"nothing divides {{{names[-1]}}} and {{{name}}} in {text!r}")
        names.append(name)
        literals.append("")
    if not names:
        raise ValueError(f"{text!r} has no {{placeholder}}")
    return literals, names
