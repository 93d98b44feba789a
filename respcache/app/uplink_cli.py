"""``respcache uplink``: the registry that nodes can find each other by, as a process of its own.

It keeps nothing on disk and knows nothing of caches: whoever stops it loses nothing, and a new one has learnt of all
nodes within one of their periods.
"""

import signal
import sys
from functools import partial
from typing import Final

import trio

from ..cluster.uplink.registry import Registry
from ..cluster.uplink.server import Uplink
from .client import ClientError

ENDING: Final = (signal.SIGTERM, signal.SIGINT)


def run_uplink(host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ClientError if the address cannot be opened."""
    trio.run(_serve, host, port)


async def _serve(host: str, port: int) -> None:
    with trio.open_signal_receiver(*ENDING) as signals:
        try:
            async with trio.open_nursery() as nursery:
                opened = await nursery.start(partial(Uplink(Registry()).serve, host, port))
                sys.stdout.write(f"uplink ready on {f'[{host}]' if ':' in host else host}:{opened}\n")
                sys.stdout.flush()
                await anext(aiter(signals))
                nursery.cancel_scope.cancel()
        except* OSError as group:
            raise ClientError(f"cannot listen on {host}:{port}: {_reason(group)}") from None


def _reason(group: BaseExceptionGroup[OSError]) -> str:
    """Return what the system says; groups are trio's way of passing on errors."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(getattr(error, "strerror", None) or error)
