"""Whether the others may leave this node out when they send messages, and the end of that.

A message is sent to every node but to those that are *silent*: nobody has listened to anything there for ``QUIET_S``. A
node that was silent and gets a subscriber tells the others, and confirms the subscription only when they have
heard it. So a message that is published after a subscription was confirmed reaches it, on whichever node.

The confirmation waits ``PATIENCE_S`` at most: a node that hears nothing for so long is about to be declared dead, and what is
published there meets the same silence.
"""

from collections.abc import Iterable
from typing import Final

from ...commands.pending import Pending
from ...protocol.replies import Reply

QUIET_S: Final = 10.0
"""Subscribers that come and go every few seconds should not be waited for each time."""

PATIENCE_S: Final = 0.3
"""A hundred round trips; nothing takes longer because of a stopped node."""


class Silence:
    """One node's."""

    def __init__(self, now_s: float) -> None:
        self._quiet_since_s: float | None = now_s
        self.is_silent = False
        self.token = 0
        """Counts the ends of silences."""
        self._told: set[bytes] = set()
        self._unheard: set[bytes] = set()
        self._waiting: list[tuple[Pending, Reply]] = []
        self._deadline_s = 0.0

    def note(self, now_s: float, *, is_empty: bool) -> bool:
        """Take it that there are subscribers or none; say whether that has ended a silence."""
        if is_empty:
            if self._quiet_since_s is None:
                self._quiet_since_s = now_s
            return False
        self._quiet_since_s = None
        if not self.is_silent:
            return False
        self.is_silent = False
        self.token += 1
        self._unheard |= self._told
        self._told.clear()
        self._deadline_s = now_s + PATIENCE_S
        return True

    @property
    def is_waiting(self) -> bool:
        """Whether nodes have yet to hear that a silence is over."""
        return bool(self._unheard)

    def tick(self, now_s: float) -> bool:
        """Give up waiting when it is time; say whether a silence begins."""
        if self._unheard and now_s >= self._deadline_s:
            self._unheard.clear()
            self._confirm()
        begins = (
            not self.is_silent and self._quiet_since_s is not None and now_s - self._quiet_since_s >= QUIET_S
        )
        self.is_silent = self.is_silent or begins
        return begins

    def token_for(self, node: bytes) -> int:
        """Return what goes with the interest that is told to a node now: a number that it must repeat, or 0."""
        if self.is_silent:
            self._told.add(node)
            return 0
        return self.token if node in self._unheard else 0

    def heard(self, node: bytes, token: int) -> None:
        """Take a node's word that it sends messages again."""
        if token == self.token:
            self.forget([node])

    def forget(self, nodes: Iterable[bytes]) -> None:
        """Wait for these no longer; they are gone, or have heard."""
        self._told.difference_update(nodes)
        if self._unheard:
            self._unheard.difference_update(nodes)
            if not self._unheard:
                self._confirm()

    def confirmation(self, reply: Reply) -> Reply | Pending:
        """Return the reply to a subscription, or its place where others must hear of it first."""
        if not self._unheard:
            return reply
        pending = Pending()
        self._waiting.append((pending, reply))
        return pending

    def _confirm(self) -> None:
        waiting, self._waiting = self._waiting, []
        for pending, reply in waiting:
            pending.resolve(reply)
