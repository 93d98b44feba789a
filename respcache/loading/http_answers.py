"""What an answer of a source says about the keys that it was asked for: a value, that there is none, or what is wrong.

Where asking again would not help, the error is a ``WrongAnswerError``, and the key is not tried again.

An answer is judged twice: by its status, before anything of its body is read; and by its body. The
texts of errors are told to clients: they show nothing of what was sent and of what came.
"""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias

import msgspec

from .http_requests import Asking
from .json_path import JsonPath, NotThereError, decode, is_null, items, kind_of, members
from .loader import Loaded, LoadError, Mark, Missing, Stored
from .values import WrongAnswerError

ValueType: TypeAlias = Literal["json", "text", "hash", "body"]
Result: TypeAlias = Stored | Loaded | Mark | LoadError
"""What is known of one key."""

WITH_VALUES: Final = frozenset({200, 201, 203, 204})
"""202 says that there is nothing yet, 206 has a part of what was asked for, and so on."""

FOR_NOW: Final = frozenset({408, 409, 423, 425})
"""Refusals that may be over soon."""

TOO_MANY: Final = 429
UNAVAILABLE: Final = 503

LONGEST_PAUSE_S: Final = 60
"""A source that asks for an hour would have it forgotten by everybody but this process."""

LONGEST_AGE_S: Final = 2**31
"""What HTTP caches take for ever (RFC 9111, 1.2.2)."""

SHORTEST_LIFE_S: Final = 1
"""Who waits for a key must be able to read it, whatever the source says of keeping it."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_STRING: Final = msgspec.json.Decoder(str)


class UnavailableError(LoadError):
    """The source is away, or in trouble: that is not about this key. For ``pause_s`` it wants to be left in peace."""

    def __init__(self, text: str, pause_s: float = 0) -> None:
        super().__init__(text)
        self.pause_s = pause_s


class Answer(msgspec.Struct, frozen=True):
    """What came; names of headers are in lower case, and the body may not have been read."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class AnswerReader(msgspec.Struct, frozen=True, kw_only=True):
    """How the answers of one source are read."""

    value: JsonPath
    value_type: ValueType
    missing_status: frozenset[int]
    use_max_age: bool = False
    batch_items: JsonPath | None = None
    """Where in the answer the values of many keys are; None where each key is asked for alone."""
    batch_key: str = ""
    """Which member of an item says whose value it is; empty where they are a map."""

    def verdict(self, answer: Answer, now_s: float) -> Mark | LoadError | None:
        """Judge by the status alone; None: by the body. ``now_s`` is the time of day, in seconds since 1970."""
        status = answer.status
        if status in self.missing_status:
            return Missing
        if status in WITH_VALUES:
            coding = answer.headers.get("content-encoding", "identity")
            if coding.lower() == "identity":
                return None
            return WrongAnswerError("the source's answer is compressed, which was not asked for")
        if 300 <= status < 400:
            return WrongAnswerError(f"the source redirects ({status}), which is not followed")
        if status < 500 and status != TOO_MANY:
            kind = LoadError if status in FOR_NOW else WrongAnswerError
            return kind(f"the source answers {status}")
        pause_s = pause_of(answer.headers, now_s) if status in (TOO_MANY, UNAVAILABLE) else 0
        asks = f" and asks for a pause of {math.ceil(pause_s)} s" if pause_s else ""
        return UnavailableError(f"the source answers {status}{asks}", pause_s)

    def read(self, asking: Asking, answer: Answer) -> dict[bytes, Result]:
        """Return what the body says of each key."""
        json = answer.body.removeprefix(BYTE_ORDER_MARK) if self.value_type != "body" else answer.body
        found = self._alone(asking, json) if self.batch_items is None else self._batch(asking, json)
        life_s = life_of(answer.headers) if self.use_max_age else None
        if life_s is None:
            return found
        return {key: self._lasting(result, life_s) for key, result in found.items()}

    def _alone(self, asking: Asking, body: bytes) -> dict[bytes, Result]:
        result = body if self.value_type == "body" else self._result(body)
        return dict.fromkeys(asking.keys.values(), result)

    def _batch(self, asking: Asking, body: bytes) -> dict[bytes, Result]:
        try:
            parts, unclear = self._parts(body)
        except NotThereError as error:
            return dict.fromkeys(asking.keys.values(), _unreadable(error))
        # Whose value an item without a name is, nobody can say: it may be that of any key that seems to have none.
        absent: Result = (
            _unreadable(f"{unclear} of its items have no {self.batch_key}") if unclear else Missing
        )
        return {
            key: self._result(parts[name]) if name in parts else absent for name, key in asking.keys.items()
        }

    def _parts(self, body: bytes) -> tuple[Mapping[str, msgspec.Raw], int]:
        """Return the items of a batch by their keys, and how many there are besides."""
        assert self.batch_items is not None
        whole = self.batch_items.find(body)
        if whole is None:
            return {}, 0
        if not self.batch_key:
            return members(whole), 0
        by_key: dict[str, msgspec.Raw] = {}
        unclear = 0
        for item in items(whole):
            name = members(item).get(self.batch_key) if kind_of(item) == "object" else None
            if name is None or kind_of(name) in ("object", "list") or is_null(name):
                unclear += not is_null(item)
            else:
                by_key[_text(name)] = item
        return by_key, unclear

    def _result(self, json: bytes | msgspec.Raw) -> Result:
        try:
            return self._value(json)
        except NotThereError as error:
            return _unreadable(error)

    def _value(self, json: bytes | msgspec.Raw) -> Result:
        found = self.value.find(json)
        if found is None:
            return Missing
        if self.value_type == "hash":
            return _hash(found) or Missing
        if self.value_type == "text" and kind_of(found) in ("object", "list"):
            raise NotThereError(f"it has no text at {self.value.text}, but more than one value")
        return _text(found) if self.value_type == "text" else _json(found)

    def _lasting(self, result: Result, life_s: int) -> Result:
        return result if isinstance(result, Mark | LoadError | Loaded) else Loaded(result, life_s)


def life_of(headers: Mapping[str, str]) -> int | None:
    """Return for how many seconds an answer says that it holds (RFC 9111, 4.2); None if it does not say."""
    directives: dict[str, str] = {}
    for directive in headers.get("cache-control", "").lower().split(","):
        name, _, argument = directive.partition("=")
        directives.setdefault(name.strip(), argument.strip().strip('"'))
    if "no-store" in directives or "no-cache" in directives:
        return SHORTEST_LIFE_S
    told = directives.get("s-maxage", directives.get("max-age"))
    if told is None:
        return None
    # Without a number the answer is to be taken for stale (RFC 9111, 4.2.1).
    age_s = _number(told) or 0
    return max(age_s - (_number(headers.get("age", "")) or 0), SHORTEST_LIFE_S)


def pause_of(headers: Mapping[str, str], now_s: float) -> float:
    """Return for how many seconds Retry-After asks to be left in peace (RFC 9110, 10.2.3), within reason."""
    told = headers.get("retry-after", "").strip()
    seconds: float | None = _number(told)
    if seconds is None and told:
        until_s = _time(told)
        if until_s is None:
            return 0
        # By the source's own clock, which need not be ours.
        seconds = until_s - (_time(headers.get("date", "")) or now_s)
    return min(max(seconds or 0, 0), LONGEST_PAUSE_S)


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal()):
        return None
    return min(int(text), LONGEST_AGE_S) if len(text) < 20 else LONGEST_AGE_S


def _time(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _unreadable(reason: object) -> LoadError:
    return WrongAnswerError(f"the source's answer is not as expected: {reason}")


def _json(part: msgspec.Raw) -> bytes:
    """Return JSON as it was written. The decoder does not look into strings that it passes over."""
    text = bytes(part)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise NotThereError(f"it is no such JSON: {error}") from None
    return text


def _text(part: msgspec.Raw) -> str:
    """Return what a string says, and everything else as it was written."""
    if kind_of(part) != "string":
        return _json(part).decode()
    return decode(_STRING, part)


def _hash(part: msgspec.Raw) -> dict[bytes | str, bytes | str]:
    if kind_of(part) != "object":
        raise NotThereError("it has no object where the hash should be")
    return {name: _text(inner) for name, inner in members(part).items() if not is_null(inner)}
