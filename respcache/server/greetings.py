"""The TLS handshakes of one port: so many at a time, and who must go when there are more.

While there are places, a handshake has ``HANDSHAKE_S``. When all are taken, the next client has the place of one that has let us
wait for ``PATIENCE_S`` in all, whether it was silent or sent a byte now and then: of those, of the address that has most places, who
has let us wait longest. So connections that are opened and left alone keep nobody out, and of many clients that come at once, none is
let go for our own slowness.
"""

import ipaddress
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

HANDSHAKE_S: Final = 10.0
"""Some round trips to the other end of the world, with packets lost."""

MOST_HANDSHAKES: Final = 256
"""At once, per listener. All of them together take half a second of our time, and some 12 MiB."""

PATIENCE_S: Final = 0.5
"""Both round trips of a handshake over most ways of the world; what it waits for us does not count."""

LOOK_S: Final = 0.05
"""Between looks for somebody who must go, while all places are taken by those who have not had that time."""

NETWORK_BYTES: Final = 8
"""Of an address of IPv6: whoever has one has all others that begin so."""


class Greeting:
    """One handshake that is under way, with a place."""

    def __init__(self, greetings: "Greetings", network: bytes) -> None:
        self.network = network
        self.scope = trio.CancelScope(deadline=trio.current_time() + HANDSHAKE_S)
        self._greetings = greetings
        self._waited_s = 0.0
        self._since_s: float | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time that passes as its client's."""
        self._since_s = trio.current_time()
        try:
            yield
        finally:
            self._waited_s = self.waited_s
            self._since_s = None

    @property
    def waited_s(self) -> float:
        """Return for how long its client has let us wait."""
        return self._waited_s + (0.0 if self._since_s is None else trio.current_time() - self._since_s)

    @property
    def may_go(self) -> bool:
        """Say whether somebody else may have its place: it is the client's turn, and has been for long."""
        return self._since_s is not None and self.waited_s >= PATIENCE_S

    def leave(self) -> None:
        """Give the place up: it is over."""
        self._greetings.forget(self)


class Greetings:
    """All that are under way."""

    def __init__(self) -> None:
        self._under_way: dict[Greeting, None] = {}
        self._left = trio.Event()

    async def enter(self, sock: socket.socket) -> Greeting:
        """Return a place for a client, once there is one."""
        while len(self._under_way) >= MOST_HANDSHAKES and not self._make_room():
            self._left = trio.Event()
            with trio.move_on_after(LOOK_S):
                await self._left.wait()
        greeting = Greeting(self, network_of(sock))
        self._under_way[greeting] = None
        return greeting

    def forget(self, greeting: Greeting) -> None:
        """Take note that a handshake is over."""
        self._under_way.pop(greeting, None)
        self._left.set()

    def _make_room(self) -> bool:
        """End a handshake that has had its time; say whether there was one."""
        places = Counter(greeting.network for greeting in self._under_way)
        idle = [greeting for greeting in self._under_way if greeting.may_go]
        if not idle:
            return False
        last = max(idle, key=lambda greeting: (places[greeting.network], greeting.waited_s))
        last.scope.cancel()
        self.forget(last)
        return True


def network_of(sock: socket.socket) -> bytes:
    """Return what the addresses have in common that one client may have."""
    try:
        address = ipaddress.ip_address(sock.getpeername()[0].partition("%")[0])
    except (OSError, ValueError):  # it has gone already
        return b""
    if isinstance(address, ipaddress.IPv4Address):
        return address.packed
    mapped = address.ipv4_mapped
    return address.packed[:NETWORK_BYTES] if mapped is None else mapped.packed
