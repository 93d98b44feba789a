"""One way to ask the kernel which sockets are ready, for epoll (Linux) and kqueue (BSD, macOS).

Both have a file descriptor of their own that trio can wait for, which is what
lets one task drive thousands of sockets. Events are ``(fd, mask)`` with epoll's
bits; the methods are epoll's own where there is epoll, without a wrapper.
"""

import select
from typing import Final, Protocol

READABLE: Final = 1
WRITABLE: Final = 4
BROKEN: Final = 8 | 16
"""Error or hang-up."""

EVENTS_PER_POLL: Final = 512
"""As many connections are served between two checkpoints, at most."""


class Poller(Protocol):
    """Level-triggered readiness of many descriptors."""

    def fileno(self) -> int: ...
    def register(self, fd: int, mask: int) -> None: ...
    def modify(self, fd: int, mask: int) -> None: ...
    def unregister(self, fd: int) -> None: ...
    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]: ...
    def close(self) -> None: ...


class KqueuePoller:
    """kqueue in epoll's clothes."""

    def __init__(self) -> None:
        self._queue = select.kqueue()  # type: ignore[attr-defined]  # not on Linux
        self._masks: dict[int, int] = {}

    def fileno(self) -> int:
        return int(self._queue.fileno())

    def register(self, fd: int, mask: int) -> None:
        self._masks[fd] = 0
        self.modify(fd, mask)

    def modify(self, fd: int, mask: int) -> None:
        changes = []
        for bit, kind in ((READABLE, select.KQ_FILTER_READ), (WRITABLE, select.KQ_FILTER_WRITE)):  # type: ignore[attr-defined]
            if (mask ^ self._masks[fd]) & bit:
                action = select.KQ_EV_ADD if mask & bit else select.KQ_EV_DELETE  # type: ignore[attr-defined]
                changes.append(select.kevent(fd, kind, action))  # type: ignore[attr-defined]
        self._masks[fd] = mask
        if changes:
            self._queue.control(changes, 0, 0)

    def unregister(self, fd: int) -> None:
        self.modify(fd, 0)
        del self._masks[fd]

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        for event in self._queue.control(None, maxevents, timeout):
            bit = READABLE if event.filter == select.KQ_FILTER_READ else WRITABLE  # type: ignore[attr-defined]
            found[event.ident] = found.get(event.ident, 0) | bit
        return list(found.items())

    def close(self) -> None:
        self._queue.close()


def new_poller() -> Poller | None:
    """Return the platform's poller, or None where only trio itself can wait for sockets."""
    if hasattr(select, "epoll"):
        return select.epoll()
    if hasattr(select, "kqueue"):
        return KqueuePoller()
    return None
