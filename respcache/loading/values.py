"""From what a loader answers to what the cache can store, or an error that says what is wrong with it."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from .loader import KEEP, Loaded, LoadError, Mark, Missing
from .options import milliseconds

Plain: TypeAlias = bytes | dict[bytes, bytes]

TEXT: Final = (bytes, str)


class Found:
    """A value as it will be stored, and how long it lives: as its loader says, where ``life_ms`` is ``AS_SET``."""

    __slots__ = ("life_ms", "value")

    def __init__(self, value: Plain, life_ms: int | None) -> None:
        self.value = value
        self.life_ms = life_ms


AS_SET: Final = -1
"""Instead of a life: what the loader's settings say."""

Outcome: TypeAlias = Found | Mark | LoadError
"""What has become of one key: ``Mark`` is ``Missing`` or ``KEEP``."""


def outcome_of(made: object) -> Outcome:
    """Read what ``new`` or ``refresh`` has returned, or ``bulk_load`` for one key."""
    try:
        return _read(made)
    except Exception as error:  # a mapping of the author's own, or text that UTF-8 has no bytes for
        return WrongAnswerError(f"the value cannot be read: {reason_of(error)}")


def _read(made: object) -> Outcome:
    life_ms: int | None = AS_SET
    if isinstance(made, Loaded):
        try:
            life_ms = milliseconds(made.expiration)
        except ValueError as error:
            return WrongAnswerError(str(error))
        made = made.value
    if made is Missing or made is KEEP or isinstance(made, LoadError):
        return made
    if made is None:
        return Missing
    if isinstance(made, TEXT):
        return Found(stored_text(made), life_ms)
    if isinstance(made, Mapping):
        return _found_hash(made, life_ms)
    return WrongAnswerError(f"a value must be bytes, str or a mapping of these, not {type(made).__name__}")


def _found_hash(made: Mapping[object, object], life_ms: int | None) -> Outcome:
    fields: dict[bytes, bytes] = {}
    for name, value in made.items():
        if not isinstance(name, TEXT) or not isinstance(value, TEXT):
            wrong = name if not isinstance(name, TEXT) else value
            return WrongAnswerError(
                f"fields and their values must be bytes or str, not {type(wrong).__name__}"
            )
        fields[stored_text(name)] = stored_text(value)
    return Found(fields, life_ms) if fields else Missing


class WrongAnswerError(LoadError):
    """A loader has answered with something that nothing can be made of; asking again would not help."""


def stored_text(text: bytes | str) -> bytes:
    """Return text as the cache stores it."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def reason_of(error: BaseException) -> str:
    """Return an exception as one short line for a client, a log and an event."""
    text = " ".join(str(error).split())
    if not isinstance(error, LoadError):
        name = type(error).__name__
        text = f"{name}: {text}" if text else name
    return (text or "no reason given")[:200]
