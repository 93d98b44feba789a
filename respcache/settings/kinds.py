"""The plain kinds of values a setting can have: how each is read, shown and explained.

Every source (file, environment, flag, CONFIG SET) becomes text first and is read
here, so that a value means the same wherever it was written. Texts of refusals are
those of redis-server 7.0. Kinds with a grammar of their own have files of their own.
"""

import re
from abc import ABC, abstractmethod
from typing import Final, Generic, TypeVar

from .errors import InvalidValueError

Value = TypeVar("Value")

INT_MAX: Final = 2**31 - 1
UINT_MAX: Final = 2**32 - 1
LONG_MAX: Final = 2**63 - 1
ULONG_MAX: Final = 2**64 - 1

BYTES_PER_UNIT: Final = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1024,
    "m": 1000**2,
    "mb": 1024**2,
    "g": 1000**3,
    "gb": 1024**3,
}
"""Redis' units: without the b they are decimal, with it binary; case does not matter."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_SIZE = re.compile(r"([0-9]*)([a-z]*)", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?", re.ASCII)


class Kind(ABC, Generic[Value]):
    """How values of one kind are written. Subclasses say at least ``parse`` and ``allowed``."""

    allowed: str
    """What a person may write, to stand after the word "expected"."""

    @abstractmethod
    def parse(self, text: str, current: Value) -> Value:
        """Read a value; ``current`` is for kinds whose text may mention only a part. Raises InvalidValueError."""

    def show(self, value: Value) -> str:
        """Write the value as CONFIG GET shows it."""
        return str(value)

    def text(self, value: Value) -> str:
        """Write the value so that ``parse`` reads it again; most kinds show it so."""
        return self.show(value)

    def text_of_toml(self, value: object) -> str:
        """Turn a value of a TOML file into text for ``parse``. Raises InvalidValueError for a wrong type."""
        if isinstance(value, str):
            return value
        raise InvalidValueError("argument must be a string")

    def toml(self, value: Value) -> str:
        """Write the value as TOML."""
        return toml_string(self.show(value))


class YesNo(Kind[bool]):
    """Written yes or no; true and false in TOML."""

    allowed = "yes or no"

    def parse(self, text: str, current: bool) -> bool:
        choice = text.lower()
        if choice not in {"yes", "no"}:
            raise InvalidValueError("argument must be 'yes' or 'no'")
        return choice == "yes"

    def show(self, value: bool) -> str:
        return "yes" if value else "no"

    def text_of_toml(self, value: object) -> str:
        return self.show(value) if isinstance(value, bool) else super().text_of_toml(value)

    def toml(self, value: bool) -> str:
        return "true" if value else "false"


class Integer(Kind[int]):
    """A whole number within bounds, both inclusive."""

    def __init__(self, lowest: int = 0, highest: int = INT_MAX) -> None:
        self.lowest = lowest
        self.highest = highest
        if highest in {INT_MAX, UINT_MAX, LONG_MAX}:
            self.allowed = f"a whole number, {lowest} or more"
        else:
            self.allowed = f"a whole number from {lowest} to {highest}"

    def parse(self, text: str, current: int) -> int:
        number = int(text) if _INTEGER.fullmatch(text) and len(text) <= 20 else None
        if number is None or not -LONG_MAX - 1 <= number <= LONG_MAX:
            raise InvalidValueError("argument couldn't be parsed into an integer")
        return within(number, self.lowest, self.highest)

    def text_of_toml(self, value: object) -> str:
        return str(value) if _is_number(value, int) else super().text_of_toml(value)

    def toml(self, value: int) -> str:
        return str(value)


class Size(Kind[int]):
    """A number of bytes with an optional unit.

    As in redis-server no digits at all count as 0. It also takes numbers beyond 64 bits and
    wraps them around; here they are refused, for nobody means that.
    """

    allowed = "a number of bytes, with a unit if you like (k, kb, m, mb, g, gb), such as 100mb"

    def __init__(self, lowest: int = 0, highest: int = LONG_MAX) -> None:
        self.lowest = lowest
        self.highest = highest
        if lowest:
            self.allowed = f"{self.allowed}, of at least {size_text(lowest)}"

    def parse(self, text: str, current: int) -> int:
        size_bytes = parse_size(text)
        if size_bytes is None:
            raise InvalidValueError("argument must be a memory value")
        return within(size_bytes, self.lowest, self.highest)

    def text_of_toml(self, value: object) -> str:
        return str(value) if _is_number(value, int) else super().text_of_toml(value)

    def toml(self, value: int) -> str:
        text = size_text(value)
        return text if text.isdigit() else toml_string(text)


class Choice(Kind[str]):
    """One of some words; case does not matter."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.allowed = "one of " + ", ".join(words)

    def parse(self, text: str, current: str) -> str:
        word = text.lower()
        if word not in self.words:
            raise InvalidValueError("argument(s) must be one of the following: " + ", ".join(self.words))
        return word

    def text_of_toml(self, value: object) -> str:
        # `enable-debug-command = false` is what a writer of TOML tries first.
        if isinstance(value, bool) and {"yes", "no"} <= set(self.words):
            return "yes" if value else "no"
        return super().text_of_toml(value)


class Text(Kind[str]):
    """Any text."""

    allowed = "a text in quotes"

    def parse(self, text: str, current: str) -> str:
        return text


class Words(Kind[tuple[str, ...]]):
    """Words between blanks; in TOML also a list of strings."""

    allowed = "words with blanks between them"

    def parse(self, text: str, current: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text.split())

    def show(self, value: tuple[str, ...]) -> str:
        return " ".join(value)

    def text_of_toml(self, value: object) -> str:
        words = joined_words(value)
        return super().text_of_toml(value) if words is None else words


class Octal(Kind[int]):
    """File permissions. Only a string in TOML: a bare 700 there would be decimal, 0o700 would arrive as 448."""

    allowed = 'permissions in octal from "0" to "777"'

    def parse(self, text: str, current: int) -> int:
        if not text or len(text) > 4 or set(text) - set("01234567"):
            raise InvalidValueError("argument couldn't be parsed as an octal number")
        return within(int(text, 8), 0, 0o777)

    def show(self, value: int) -> str:
        return f"{value:o}"


class Lifetime(Kind["int | None"]):
    """A life in seconds, kept in milliseconds, or ``infinity``, kept as None."""

    allowed = "a number of seconds greater than 0, or infinity"

    def parse(self, text: str, current: int | None) -> int | None:
        if text.lower() == "infinity":
            return None
        if not _SECONDS.fullmatch(text) or not float(text):
            raise InvalidValueError("argument must be a number of seconds greater than 0, or infinity")
        return round(float(text) * 1000)

    def show(self, value: int | None) -> str:
        return "infinity" if value is None else seconds_text(value)

    def text_of_toml(self, value: object) -> str:
        return str(value) if _is_number(value, int, float) else super().text_of_toml(value)

    def toml(self, value: int | None) -> str:
        return toml_string("infinity") if value is None else seconds_text(value)


class Fixed(Kind[str]):
    """A value that is what it is: telling it again is fine, changing it is refused."""

    def __init__(self, truth: str) -> None:
        self.truth = truth
        self.allowed = f'"{truth}"'

    def parse(self, text: str, current: str) -> str:
        if text.lower() != self.truth.lower():
            raise InvalidValueError(f"respcache supports only '{self.truth}' here")
        return self.truth

    def text_of_toml(self, value: object) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(value) if _is_number(value, int) else super().text_of_toml(value)


def within(number: int, lowest: int, highest: int) -> int:
    """Return the number, or refuse it in Redis' words."""
    if not lowest <= number <= highest:
        raise InvalidValueError(f"argument must be between {lowest} and {highest} inclusive")
    return number


def parse_size(text: str) -> int | None:
    """Read Redis' notation of sizes; None if it is none. The source: redis.conf, "units"."""
    match = _SIZE.fullmatch(text.lower())
    if match is None or match[2] not in BYTES_PER_UNIT or len(match[1]) > 20:
        return None
    return int(match[1] or 0) * BYTES_PER_UNIT[match[2]]


def size_text(size_bytes: int) -> str:
    """Write a size with the largest binary unit that loses nothing."""
    for unit in ("gb", "mb", "kb"):
        if size_bytes and size_bytes % BYTES_PER_UNIT[unit] == 0:
            return f"{size_bytes // BYTES_PER_UNIT[unit]}{unit}"
    return str(size_bytes)


def seconds_text(duration_ms: int) -> str:
    """Write milliseconds as seconds, with as few decimals as they need."""
    seconds, rest_ms = divmod(duration_ms, 1000)
    return f"{seconds}.{rest_ms:03}".rstrip("0") if rest_ms else str(seconds)


def toml_string(text: str) -> str:
    """Write a basic string of TOML 1.0."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    shown = (c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped)
    return '"' + "".join(shown) + '"'


def joined_words(value: object) -> str | None:
    """Join a TOML list of strings and numbers with blanks; None if it is no such list."""
    if not isinstance(value, list):
        return None
    if not all(isinstance(word, str) or _is_number(word, int, float) for word in value):
        raise InvalidValueError("argument must be a list of strings or numbers")
    return " ".join(str(word) for word in value)


def _is_number(value: object, *types: type) -> bool:
    # bool is an int to Python, not to a person.
    return isinstance(value, types) and not isinstance(value, bool)
