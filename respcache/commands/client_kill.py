"""CLIENT KILL: which clients a call means, and their end.

The command has two forms. The old one names an address and answers OK or an
error; the new one gives filters, all of which must fit, and answers how many
clients went.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from ..protocol.replies import OK, Reply
from . import arguments as arg
from .arguments import Arg
from .client import Client, Ending
from .client_listing import client_type
from .connection import DEFAULT_USER
from .context import Context
from .errors import SYNTAX, CommandError
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait

client_kill = CommandGroup("connection")

CLIENT_TYPES: Final = (b"normal", b"master", b"slave", b"replica", b"pubsub")
"""The words of Redis; we have no masters and no replicas, so nobody is of those types."""

Filter: TypeAlias = Callable[[Client, int], bool]
"""Says whether a client is meant, given Unix milliseconds."""


def parse_client_type(raw: bytes) -> bytes:
    """Read a client type, in any case."""
    word = raw.lower()
    if word not in CLIENT_TYPES:
        raise CommandError(f"Unknown client type '{raw.decode('utf-8', 'surrogateescape')}'")
    return word


class Victims(msgspec.Struct, frozen=True):
    """Whom a call means."""

    filters: Sequence[Filter]
    skips_caller: bool

    def among(self, context: Context) -> Iterator[Client]:
        """Yield them, the caller perhaps among them."""
        for client in context.node.clients:
            is_skipped = self.skips_caller and client is context.client
            is_gone = client.ending is Ending.AT_ONCE  # its transport has not had a turn yet
            if (
                not is_skipped
                and not is_gone
                and all(fits(client, context.clock.now_ms) for fits in self.filters)
            ):
                yield client


@client_kill.command(
    "CLIENT KILL",
    since="2.4.0",
    complexity="O(N), N being the number of clients.",
    flags=Flag.ADMIN | Flag.NOSCRIPT | Flag.LOADING | Flag.STALE,
    args=(
        arg.one_of(
            "filter",
            Arg("ip:port", "string", deprecated_since="2.8.12"),
            Arg(
                "new-format",
                "oneof",
                multiple=True,
                members=(
                    arg.integer("client-id", token="ID", optional=True, since="2.8.12"),
                    Arg(
                        "normal_master_slave_pubsub",
                        "oneof",
                        token="TYPE",
                        optional=True,
                        since="2.8.12",
                        members=(
                            arg.flag("NORMAL"),
                            arg.flag("MASTER", since="3.2.0"),
                            arg.flag("SLAVE"),
                            arg.flag("REPLICA", since="5.0.0"),
                            arg.flag("PUBSUB"),
                        ),
                    ),
                    arg.string("username", token="USER", optional=True),
                    arg.string("ip:port", token="ADDR", optional=True),
                    arg.string("ip:port", token="LADDR", optional=True, since="6.2.0"),
                    arg.string("yes/no", token="SKIPME", optional=True),
                    arg.integer("maxage", token="MAXAGE", optional=True, since="7.4.0"),
                ),
            ),
            optional=False,
        ),
    ),
    traits=Trait.SESSION,
    least_words=-3,
    history=(
        ("2.8.12", "Takes filters."),
        ("2.8.12", "`ID` filter."),
        ("3.2.0", "`TYPE` knows masters."),
        ("5.0.0", "`TYPE` calls replicas so, and still knows the older word."),
        ("6.2.0", "`LADDR` filter."),
        ("7.4.0", "`MAXAGE` filter."),
    ),
    raw=True,
)
def kill_clients(context: Context, argv: Sequence[bytes]) -> Reply:
    """Close the connections of some clients: of one address, or of all whom every filter fits.

    With filters the caller is spared unless SKIPME no; if it goes, it gets its answer first.
    """
    if len(argv) == 3:
        victims = Victims([_has_address(argv[2])], skips_caller=False)
        if not _kill(context, victims):
            raise CommandError("No such client")
        return OK
    return _kill(context, _parse_victims(argv[2:]))


def _kill(context: Context, victims: Victims) -> int:
    count = 0
    for client in victims.among(context):
        client.connection.end(Ending.AFTER_REPLIES if client is context.client else Ending.AT_ONCE)
        count += 1
    return count


def _parse_victims(words: Sequence[bytes]) -> Victims:
    """Read the filters, two words each. Of a repeated filter the last one counts."""
    filters: dict[bytes, Filter] = {}
    skips_caller = True
    for at in range(0, len(words), 2):
        option = words[at].upper()
        if at + 1 == len(words):
            raise CommandError(SYNTAX)
        value = words[at + 1]
        if option == b"SKIPME":
            if value.lower() not in {b"yes", b"no"}:
                raise CommandError(SYNTAX)
            skips_caller = value.lower() == b"yes"
        elif option in _FILTERS:
            filters[option] = _FILTERS[option](value)
        else:
            raise CommandError(SYNTAX)
    return Victims(list(filters.values()), skips_caller)


def _has_id(raw: bytes) -> Filter:
    message = "client-id should be greater than 0"
    client_id = parse_integer(raw, message)
    if client_id < 1:
        raise CommandError(message)
    return lambda client, now_ms: client.id == client_id


def _has_type(raw: bytes) -> Filter:
    wanted = parse_client_type(raw)
    return lambda client, now_ms: client_type(client) == wanted


def _has_user(raw: bytes) -> Filter:
    user = raw.decode("utf-8", "surrogateescape")
    if user != DEFAULT_USER:
        raise CommandError(f"No such user '{user}'")
    return lambda client, now_ms: client.user == user


def _has_address(raw: bytes) -> Filter:
    address = raw.decode("utf-8", "surrogateescape")
    return lambda client, now_ms: client.address == address


def _has_local_address(raw: bytes) -> Filter:
    address = raw.decode("utf-8", "surrogateescape")
    return lambda client, now_ms: client.local_address == address


def _has_age(raw: bytes) -> Filter:
    age_seconds = parse_integer(raw, "maxage is not an integer or out of range")
    if age_seconds < 1:
        raise CommandError("maxage should be greater than 0")
    return lambda client, now_ms: now_ms - client.created_ms >= age_seconds * 1000


_FILTERS: Final[dict[bytes, Callable[[bytes], Filter]]] = {
    b"ID": _has_id,
    b"TYPE": _has_type,
    b"USER": _has_user,
    b"ADDR": _has_address,
    b"LADDR": _has_local_address,
    b"MAXAGE": _has_age,
}
