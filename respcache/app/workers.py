"""``respcache serve --workers N``: N members of one cluster on this machine, behind one client port.

Python uses one core for each process; this uses as many as there are. The system deals clients out among the
workers (SO_REUSEPORT), and each worker forwards what another one owns.
"""

import logging
import os
import random
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from .. import __version__
from ..backoff import Backoff
from ..server.listeners import CannotListenError, open_tcp_listeners
from ..settings.cluster_rules import bus_hosts, bus_port
from ..settings.settings import Settings
from .configuration import Configuration, ConfigurationError, enter_directory
from .logs import Logs, start_logs
from .worker_plan import worker_flags
from .worker_supervisor import FIRST_PAUSE_S, LONGEST_PAUSE_S, Patience, Supervisor, Worker

log = logging.getLogger(__name__)

COMMAND: Final = (sys.executable, "-m", "respcache", "serve")

LEAVING_S: Final = 40.0
"""Beyond the time for clients: a node gives its keys away for 30 seconds at most, and the rest is a reserve."""


def run_workers(configuration: Configuration, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run as many workers as the settings say until they are stopped. Raises ConfigurationError."""
    settings = configuration.settings
    directory = Path.cwd()  # workers enter the one that the settings name by themselves
    enter_directory(settings)
    check_ports(settings)
    logs = start_logs(settings, environ)
    try:
        supervisor = Supervisor(
            _workers(settings, arguments),
            environ,
            directory,
            Patience(settings.shutdown_timeout_seconds + LEAVING_S),
            lambda: _announce(configuration, logs),
        )
        return supervisor.run()
    finally:
        logs.stop()


def check_ports(settings: Settings) -> None:
    """Raise ConfigurationError if any port is taken: N workers would say so N times, and some not at all.

    Workers of another group would share a port with ours without a word.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ConfigurationError("workers need SO_REUSEPORT, which this system has not")
    wanted = [(settings.bind, port) for port in (settings.port, settings.tls_port) if port]
    for worker in range(settings.workers):
        wanted.append((bus_hosts(settings), bus_port(settings) + worker))
        if settings.cluster_port:
            wanted.append((settings.bind, settings.cluster_port + worker))
    for hosts, port in wanted:
        try:
            for listener in open_tcp_listeners(hosts, port, 1):
                listener.close()
        except CannotListenError as error:
            raise ConfigurationError(str(error)) from None


def _workers(settings: Settings, arguments: Sequence[str]) -> list[Worker]:
    chance = random.Random(secrets.randbits(128))
    command = [*COMMAND, *arguments]
    return [
        Worker(
            number,
            [*command, *worker_flags(settings, number)],
            Backoff(chance, FIRST_PAUSE_S, LONGEST_PAUSE_S),
        )
        for number in range(settings.workers)
    ]


def _announce(configuration: Configuration, logs: Logs) -> None:
    settings = configuration.settings
    if logs.is_human:
        from .banner import banner  # noqa: PLC0415 - clients can connect already

        logs.print_nowait(banner(configuration, settings.port, os.getpid(), has_colour=logs.has_colour))
    log.info(
        "ready for clients, with %d workers",
        settings.workers,
        extra={"version": __version__, "port": settings.port, "pid": os.getpid()},
    )
