"""``respcache cluster``: who the members of a cluster are, how they and the partitions are, and sending one away.

Each command talks to one node, which answers for the cluster as it sees it, or asks the others.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console

from ..events.line import escaped
from .client import ClientError, Connection
from .cluster_report import figures, member_row, member_rows, members_of, table
from .connecting import HERE, Server

DISABLED: Final = "cluster support disabled"
"""What a server that is alone says to every CLUSTER command, in Redis' words."""

UNKNOWN: Final = "unknown subcommand"
"""What another server than ours says."""

LEAVING_S: Final = 60.0
"""A node gives its keys away for 30 seconds at most, and then answers those who still wait."""

CHANNEL: Final = b"respcache:cluster"

cluster = App(name="cluster", help="Look at a cluster through one of its nodes.", help_flags=["--help"])

Json = Annotated[bool, Parameter(negative="", help="Print JSON instead.")]


@cluster.command
def members(
    *,
    server: Server = HERE,
    json: Json = False,
) -> int:
    """List all members, their states and what they own."""
    with _node(server) as node:
        found = members_of(node.call("CLUSTER", "MEMBERS"))
    if json:
        _print_json(found)
        return 0
    _print_rows(member_row(), member_rows(found))
    return 0


@cluster.command
def info(
    *,
    server: Server = HERE,
    json: Json = False,
) -> int:
    """Show the cluster's state and this node's figures about it."""
    with _node(server) as node:
        found = figures(node.call("CLUSTER", "INFO")) | figures(node.call("INFO", "cluster"))
    if json:
        _print_json(found)
    else:
        _print_rows(("figure", "value"), list(found.items()))
    return 0


@cluster.command
def safe(
    *,
    server: Server = HERE,
    members: Annotated[
        int, Parameter(help="How many members must be there, for it to be safe.", validator=Number(gte=1))
    ] = 1,
    wait: Annotated[float, Parameter(help="Seconds to wait until it is safe.", validator=Number(gte=0))] = 0,
) -> int:
    """Exit with 0 if any one node may be lost or stopped now, and else with 1, saying why.

    All members that are there are asked. It is safe if every partition is served, has all its copies and stands still.
    """
    from .cluster_safe import ask, wait_until_safe  # noqa: PLC0415

    address = server.address

    def ask_once() -> str:
        with _told(str(address)):
            return ask(address, members)

    def say(reasons: str) -> None:
        sys.stdout.write(f"not safe: {escaped(reasons)}\n")
        sys.stdout.flush()

    is_safe = wait_until_safe(ask_once, wait, now_s=time.monotonic, sleep=time.sleep, say=say)
    sys.stdout.write("safe\n" if is_safe else "")
    return 0 if is_safe else 1


@cluster.command
def partitions(
    *,
    server: Server = HERE,
    json: Json = False,
    watch: Annotated[bool, Parameter(negative="", help="Follow it until all are safe.")] = False,
) -> int:
    """Show who serves which partitions, who has copies, and what moves."""
    from . import partition_report as report  # noqa: PLC0415

    with _node(server) as node:
        if watch:
            from .partition_watch import watch_until_safe  # noqa: PLC0415

            with contextlib.suppress(KeyboardInterrupt):  # one of the usual ways to leave
                watch_until_safe(node)
        found = report.ranges_of(node.call("CLUSTER", "PARTITIONS"))
        names = report.names_of(members_of(node.call("CLUSTER", "MEMBERS")))
    if json:
        _print_json(found)
        return 0
    _print_rows(report.HEAD, report.rows(found, names))
    if sys.stdout.isatty():
        sys.stdout.write(report.summary(report.counts(found)) + "\n")
    return 0


@cluster.command
def leave(
    *,
    server: Server = HERE,
    timeout: Annotated[float, Parameter(help="Seconds to wait.", validator=Number(gt=0))] = LEAVING_S,
) -> int:
    """Let a node leave the cluster and stop; wait until it is gone."""
    with _node(server, timeout) as node:
        node_id = _text(node.call("CLUSTER", "MYID"))
        node.call("CLUSTER", "LEAVE")
        # Its sockets are the last thing that a node closes. Whether its port still answers says
        # nothing: other workers may share it.
        if not node.wait_closed(timeout):
            raise ClientError(f"node {node_id} is leaving, but has not stopped within {timeout:g} s")
    sys.stdout.write(f"node {node_id} has left the cluster and stopped\n")
    return 0


@cluster.command
def events(
    *,
    server: Server = HERE,
    json: Json = False,
    count: Annotated[
        int | None, Parameter(help="Leave after so many events.", validator=Number(gte=1))
    ] = None,
) -> int:
    """Follow who joins, fails and leaves, until Ctrl-C."""
    from .follow import Feed, follow  # noqa: PLC0415

    feed = Feed(CHANNEL, "respcache cluster events", _check_clustered)
    with contextlib.suppress(KeyboardInterrupt):  # the usual way to leave
        follow(server.address, as_json=json, count=count, feed=feed)
    return 0


@contextmanager
def _node(server: Server, timeout_s: float | None = None) -> Iterator[Connection]:
    """Connect to a node, and say in one sentence if it is none."""
    address = server.address
    with _told(str(address)), Connection(address, *(() if timeout_s is None else (timeout_s,))) as connection:
        yield connection


def _check_clustered(connection: Connection) -> None:
    with _told("this server"):
        connection.call("CLUSTER", "MYID")


@contextmanager
def _told(server: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if DISABLED in str(error):
            raise ClientError(f"{server} is not in a cluster: start it with --cluster") from None
        if UNKNOWN in str(error):
            raise ClientError(f"{server} does not know this command: is it a respcache?") from None
        raise


def _text(reply: object) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)


def _print_json(document: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def _print_rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Draw a table on a terminal; for programs, write a line for each row with tabs between the cells."""
    console = Console()
    if console.is_terminal:
        console.print(table(head, rows))
    else:
        sys.stdout.write("".join("\t".join(row) + "\n" for row in [head, *rows]))
