"""Calls made from declarations: the shortest that a command takes."""

from collections.abc import Sequence
from itertools import count

from respcache.commands.arguments import Arg
from respcache.commands.spec import Command

WORDS = {
    "integer": b"1",
    "double": b"1",
    "unix-time": b"4102444800",
    "pattern": b"*",
    "string": b"word",
}
"""A word that fits, by the type of an argument."""


def name_words(command: Command) -> list[bytes]:
    return [word.encode() for word in command.name.split(" ")]


def least_call(command: Command) -> list[bytes]:
    """Return a call with every required word and no other; keys are called key1, key2 ..."""
    numbers = count(1)
    words = name_words(command)
    for arg in command.args:
        words += _required(arg, numbers)
    while len(words) < abs(command.arity):  # a grammar that the declaration cannot tell
        words.append(WORDS["string"])
    return words


def _required(arg: Arg, numbers: "count[int]") -> list[bytes]:
    if arg.optional:
        return []
    token = [] if arg.token is None else [arg.token.encode()]
    if arg.type == "pure-token":
        return token
    if arg.type == "block":
        return [*token, *_all_required(arg.members, numbers)]
    if arg.type == "oneof":
        return [*token, *_required(arg.members[0], numbers)]
    if arg.type == "key":
        return [*token, b"key%d" % next(numbers)]
    return [*token, WORDS[arg.type]]


def _all_required(args: Sequence[Arg], numbers: "count[int]") -> list[bytes]:
    return [word for arg in args for word in _required(arg, numbers)]
