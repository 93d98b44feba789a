"""The command line of everything but ``serve``, which starts faster without it."""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number
from rich.console import Console

from .. import __version__
from .client import TIMEOUT_S, ClientError, Connection
from .cluster_cli import cluster
from .configuration import ConfigurationError
from .connecting import HERE, Server
from .loading_cli import loading

INTERRUPTED: Final = 130
"""What shells report for a program that Ctrl-C ended."""

app = App(
    name="respcache",
    help="A cache server that any Redis client can talk to.",
    version=__version__,
    help_flags=["--help"],  # -h is the host, as for redis-cli
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.command(cluster)
app.command(loading)

Positive = Annotated[int, Parameter(validator=Number(gte=1))]


@app.command(help_flags=[], version_flags=[])
def serve(*words: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Run the server; ``respcache serve --help`` lists all settings."""
    from .start import start  # noqa: PLC0415 - the other commands do not need it

    return start(words, os.environ)


@app.command
def ping(
    *,
    server: Server = HERE,
    timeout: Annotated[float, Parameter(help="Seconds to wait.", validator=Number(gt=0))] = TIMEOUT_S,
) -> int:
    """Ask a server whether it answers: prints PONG, or says what is wrong and exits with 1."""
    with Connection(server.address, timeout) as connection:
        reply = connection.call("PING")
    if reply != b"PONG":
        raise ClientError(f"the answer to PING was {reply!r}")
    sys.stdout.write("PONG\n")
    return 0


@app.command(name="check-config")
def check_config(
    file: Annotated[
        Path | None, Parameter(help="A settings file; without one, the one serve would read.")
    ] = None,
    *,
    dump: Annotated[bool, Parameter(negative="", help="Show every setting and where it comes from.")] = False,
) -> int:
    """Say whether a server would start with this file and the environment, or what is wrong."""
    from . import checking  # noqa: PLC0415

    configuration = checking.check(file, os.environ)
    console = Console()
    if dump and console.is_terminal:
        console.print(checking.dump_table(configuration))
    elif dump:
        sys.stdout.write(checking.dump_text(configuration))
        return 0
    sys.stdout.write(f"ok: {configuration.path or 'no settings file; defaults and environment'}\n")
    return 0


@app.command
def events(
    *,
    server: Server = HERE,
    json: Annotated[bool, Parameter(negative="", help="Print the JSON of each event instead.")] = False,
    count: Annotated[
        int | None, Parameter(help="Leave after so many events.", validator=Number(gte=1))
    ] = None,
) -> int:
    """Follow what happens to a cache, until Ctrl-C."""
    from .follow import follow  # noqa: PLC0415

    with contextlib.suppress(KeyboardInterrupt):  # the usual way to leave
        follow(server.address, as_json=json, count=count)
    return 0


@app.command
def bench(
    *,
    server: Server = HERE,
    requests: Annotated[Positive, Parameter(["--requests", "-n"], help="Requests of each kind.")] = 100_000,
    clients: Annotated[Positive, Parameter(["--clients", "-c"], help="Connections at once.")] = 50,
    pipeline: Annotated[Positive, Parameter(["--pipeline", "-P"], help="Requests sent together.")] = 1,
    size: Annotated[int, Parameter(["--size", "-d"], help="Bytes of a value.", validator=Number(gte=0))] = 64,
) -> int:
    """Load a server with SET and GET for a moment, and show how it does."""
    from .bench import Load, run_bench, table  # noqa: PLC0415

    results = run_bench(server.address, Load(requests, clients, pipeline, size))
    Console().print(table(results))
    return 0


@app.command
def uplink(
    *,
    host: Annotated[str, Parameter(["--host", "-h"], help="Name or address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, Parameter(["--port", "-p"], help="TCP port to listen on.", validator=Number(gte=0, lte=65535))
    ] = 6400,
) -> int:
    """Run a registry over HTTP by which nodes of clusters find each other, until Ctrl-C or SIGTERM."""
    try:
        from .uplink_cli import run_uplink  # noqa: PLC0415
    except ImportError as error:
        raise ClientError(f"this needs {error.name}: pip install 'respcache[cluster]'") from error
    run_uplink(host, port)
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run a command; return the exit code. Whatever goes wrong is one sentence on standard error."""
    try:
        result = app(arguments, exit_on_error=False)
    except CycloptsError:
        return 2  # told already
    except (ClientError, ConfigurationError) as error:
        sys.stderr.write(f"respcache: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as head, has had enough. Python would complain when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0
