"""Whoever was left unread in one turn comes first in the next.

The poller does not see to that by itself. epoll keeps a ready socket where it stands in its list, also when it is read and
has something new before the next look: so of 50 that are always busy, the same few would be served again and again.
"""

Event = tuple[int, int]
"""A descriptor, and what it is ready for."""


class PutOff:
    """The sockets that were left unread in this turn, the longest waiting first."""

    def __init__(self) -> None:
        self._fds: dict[int, None] = {}

    def add(self, fd: int) -> None:
        """Note that a socket has something, and was not read."""
        self._fds[fd] = None

    def first(self, events: list[Event]) -> list[Event]:
        """Return the events of the next turn in the order in which they are to be served; forget the last turn."""
        if not self._fds:
            return events
        fds, self._fds = self._fds, {}
        ready = dict(events)
        waiting = [(fd, ready.pop(fd)) for fd in fds if fd in ready]
        return [*waiting, *ready.items()]
