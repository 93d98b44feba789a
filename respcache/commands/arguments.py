"""The argument grammar: declared once per command, read four ways.

From one tuple of ``Arg`` follow the arity, the key positions, the parser that
turns raw words into handler arguments, and the COMMAND DOCS entry. The
vocabulary is that of COMMAND DOCS, so the output needs no translation.
"""

import enum
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec


class Access(enum.Flag):
    """What a command does to a key; for ACL rules and COMMAND INFO, in Redis' words."""

    RO = enum.auto()
    RW = enum.auto()
    OW = enum.auto()
    RM = enum.auto()
    ACCESS = enum.auto()
    UPDATE = enum.auto()
    INSERT = enum.auto()
    DELETE = enum.auto()
    NOT_KEY = enum.auto()
    INCOMPLETE = enum.auto()
    VARIABLE_FLAGS = enum.auto()


Convert = Callable[
    [bytes], Any
]  # Any: an integer, a float, a cursor ... whatever the handler's annotation says


class Arg(msgspec.Struct, frozen=True):
    """One declared argument, possibly optional, repeated or nested."""

    name: str
    type: str
    token: str | None = None
    optional: bool = False
    multiple: bool = False
    multiple_token: bool = False
    since: str | None = None
    deprecated_since: str | None = None
    members: tuple["Arg", ...] = ()
    access: Access | None = None
    convert: Convert | None = None
    """Turns the raw word into what the handler takes, or raises CommandError. None: by type."""


class KeySpan(NamedTuple):
    """Where keys sit in argv.

    ``last`` counts from the end when negative, else it is relative to
    ``first``. When ``counted``, argv[first - 1] says how many keys follow.
    """

    first: int
    last: int
    step: int
    counted: bool
    access: Access


class Choice(NamedTuple):
    """Which alternative of a ``one_of`` the client picked, and its value (True for a bare flag)."""

    token: str
    value: Any  # as Convert


def key(name: str, access: Access, *, multiple: bool = False) -> Arg:
    return Arg(name, "key", multiple=multiple, access=access)


def string(
    name: str,
    *,
    token: str | None = None,
    multiple: bool = False,
    optional: bool = False,
    since: str | None = None,
    convert: Convert | None = None,
) -> Arg:
    return Arg(
        name, "string", token=token, multiple=multiple, optional=optional, since=since, convert=convert
    )


def pattern(name: str, *, token: str | None = None, multiple: bool = False, optional: bool = False) -> Arg:
    return Arg(name, "pattern", token=token, multiple=multiple, optional=optional)


def integer(
    name: str,
    *,
    token: str | None = None,
    optional: bool = False,
    multiple: bool = False,
    since: str | None = None,
    convert: Convert | None = None,
) -> Arg:
    return Arg(
        name, "integer", token=token, optional=optional, multiple=multiple, since=since, convert=convert
    )


def double(name: str, *, convert: Convert | None = None) -> Arg:
    return Arg(name, "double", convert=convert)


def unix_time(name: str, *, token: str | None = None, since: str | None = None) -> Arg:
    return Arg(name, "unix-time", token=token, since=since)


def flag(token: str, *, name: str | None = None, optional: bool = False, since: str | None = None) -> Arg:
    return Arg(name or token.lower(), "pure-token", token=token, optional=optional, since=since)


def one_of(name: str, *members: Arg, optional: bool = True, since: str | None = None) -> Arg:
    return Arg(name, "oneof", optional=optional, members=members, since=since)


def block(
    name: str,
    *members: Arg,
    token: str | None = None,
    multiple: bool = True,
    optional: bool = False,
    since: str | None = None,
) -> Arg:
    return Arg(name, "block", token=token, multiple=multiple, optional=optional, members=members, since=since)


def width(arg: Arg) -> tuple[int, bool]:
    """Return the fewest words ``arg`` takes and whether that is exact."""
    if arg.optional:
        return 0, False
    if arg.type == "block":
        words = sum(width(m)[0] for m in arg.members)
        exact = all(width(m)[1] for m in arg.members)
    elif arg.type == "oneof":
        widths = [width(m) for m in arg.members]
        words = min(w for w, _ in widths)
        exact = all(e for _, e in widths) and len({w for w, _ in widths}) == 1
    else:
        words, exact = 1, True
    if arg.token is not None and arg.type != "pure-token":
        words += 1
    return words, exact and not arg.multiple


def arity(args: Sequence[Arg], prefix: int) -> int:
    """Redis arity: exact when positive, a minimum when negative."""
    widths = [width(a) for a in args]
    total = prefix + sum(words for words, _ in widths)
    return total if all(exact for _, exact in widths) else -total


def key_spans(args: Sequence[Arg], prefix: int) -> tuple[KeySpan, ...]:
    """Find the key positions that follow from the declaration alone."""
    spans: list[KeySpan] = []
    position = prefix
    for index, arg in enumerate(args):
        suffix = sum(width(a)[0] for a in args[index + 1 :])
        counted = index > 0 and args[index - 1].name == "numkeys"
        if arg.type == "key":
            assert arg.access is not None
            last = 0 if not arg.multiple else -1 - suffix
            spans.append(KeySpan(position, last, 1, counted, arg.access))
        elif arg.type == "block" and arg.members[0].type == "key":
            access = arg.members[0].access
            assert access is not None
            spans.append(KeySpan(position, -1 - suffix, len(arg.members), counted, access))
        words, exact = width(arg)
        position += words
        if not exact:
            break  # later positions depend on the client; see ``keys=`` in spec.py
    return tuple(spans)
