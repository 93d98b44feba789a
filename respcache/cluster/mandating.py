"""Keeping a node's mandate to serve: asks the others to confirm it, and shuts the node's doors while it has none.

What may be done is for ``modes/mandate.py`` to say; here its questions are sent, and what it says is carried out. In the mode that is
``available``, with no least number of members, the mandate never ends, and nothing is asked.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from .bus.directory import Directory
from .bus.frames import BrokenFrameError
from .modes.frames import (
    CONFIRM,
    CONFIRMED,
    decode_confirm,
    decode_confirmed,
    encode_confirm,
    encode_confirmed,
)
from .modes.lease import LEASE_S
from .modes.mandate import Mandate
from .replication.replication import Replication

KINDS: Final = CONFIRM + CONFIRMED


RECENT_S: Final = 5.0
"""What was noted so long before the last question may not have reached the asker: several times what a lease lasts."""


class Company(Protocol):
    """The other members."""

    @property
    def id(self) -> bytes: ...
    def others_there(self) -> Iterable[bytes]: ...
    def send_to(self, id: bytes, data: bytes) -> None: ...


class Mandating:
    """The mandate of one node, carried out."""

    def __init__(
        self,
        company: Company,
        mandate: Mandate,
        replication: Replication,
        directory: Directory,
        now_s: Callable[[], float],
    ) -> None:
        self._company = company
        self.mandate = mandate
        self._replication = replication
        self._directory = directory
        self._now_s = now_s
        self.on_work: Callable[[], None] = lambda: None
        """Called when the next tick has something to ask."""
        replication.promotion.may_decide = mandate.has_majority
        replication.promotion.wait_s = mandate.promotion_wait_s
        replication.promotion.is_strict = mandate.is_strict

    def tick(self) -> None:
        """Ask what is due, and look whether this node may serve."""
        now_s = self._now_s()
        mandate = self.mandate
        mandate.observe(now_s, frozenset([self._company.id, *self._company.others_there()]))
        question = mandate.due(now_s)
        if question is not None:
            wire = encode_confirm(question)
            for peer in self._company.others_there():
                self._company.send_to(peer, wire)
        self.look()

    def look(self) -> None:
        """Shut the doors, or open them; called before anything is served in a turn."""
        now_s = self._now_s()
        if now_s < self.mandate.ends_at:
            if self._directory.is_closed:
                self._directory.open()
        elif not self._directory.is_closed:
            self._directory.close(f"-{self.mandate.closed_reason(now_s)}\r\n".encode())
            self._replication.holds.give_up()

    def is_confirmed_since(self, since_s: float) -> bool:
        """Say whether a majority has confirmed this node when it was asked after that time."""
        return self.mandate.ends_at - LEASE_S > since_s

    def asked(self, peer: bytes, data: bytes) -> bytes:
        """Take a question, and return the answer. Raises BrokenFrameError."""
        serving, now_s = self._replication.serving, self._now_s()
        servers = serving.epochs.servers
        since_s = self.mandate.asked_before(peer) - RECENT_S
        # Of two with the same epoch only one is obeyed: whoever else claims it hears of a higher one.
        newer = [(p, least + (servers[p] != peer)) for p, least in serving.recent(since_s)]
        answer = self.mandate.asked(now_s, peer, decode_confirm(data), newer)
        self._look_ahead()
        return encode_confirmed(answer)

    def _look_ahead(self) -> None:
        if self.mandate.is_in_a_hurry:
            self.on_work()

    def answered(self, peer: bytes, data: bytes) -> None:
        """Take an answer. Raises BrokenFrameError."""
        answer = decode_confirmed(data)
        serving = self._replication.serving
        for partition, epoch in answer.newer:
            if not 0 <= partition < len(serving.epochs.epochs):
                raise BrokenFrameError(f"no partition {partition}")
            if partition in serving.served and epoch > serving.epochs.epochs[partition]:
                serving.refused(partition, epoch)
        serving.flush()
        self.mandate.answered(self._now_s(), peer, answer)
        self._look_ahead()
        self.look()
