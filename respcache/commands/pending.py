"""A reply that is not there yet.

A handler whose answer must wait returns a ``Pending``; the session keeps the
reply's place in line and goes on with the client's next commands. Whoever
holds the Pending resolves it exactly once, with a reply or an error reply.
"""

from collections.abc import Callable

from ..protocol.replies import Reply


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
