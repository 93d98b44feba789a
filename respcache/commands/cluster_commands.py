"""CLUSTER and its kin on a server that is alone: all of them say that clustering is off.

Clients that can do both ask one of these to find out which it is, and go by the
very words of the error.
"""

from collections.abc import Sequence
from typing import Final, NoReturn

from .arguments import Arg, integer, string
from .context import Context
from .errors import CommandError
from .spec import CommandGroup, Flag

cluster = CommandGroup("cluster")

_CHANGING: Final = ("nondeterministic_output",)

cluster.container(
    "CLUSTER", since="3.0.0", complexity="Depends on the subcommand.", summary="Ask about the cluster."
)


def disabled(context: Context, argv: Sequence[bytes]) -> NoReturn:
    """Tell that this server is no part of a cluster."""
    raise CommandError("This instance has cluster support disabled")


def _subcommand(
    name: str, since: str = "3.0.0", args: tuple[Arg, ...] = (), tips: tuple[str, ...] = ()
) -> None:
    cluster.command(
        f"CLUSTER {name}", since=since, complexity="O(1)", flags=Flag.STALE, args=args, tips=tips, raw=True
    )(disabled)


_subcommand("COUNTKEYSINSLOT", args=(integer("slot"),))
_subcommand("GETKEYSINSLOT", args=(integer("slot"), integer("count")), tips=_CHANGING)
_subcommand("INFO", tips=_CHANGING)
_subcommand("KEYSLOT", args=(string("key"),))
_subcommand("LINKS", since="7.0.0", tips=_CHANGING)
_subcommand("MYID")
_subcommand("NODES", tips=_CHANGING)
_subcommand("SHARDS", since="7.0.0", tips=_CHANGING)

cluster.command(
    "CLUSTER SLOTS",
    since="3.0.0",
    complexity="O(1)",
    flags=Flag.STALE,
    args=(),
    tips=_CHANGING,
    deprecated_since="7.0.0",
    replaced_by="`CLUSTER SHARDS`",
    raw=True,
)(disabled)

cluster.command(
    "CLUSTER HELP", since="5.0.0", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=(), raw=True
)(disabled)

for _name, _flags in (
    ("READONLY", Flag.LOADING | Flag.STALE | Flag.FAST),
    ("READWRITE", Flag.LOADING | Flag.STALE | Flag.FAST),
    ("ASKING", Flag.FAST),
):
    cluster.command(
        _name,
        since="3.0.0",
        complexity="O(1)",
        flags=_flags,
        args=(),
        acl=frozenset({"connection"}),
        raw=True,
    )(disabled)
