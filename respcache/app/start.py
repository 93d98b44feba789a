"""``respcache serve``, from the command line to a server that answers.

Start-up time counts here: whatever only other commands or mistakes need, such as
the libraries for command lines and tables, is not imported.
"""

import gc
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from .. import __version__
from ..settings.settings import Settings
from .configuration import Configuration, ConfigurationError, enter_directory, read_configuration

log = logging.getLogger(__name__)

FAILED: Final = 1
HELP_WORDS: Final = frozenset({"--help", "-h"})
VERSION_WORDS: Final = frozenset({"--version", "-v"})


def start(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the server with the words that follow ``serve``; return the exit code of the process."""
    if HELP_WORDS & set(arguments):
        from .serve_help import serve_help  # noqa: PLC0415 - not part of a start

        sys.stdout.write(serve_help())
        return 0
    if VERSION_WORDS & set(arguments):
        sys.stdout.write(f"respcache {__version__}\n")
        return 0
    try:
        configuration = read_configuration(arguments, environ)
        if configuration.settings.workers > 1:
            from .workers import run_workers  # noqa: PLC0415 - most servers are one process

            gc.enable()  # it was off for the imports, which are done, and a supervisor lives for months
            return run_workers(configuration, arguments, environ)
        enter_directory(configuration.settings)
        return _run(configuration, arguments, environ)
    except ConfigurationError as error:
        sys.stderr.write(f"respcache: {error}\n")
        return FAILED


def _run(configuration: Configuration, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    from . import serve  # noqa: PLC0415 - wrong settings are told before a fifth of a second of imports
    from .logs import start_logs  # noqa: PLC0415
    from .open_files import provide_files  # noqa: PLC0415
    from .worker_lifeline import taken_lifeline  # noqa: PLC0415

    lifeline = taken_lifeline(environ)
    logs = start_logs(configuration.settings, environ)
    if lifeline is not None:
        lifeline.mark_log()
        lifeline.watch()
    provide_files(configuration.settings)

    def announce(port: int) -> None:
        from .._speedups import DESCRIPTION  # noqa: PLC0415 - it is there already

        if logs.is_human and lifeline is None:  # of workers, the supervisor tells
            from .banner import banner  # noqa: PLC0415 - clients can connect already

            logs.print_nowait(banner(configuration, port, os.getpid(), has_colour=logs.has_colour))
        facts = {"version": __version__, "path": DESCRIPTION, "port": port, "pid": os.getpid()}
        log.info("ready for clients", extra=facts)
        if lifeline is not None:
            lifeline.tell_ready()

    try:
        return serve.run(
            configuration.settings,
            # CONFIG REWRITE would write one worker's ports into the file of all.
            config_path=configuration.path if lifeline is None else None,
            on_ready=announce,
            read_again=lambda: _read_again(configuration, arguments, environ),
        )
    except Exception:
        log.critical("the server ended by a mistake of its own", exc_info=True)
        return FAILED
    finally:
        logs.stop()


def _read_again(
    configuration: Configuration, arguments: Sequence[str], environ: Mapping[str, str]
) -> Settings:
    """Read all sources anew, the file from where it was found at the start."""
    fresh = read_configuration(arguments, environ, usual_places=(), found=configuration.path).settings
    directory = configuration.settings.working_directory  # relative to where we were; it cannot change
    fresh.put(
        Settings.working_directory, directory, configuration.settings.source(Settings.working_directory)
    )
    return fresh
