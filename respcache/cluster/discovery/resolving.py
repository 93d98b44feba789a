"""From names to numeric addresses, through the system: /etc/hosts, the DNS, whatever it is told to ask.

The system's resolver blocks, for half a minute where its servers are silent, and cannot be interrupted. So it runs in threads,
which are left behind when the time is up, and of which there are few: they are this module's own, and nobody else waits for them.
"""

import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio

from .endpoints import Address, numeric_host
from .protocol import SourceError

Lookup = Callable[[str, int], Awaitable[list[Address]]]
"""Return all addresses of a host, with the port; raise whatever it likes when there are none."""

MOST_THREADS: Final = 8
"""Names looked up at once. A dozen seeds take two rounds; a dead resolver holds no more than these."""


class SystemLookup:
    """Looks names up with getaddrinfo."""

    def __init__(self) -> None:
        self._threads = trio.CapacityLimiter(MOST_THREADS)

    async def __call__(self, host: str, port: int) -> list[Address]:
        numeric = numeric_host(host)
        if numeric is not None:
            return [(numeric, port)]
        # SOCK_STREAM, or each address comes once for every kind of socket.
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            answers = await trio.to_thread.run_sync(ask, limiter=self._threads, abandon_on_cancel=True)
        except (OSError, UnicodeError) as error:
            raise SourceError(
                f"cannot resolve {host}: {getattr(error, 'strerror', None) or error}"
            ) from error
        hosts = {numeric_host(str(sockaddr[0])): None for *_, sockaddr in answers}
        return [(numeric, port) for numeric in hosts if numeric is not None]
