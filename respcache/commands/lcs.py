"""LCS: what two strings have in common. How that is found is in ``common_subsequence.py``."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ..keyspace.database import Database
from ..protocol.replies import Reply
from . import arguments as arg
from .arguments import Access, KeySpan
from .common_subsequence import common_length, common_runs
from .context import Context
from .errors import SYNTAX, CommandError
from .numbers import parse_integer
from .spec import CommandGroup, Flag

subsequences = CommandGroup("string")

TABLE_PLACE_BYTES: Final = 4
"""What redis-server takes for each pair of bytes. We take a bit, but accept no larger strings than it does:
with its limit of 512 MB, LCS holds up everybody else for some tenths of a second at most."""

READ: Final = Access.RO | Access.ACCESS


class Options(NamedTuple):
    """What LCS is to answer."""

    wants_length: bool
    wants_places: bool
    wants_lengths_of_matches: bool
    least_length: int


def _parse_options(words: Sequence[bytes]) -> Options:
    flags = {b"LEN": False, b"IDX": False, b"WITHMATCHLEN": False}
    least_length = 0
    rest = iter(words)
    for word in rest:
        option = word.upper()
        if option in flags:
            flags[option] = True
        elif option == b"MINMATCHLEN" and (value := next(rest, None)) is not None:
            least_length = parse_integer(value)
        else:
            raise CommandError(SYNTAX)
    if flags[b"LEN"] and flags[b"IDX"]:
        raise CommandError("If you want both the length and indexes, please just use IDX.")
    return Options(flags[b"LEN"], flags[b"IDX"], flags[b"WITHMATCHLEN"], least_length)


def _read_pair(db: Database, first: bytes, second: bytes) -> tuple[bytes, bytes]:
    values = [db.read(key) for key in (first, second)]
    if not all(value is None or isinstance(value, bytes | bytearray) for value in values):
        raise CommandError("The specified keys must contain string values")
    one, other = (bytes(value) if isinstance(value, bytes | bytearray) else b"" for value in values)
    return one, other


@subsequences.command(
    "LCS",
    since="7.0.0",
    complexity="O(N*M), N and M being the lengths of the two strings.",
    flags=Flag.READONLY,
    args=(
        arg.key("key1", READ),
        arg.key("key2", READ),
        arg.flag("LEN", optional=True),
        arg.flag("IDX", optional=True),
        arg.integer("len", token="MINMATCHLEN", optional=True),
        arg.flag("WITHMATCHLEN", optional=True),
    ),
    keys=(KeySpan(1, 1, 1, False, READ),),
    raw=True,
)
def lcs(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the longest sequence of bytes that two strings have in common, with gaps or without.

    LEN answers only its length. IDX answers where the matching stretches stand
    in the two strings, the last one first; MINMATCHLEN leaves out short ones.

    >>> MSET a ohmytext b mynewtext
    OK
    >>> LCS a b
    mytext
    >>> LCS a b LEN
    6
    """
    one, other = _read_pair(context.db, argv[1], argv[2])
    options = _parse_options(argv[3:])
    table_bytes = (len(one) + 1) * (len(other) + 1) * TABLE_PLACE_BYTES
    if table_bytes > context.node.settings.proto_max_bulk_len_bytes:
        raise CommandError("Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    if options.wants_length:
        return common_length(one, other)
    runs = common_runs(one, other)
    if not options.wants_places:
        return b"".join([one[run.first : run.first + run.length] for run in reversed(runs)])
    matches: list[Reply] = []
    for first, second, length in runs:
        if length >= options.least_length:
            places: list[Reply] = [[first, first + length - 1], [second, second + length - 1]]
            matches.append([*places, length] if options.wants_lengths_of_matches else places)
    answer: dict[str, Reply] = {"matches": matches, "len": sum(run.length for run in runs)}
    return answer
