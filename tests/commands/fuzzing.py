"""Strategies for calls: such as a declaration allows, and such as it does not, with the words that break things."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeAlias

from hypothesis import strategies as st

from respcache.commands.arguments import Arg
from respcache.commands.spec import Command
from tests.commands.calls import name_words

Words: TypeAlias = tuple[bytes, ...]

# What the states in test_fuzz.py put there, and what they do not.
KEYS = [b"int", b"text", b"raw", b"hash", b"big", b"soon", b"missing", b"", b"\xff\x00\r\n", b"k" * 200]

EDGES = [0, 1, -1, 3, 16, 100, 1000, 2**31 - 1, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64]
INTEGERS = [b"%d" % number for number in EDGES]
NO_INTEGERS = [b"", b" 1", b"+1", b"01", b"1_0", b"-", b"1e3", b"9" * 400, b"\xd9\xa3"]
FLOATS = [
    b"0.1",
    b"-1.5e3",
    b".5",
    b"5.",
    b"1e308",
    b"1e400",
    b"-1e4932",
    b"1e-4999",
    b"0x1p-1074",
    b"0x.8p5",
]
NO_FLOATS = [b"inf", b"-Infinity", b"nan", b"1e", b"0x", b"1e99999999999999999999", b"." + b"0" * 6000]
PATTERNS = [
    b"*",
    b"?",
    b"[",
    b"[^",
    b"[^]",
    b"[a-",
    b"\\",
    b"*t*",
    b"[z-a]*",
    b"h?sh",
    b"*" * 300 + b"x",
    b"*[a-z]",
]
TEXTS = [b"a", b"secret", b"default", b"word", b"100mb", b"\r\n$-1\r\n", b"'\"\\", b"\xff\xfe", b"y" * 5000]
OTHER = [
    b"yes",
    b"no",
    b"set",
    b"client|list",
    b"get",
    b"all",
    b"maxmemory",
    b"timeout",
    b"server",
    b"command",
]

BY_TYPE = {
    "key": KEYS,
    "integer": [*INTEGERS, *NO_INTEGERS[:3]],
    "unix-time": [*INTEGERS, b"1700000001", b"1700000001000"],
    "double": [*FLOATS, *NO_FLOATS],
    "pattern": PATTERNS,
    "string": [*TEXTS, *OTHER, *INTEGERS[:4], *FLOATS[:2], *KEYS[:2]],
}
ANYTHING = [*KEYS, *INTEGERS, *NO_INTEGERS, *FLOATS, *NO_FLOATS, *PATTERNS, *TEXTS, *OTHER]


def calls(command: Command) -> st.SearchStrategy[list[bytes]]:
    """Return calls of one command: mostly as it is declared, now and then anything at all."""
    name = name_words(command)
    shaped = _flat(_usual(arg) for arg in command.args)
    tokens = [token.encode() for token in _tokens(command.args)]
    shapeless = st.lists(st.sampled_from([*ANYTHING, *tokens * 3]), max_size=7).map(tuple)
    surplus = st.tuples(shaped, shapeless).map(lambda both: (*both[0], *both[1][:2]))
    return st.one_of(shaped, shaped, surplus, shapeless).map(lambda words: [*name, *words])


def _usual(arg: Arg) -> st.SearchStrategy[Words]:
    """Return words that fit an argument, but for the edges of its type."""
    words = _one(arg)
    if arg.multiple:
        words = st.lists(words, min_size=1, max_size=3).map(
            lambda several: tuple(chain.from_iterable(several))
        )
    return st.one_of(st.just(()), words) if arg.optional else words


def _one(arg: Arg) -> st.SearchStrategy[Words]:
    token = () if arg.token is None else (arg.token.encode(),)
    if arg.type == "pure-token":
        return st.just(token)
    if arg.type == "block":
        value = _flat(_usual(member) for member in arg.members)
    elif arg.type == "oneof":
        value = st.one_of(*[_one(member) for member in arg.members])
    else:
        value = st.sampled_from(BY_TYPE[arg.type]).map(lambda word: (word,))
    return value.map(lambda words: token + words)


def _flat(parts: Iterable[st.SearchStrategy[Words]]) -> st.SearchStrategy[Words]:
    return st.tuples(*parts).map(lambda found: tuple(chain.from_iterable(found)))


def _tokens(args: Sequence[Arg]) -> Iterable[str]:
    for arg in args:
        if arg.token is not None:
            yield arg.token
        yield from _tokens(arg.members)
