"""``respcache loading``: what the loaders of a server do, and telling them what to load.

Each command talks to one server. In a cluster, keys are sent on to the nodes that own them; what is told of loaders is that
node's own.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console

from ..events.line import quoted
from . import loading_report as report
from .client import ClientError, Connection
from .cluster_report import table
from .connecting import HERE, Server

STDIN: Final = Path("-")

UNKNOWN: Final = "unknown command 'LOADER'"
"""What another server than ours says."""

PATIENCE_S: Final = 60.0
"""A database that is started anew is back within a minute."""

loading = App(
    name="loading",
    help="Look after the loaders, by which missing keys come from databases.",
    help_flags=["--help"],
)

Json = Annotated[bool, Parameter(negative="", help="Print JSON instead.")]
Db = Annotated[int, Parameter(["--db", "-n"], help="Number of the database.", validator=Number(gte=0))]
Keys = Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=False, help="Keys.")]


@loading.command(name="list")
def list_(
    *,
    server: Server = HERE,
    json: Json = False,
) -> int:
    """List the loaders, their patterns and how they stand."""
    with _node(server) as node:
        found = report.records(node.call("LOADER", "LIST"))
    if json:
        _print_json(found)
    else:
        _print_rows(report.LIST_HEAD, report.list_rows(found))
    return 0


@loading.command
def stats(
    name: Annotated[str, Parameter(help="One loader; without it, all.")] = "",
    *,
    server: Server = HERE,
    json: Json = False,
) -> int:
    """Show what loaders have done, what they do now, and their settings."""
    with _node(server) as node:
        found = report.record(node.call("LOADER", "STATS", *([name] if name else [])))
    if json:
        _print_json(found)
    else:
        _print_rows(report.STATS_HEAD, report.stats_rows(found))
    return 0


@loading.command
def state(
    keys: Keys,
    /,
    *,
    server: Server = HERE,
    db: Db = 0,
    json: Json = False,
) -> int:
    """Show where keys stand: requested, loading, loaded, reloading, failed, absent or unknown."""
    words = _words(keys)
    with _node(server, db) as node:
        states = report.states_of(node.call("LOADER", "STATE", *words), words)
    if json:
        _print_json(dict(zip(keys, states, strict=True)))
    else:
        _print_rows(("key", "state"), report.state_rows(words, states))
    return 0


@loading.command
def preload(
    keys: Keys = (),
    /,
    *,
    from_file: Annotated[
        Path | None,
        Parameter(help="A file with a key in each line; - for stdin.", allow_leading_hyphen=True),
    ] = None,
    rate: Annotated[
        float, Parameter(help="Keys per second; 0 for as fast as they are loaded.", validator=Number(gte=0))
    ] = 0,
    patience: Annotated[
        float,
        Parameter(help="Seconds without any key loaded after which it gives up.", validator=Number(gt=0)),
    ] = PATIENCE_S,
    server: Server = HERE,
    db: Db = 0,
) -> int:
    """Load keys ahead of those who will ask for them, and wait until all are there; exit with 1 if some are not.

    Keys that have no value where they come from are no failure. What is in the cache already stays as it is.
    """
    from .preload import Preload  # noqa: PLC0415
    from .preload_watch import watch  # noqa: PLC0415

    wanted, total = _wanted(keys, from_file)
    begun_s = time.monotonic()
    with _node(server, db) as node:
        node.call("LOADER", "LIST")  # says so at once where there is none
        work = Preload(node.call, wanted, rate=rate, patience_s=patience)
        watch(work, total)
    took_s = time.monotonic() - begun_s
    sys.stdout.write(f"{work.counts} in {took_s:.1f} s\n")
    for key in work.failed:
        sys.stderr.write(f"respcache: not loaded: {quoted(key)}\n")
    more = work.counts.wrong - len(work.failed)
    if more:
        sys.stderr.write(f"respcache: not loaded: {more} more\n")
    return 1 if work.counts.wrong else 0


@loading.command
def refresh(
    keys: Keys,
    /,
    *,
    server: Server = HERE,
    db: Db = 0,
) -> int:
    """Have keys loaded anew, and say how many are on their way; exit with 1 if some are refused."""
    with _node(server, db) as node:
        taken = node.call("LOADER", "REFRESH", *_words(keys))
    sys.stdout.write(f"{taken} of {len(keys)} keys are on their way\n")
    return 0 if taken == len(keys) else 1


@loading.command
def pause(
    name: Annotated[str, Parameter(help="The loader's name.")],
    *,
    server: Server = HERE,
) -> int:
    """Let a loader rest: missing keys are answered as its on_failure says."""
    with _node(server) as node:
        node.call("LOADER", "PAUSE", name)
    sys.stdout.write(f"{name} is paused\n")
    return 0


@loading.command
def resume(
    name: Annotated[str, Parameter(help="The loader's name.")],
    *,
    server: Server = HERE,
) -> int:
    """Let a loader that was paused work again."""
    with _node(server) as node:
        node.call("LOADER", "RESUME", name)
    sys.stdout.write(f"{name} works again\n")
    return 0


# -- within ------------------------------------------------------------------


@contextmanager
def _node(server: Server, db: int = 0) -> Iterator[Connection]:
    """Connect to a server, and say in one sentence if it knows of no loaders."""
    address = server.address
    try:
        with Connection(address) as connection:
            if db:
                connection.call("SELECT", db)
            yield connection
    except ClientError as error:
        if UNKNOWN in str(error):
            raise ClientError(f"{address} does not know this command: is it a respcache?") from None
        raise


def _words(keys: Sequence[str]) -> list[bytes]:
    return [key.encode("utf-8", "surrogateescape") for key in keys]


def _wanted(keys: Sequence[str], file: Path | None) -> tuple[Iterator[bytes], int | None]:
    """Return the keys to load, and how many there are, if that can be known."""
    if bool(keys) == (file is not None):
        raise ClientError("say which keys to load: either KEY... or --from-file FILE")
    if file is None:
        return iter(_words(keys)), len(keys)
    if file == STDIN:
        return _lines(STDIN), None
    return _lines(file), sum(1 for _ in _lines(file))


def _lines(file: Path) -> Iterator[bytes]:
    """Yield the lines that are not empty, without their ends."""
    try:
        with nullcontext(sys.stdin.buffer) if file == STDIN else file.open("rb") as lines:
            for line in lines:
                key = line.rstrip(b"\r\n")
                if key:
                    yield key
    except OSError as error:
        raise ClientError(f"cannot read {file}: {error.strerror}") from None


def _print_json(document: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def _print_rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Draw a table on a terminal; for programs, write a line for each row with tabs between the cells."""
    console = Console()
    if console.is_terminal:
        console.print(table(head, rows))
    else:
        sys.stdout.write("".join("\t".join(row) + "\n" for row in [head, *rows]))
