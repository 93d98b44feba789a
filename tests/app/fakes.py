"""A server that says what it is told to, for tests of clients."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from respcache.app.client import Address


@contextmanager
def scripted_server(*connections: Sequence[bytes]) -> Iterator[Address]:
    """Serve one connection after another; on each, send the next bytes after everything that is received.

    A connection whose script is over is closed.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, connections))
        thread.start()
        try:
            yield Address(port=listener.getsockname()[1])
        finally:
            # A test that connects less often than the script says must not hang.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _serve(listener: socket.socket, connections: Sequence[Sequence[bytes]]) -> None:
    for script in connections:
        try:
            accepted, _ = listener.accept()
        except OSError:
            return
        with accepted:
            for answer in script:
                if not accepted.recv(65536):
                    break
                accepted.sendall(answer)
