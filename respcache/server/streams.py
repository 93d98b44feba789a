"""The other transport: a session over any trio stream, with a task of its own.

For in-memory streams in tests, and what the reactor is measured against. A task
and two more system calls per request dearer than the reactor, and the same
otherwise: it drives the same ``Session``.
"""

import trio

from ..commands.client import Ending
from .conversation import RECEIVE_BYTES
from .session import Session


class StreamConnection:
    """Reads, runs and writes for one session; ``wake`` is the session's way to reach it."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._work = trio.Event()
        self._finished = trio.CancelScope()
        self._can_read = trio.Event()

    def wake(self) -> None:
        """There is output, an end, or room for more."""
        self._work.set()

    async def serve(self, session: Session) -> None:
        """Serve until either side is done; closes the stream and the session."""
        try:
            with self._finished:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read, session)
                    await self._write(session)
        finally:
            session.close()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await trio.aclose_forcefully(self._stream)

    async def _read(self, session: Session) -> None:
        while True:
            while not session.wants_input or session.unsent_bytes:
                self._can_read = trio.Event()
                await self._can_read.wait()
            try:
                data = await self._stream.receive_some(RECEIVE_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data:
                self._finished.cancel()
                return
            session.receive(bytes(data))
            self._work.set()

    async def _write(self, session: Session) -> None:
        while True:
            if session.out:
                if not await self._send(session):
                    return self._finished.cancel()
            elif session.client.ending is not None and not session.has_output:
                return self._finished.cancel()
            elif session.is_hungry:
                await trio.lowlevel.checkpoint()
                session.resume()
            else:
                self._can_read.set()
                self._work = trio.Event()
                await self._work.wait()
            if session.client.ending is Ending.AT_ONCE:
                return self._finished.cancel()

    async def _send(self, session: Session) -> bool:
        """Send everything there is; say whether the client is still with us."""
        data = b"".join(session.take_output())
        session.unsent_bytes = len(data)
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        session.sent_bytes += len(data)
        session.unsent_bytes = 0
        return True
