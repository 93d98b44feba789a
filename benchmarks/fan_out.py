"""What a message to many subscribers costs the server that sends it.

One client publishes, as fast as it is answered; a hundred subscribers on connections of their own take what comes, in a thread
here. A round is over when every subscriber has every message, so that nothing is counted that is still to be done.
"""

import select
import socket
import threading
import time
from statistics import median
from typing import Final, Self

from servers import Server
from wire import encoded

SUBSCRIBERS: Final = 100
CHANNEL: Final = "news"
MESSAGE: Final = b"x" * 100
WIRE: Final = encoded("message", CHANNEL, MESSAGE)
TIMEOUT_S: Final = 60


class Subscribers:
    """Connections that are subscribed, and how many bytes they have got in all."""

    def __init__(self, server: Server) -> None:
        self.received_bytes = 0
        self._poller = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        for _ in range(SUBSCRIBERS):
            one = server.connect().socket
            one.sendall(encoded("SUBSCRIBE", CHANNEL))
            one.recv(1024)
            one.setblocking(False)
            self._sockets[one.fileno()] = one
            self._poller.register(one.fileno(), select.EPOLLIN)
        self._must_stop = False
        self._thread = threading.Thread(target=self._receive, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._must_stop = True
        self._thread.join()
        self._poller.close()
        for one in self._sockets.values():
            one.close()

    def wait_for(self, received_bytes: int) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while self.received_bytes < received_bytes:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.received_bytes} of {received_bytes} bytes have come")
            time.sleep(0.001)

    def _receive(self) -> None:
        buffer = bytearray(1 << 16)
        while not self._must_stop:
            for fd, _ in self._poller.poll(0.1, SUBSCRIBERS):
                self.received_bytes += self._sockets[fd].recv_into(buffer)


def cpu_of_messages_us(servers: list[Server], messages: int, rounds: int) -> list[float]:
    """Return what one message costs each server, in microseconds of CPU: medians of rounds that go to all in turn."""
    measured: list[list[float]] = [[] for _ in servers]
    for _ in range(rounds):
        for server, collected in zip(servers, measured, strict=True):
            collected.append(_cpu_of_one_us(server, messages))
    return [median(collected) for collected in measured]


def _cpu_of_one_us(server: Server, messages: int) -> float:
    with Subscribers(server) as subscribers, server.connect() as publisher:
        begun_s = server.cpu_seconds()
        for _ in range(messages):
            if publisher.call("PUBLISH", CHANNEL, MESSAGE) != SUBSCRIBERS:
                raise RuntimeError("a subscriber is missing")
        subscribers.wait_for(messages * SUBSCRIBERS * len(WIRE))
        return (server.cpu_seconds() - begun_s) * 1e6 / messages
