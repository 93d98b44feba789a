"""As many open files as ``maxclients`` needs, or as many clients as the system allows files."""

import logging
import resource
from collections.abc import Callable
from typing import Final

from ..settings.errors import SettingRefusedError
from ..settings.settings import Settings

log = logging.getLogger(__name__)

RESERVED_FILES: Final = 64
"""For listeners, logs, event sinks, the event loop and Python's own; Redis keeps 32."""

FEWEST_CLIENTS: Final = 1

RaiseLimit = Callable[[int], int]
"""Asks for so many open files; returns how many there may be now."""


def raise_limit(wanted: int) -> int:
    """Raise the process' own limit of open files as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _covers(soft, wanted):
        return wanted
    allowed = wanted if _covers(hard, wanted) else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):
        return soft  # some systems have a ceiling below the hard limit
    return allowed


def provide_files(settings: Settings, raise_limit: RaiseLimit = raise_limit) -> None:
    """Lower ``maxclients`` to what is possible, with a warning; refuse a CONFIG SET that asks for more."""
    wanted = settings.maxclients
    possible = _possible(wanted, raise_limit)
    if possible < wanted:
        source = settings.source(Settings.maxclients)
        settings.put(Settings.maxclients, str(possible), source)
        log.warning(
            "maxclients is %d instead of %d: the system allows no more open files (ulimit -n)",
            possible,
            wanted,
        )

    def follow(clients: int) -> None:
        most = _possible(clients, raise_limit)
        if most < clients:
            raise SettingRefusedError(
                f"The operating system is not able to handle the specified number of clients, try with {most}"
            )

    settings.on_change(Settings.maxclients, follow)


def _possible(clients: int, raise_limit: RaiseLimit) -> int:
    files = raise_limit(clients + RESERVED_FILES)
    return max(min(clients, files - RESERVED_FILES), FEWEST_CLIENTS)


def _covers(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
