"""Lets clients in that speak TLS: accepts them, shakes hands, and hands them to the reactor.

A handshake is several messages each way and a millisecond of arithmetic, so it has a task of its own, with a bound on its time;
a connection that is open is served by the reactor as any other. Of all handshakes one makes a step at a time, and after each
step clients have their turn. One that fails costs a line in the log for debugging, and nothing else. Whoever connects and says
nothing has a place only until somebody else wants it (``greetings.py``).
"""

import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final, Protocol

import trio

from .conversation import Opener
from .greetings import Greeting, Greetings
from .listeners import address_of, close_listener

log = logging.getLogger(__name__)

PAUSE_S: Final = 0.1
"""After a failure to accept, which means that descriptors are used up: the listener stays ready meanwhile."""


class Server(Protocol):
    """Who serves a connection that has been greeted; the reactor."""

    def attach(self, sock: socket.socket, open_session: Opener) -> None: ...


class TlsListening:
    """Listens until it is told to stop or cancelled; ``context`` gives the context of the next handshake."""

    def __init__(self, context: Callable[[], ssl.SSLContext], server: Server) -> None:
        self._context = context
        self._server = server
        self._listening = trio.CancelScope()
        self._step = trio.Lock()
        self._listeners: list[tuple[socket.socket, Opener]] = []

    def add_listener(self, listener: socket.socket, open_session: Opener) -> None:
        """Accept clients from it; ``open_session`` is as for the reactor. To be called before ``run``."""
        listener.setblocking(False)
        self._listeners.append((listener, open_session))

    async def run(self) -> None:
        try:
            with self._listening:
                async with trio.open_nursery() as nursery:
                    for listener, open_session in self._listeners:
                        nursery.start_soon(self._listen, listener, open_session)
        finally:
            for listener, _ in self._listeners:
                close_listener(listener)

    def close_listeners(self) -> None:
        """Accept nobody any more, and forget those who are not through."""
        self._listening.cancel()

    async def _listen(self, listener: socket.socket, open_session: Opener) -> None:
        greetings = Greetings()
        async with trio.open_nursery() as nursery:
            while True:
                sock = await _accept(listener)
                try:
                    greeting = await greetings.enter(sock)
                except BaseException:
                    sock.close()
                    raise
                nursery.start_soon(self._greet, sock, open_session, greeting)

    async def _greet(self, sock: socket.socket, open_session: Opener, greeting: Greeting) -> None:
        peer = address_of(sock).address
        try:
            with greeting.scope:
                await self._let_in(sock, open_session, greeting)
            if greeting.scope.cancelled_caught:
                log.debug("the TLS handshake of %s was not done in time", peer)
        except OSError as error:  # TLS' own among them
            log.debug("the TLS handshake of %s failed: %s", peer, error)
        except Exception:
            log.exception("internal error while letting a TLS client in; closed")
        finally:
            greeting.leave()

    async def _let_in(self, sock: socket.socket, open_session: Opener, greeting: Greeting) -> None:
        sock.setblocking(False)
        try:
            tls = self._context().wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except BaseException:
            sock.close()
            raise
        try:
            await self._shake_hands(tls, greeting)
            log.debug("TLS with %s: %s, %s", address_of(tls).address, tls.version(), tls.cipher())
            self._server.attach(tls, open_session)
        except BaseException:
            tls.close()
            raise

    async def _shake_hands(self, tls: ssl.SSLSocket, greeting: Greeting) -> None:
        wait = trio.lowlevel.wait_readable  # a client speaks first
        while True:
            with greeting.waiting():
                await wait(tls)
            try:
                async with self._step:
                    tls.do_handshake()
                    return
            except ssl.SSLWantReadError:
                wait = trio.lowlevel.wait_readable
            except ssl.SSLWantWriteError:
                wait = trio.lowlevel.wait_writable


async def _accept(listener: socket.socket) -> socket.socket:
    while True:
        try:
            return listener.accept()[0]
        except BlockingIOError:
            await trio.lowlevel.wait_readable(listener)
        except OSError as error:
            log.warning("cannot accept a client: %s", error)  # out of descriptors, or it left at once
            await trio.sleep(PAUSE_S)
