"""A reply that is not there yet: as a value that a handler returns, or as bytes that another node will send.

A handler whose answer must wait returns a ``Pending``; the session keeps the
reply's place in line and goes on with the client's next commands. Whoever
holds the Pending resolves it exactly once, with a reply or an error reply.
"""

from collections.abc import Callable

from ..protocol.replies import Reply
from .client import Connection


class Pending:
    """One reply to come."""

    __slots__ = ("_listener", "_reply", "is_done")

    def __init__(self) -> None:
        self.is_done = False
        self._reply: Reply = None
        self._listener: Callable[[Reply], None] | None = None

    def resolve(self, reply: Reply) -> None:
        """Give the reply to whoever waits for it, now or later."""
        assert not self.is_done, "a reply is given once"
        self.is_done = True
        self._reply = reply
        if self._listener is not None:
            self._listener(reply)

    def when_done(self, listener: Callable[[Reply], None]) -> None:
        """Call ``listener`` with the reply: at once when it is there already."""
        assert self._listener is None, "a reply has one reader"
        self._listener = listener
        if self.is_done:
            listener(self._reply)


class Slot:
    """The place of a reply in a client's output, and the replies behind it.

    The session makes one for a ``Pending``; whoever forwards a command makes one itself,
    returns it as the reply, and sets ``wire`` when the bytes have come. Then the
    connection must be told to ``settle``: once for many slots is enough.
    """

    __slots__ = ("after", "connection", "wire")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.wire: bytes | None = None
        """The reply as its client shall read it; None until it is known."""
        self.after: list[bytes] = []

    def fill(self, wire: bytes) -> None:
        """Give the reply, and let it leave."""
        self.wire = wire
        self.connection.settle()
