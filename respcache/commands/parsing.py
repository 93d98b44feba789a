"""From a declaration to the function that runs it on raw words.

Most calls use no options, so ``bind`` makes the shortest closure that the
declaration allows: words are passed as they are where nothing needs converting,
and a call with no more words than required skips the option parser.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..protocol.replies import Reply
from .arguments import Arg, Choice, Convert, width
from .context import Context
from .errors import SYNTAX, CommandError, wrong_arity
from .numbers import parse_float, parse_integer

Handler: TypeAlias = Callable[..., Reply]
Run: TypeAlias = Callable[[Context, Sequence[bytes]], Reply]
Parser: TypeAlias = Callable[[Sequence[bytes]], tuple[list[Any], dict[str, Any]]]  # Any: as Convert

_CONVERT: dict[str, Convert] = {
    "integer": parse_integer,
    "unix-time": parse_integer,
    "double": parse_float,
}


def parameter_name(arg: Arg) -> str:
    """Return the handler's parameter for a declared argument."""
    return arg.name.replace("-", "_").replace(":", "_").replace("/", "_")


def bind(name: str, handler: Handler, args: Sequence[Arg], prefix: int) -> Run:
    """Return what dispatch calls with all the words, the command's name included."""
    if all(width(a)[1] and _converter(a) is None and not a.members for a in args):
        return _bind_plain(handler, prefix, len(args))
    if all(width(a) == (1, True) and not a.members and a.token is None for a in args):
        return _bind_converting(handler, prefix, [_converter(a) for a in args])
    parser = compile_parser(name, args, prefix)
    required = [a for a in args if not a.optional]
    simple = all(width(a) == (1, True) and _converter(a) is None and not a.members for a in required)

    def run(context: Context, argv: Sequence[bytes]) -> Reply:
        positional, options = parser(argv)
        return handler(context, *positional, **options)

    if not simple:
        return run
    least = prefix + len(required)

    if prefix == 1 and least == 3:

        def run_key_and_value(context: Context, argv: Sequence[bytes]) -> Reply:
            if len(argv) == 3:
                return handler(context, argv[1], argv[2])
            return run(context, argv)

        return run_key_and_value

    def run_without_options(context: Context, argv: Sequence[bytes]) -> Reply:
        if len(argv) == least:
            return handler(context, *argv[prefix:])
        return run(context, argv)

    return run_without_options


def _bind_plain(handler: Handler, prefix: int, words: int) -> Run:
    if prefix == 1 and words == 1:
        return lambda context, argv: handler(context, argv[1])
    if prefix == 1 and words == 2:
        return lambda context, argv: handler(context, argv[1], argv[2])
    return lambda context, argv: handler(context, *argv[prefix:])


def _bind_converting(handler: Handler, prefix: int, converters: Sequence[Convert | None]) -> Run:
    """One word for each argument, some to be converted: INCRBY in half the time of the general parser."""
    if prefix == 1 and len(converters) == 2 and converters[0] is None and converters[1] is not None:
        convert = converters[1]
        return lambda context, argv: handler(context, argv[1], convert(argv[2]))

    def run(context: Context, argv: Sequence[bytes]) -> Reply:
        words = zip(argv[prefix:], converters, strict=True)
        return handler(context, *[word if convert is None else convert(word) for word, convert in words])

    return run


def compile_parser(name: str, args: Sequence[Arg], prefix: int) -> Parser:
    """Build the parser for ``args``: required words by position, then options in any order."""
    options: dict[str, tuple[Arg, Arg]] = {}
    for a in args:
        if a.optional:
            for member in a.members if a.type == "oneof" else (a,):
                assert member.token is not None, f"{name}: option {member.name} needs a token"
                options[member.token] = (a, member)
    required = [a for a in args if not a.optional]
    suffixes = [sum(width(a)[0] for a in required[i + 1 :]) for i in range(len(required))]

    def parse(argv: Sequence[bytes]) -> tuple[list[Any], dict[str, Any]]:
        positional: list[Any] = []
        chosen: dict[str, Any] = {}
        at, end = prefix, len(argv)
        for arg, suffix in zip(required, suffixes, strict=True):
            if arg.multiple:
                positional.append(_take_many(name, arg, argv[at : end - suffix]))
                at = end - suffix
            else:
                positional.append(_convert(arg, argv[at]))
                at += 1
        while at < end:
            at = _take_option(options, chosen, argv, at)
        return positional, chosen

    return parse


def _converter(arg: Arg) -> Convert | None:
    return arg.convert or _CONVERT.get(arg.type)


def _convert(arg: Arg, raw: bytes) -> Any:
    if arg.type == "oneof":
        return _choose(arg, raw)
    converter = _converter(arg)
    return raw if converter is None else converter(raw)


def _choose(arg: Arg, raw: bytes) -> Choice:
    """Read a required ``one_of`` of bare flags, such as ON | OFF."""
    word = raw.upper()
    for member in arg.members:
        if member.token is not None and member.token.encode() == word:
            return Choice(member.token, True)
    raise CommandError(SYNTAX)


def _take_many(name: str, arg: Arg, words: Sequence[bytes]) -> list[Any]:
    if arg.type != "block":
        return [_convert(arg, word) for word in words]
    size = len(arg.members)
    if len(words) % size:
        raise wrong_arity(name)
    if not any(_converter(member) for member in arg.members):
        return list(zip(*[iter(words)] * size, strict=True))
    return [
        tuple(_convert(m, w) for m, w in zip(arg.members, words[i : i + size], strict=True))
        for i in range(0, len(words), size)
    ]


def _take_option(
    options: dict[str, tuple[Arg, Arg]], chosen: dict[str, Any], argv: Sequence[bytes], at: int
) -> int:
    """Read one option at ``argv[at]``; return the position after it."""
    try:
        slot, member = options[argv[at].decode("ascii").upper()]
    except (KeyError, UnicodeDecodeError):
        raise CommandError(SYNTAX) from None
    name = parameter_name(slot)
    value: Any = True
    if member.type != "pure-token":
        at += 1
        if at == len(argv):
            raise CommandError(SYNTAX)
        value = _convert(member, argv[at])
    if slot.type == "oneof":
        if name in chosen and chosen[name].token != member.token:
            raise CommandError(SYNTAX)
        assert member.token is not None
        value = Choice(member.token, value)
    chosen[name] = value
    return at + 1
