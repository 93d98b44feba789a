"""What one node remembers of another, as far as messages are concerned."""

from ..bus.inlet import Inlet
from ..bus.outbox import Outbox
from .interest import Untold

FIRST = 0
"""The channel for everything whose order matters."""


class Peer:
    """Another node that is there."""

    __slots__ = (
        "attention_due",
        "attention_number",
        "generation",
        "heard",
        "id",
        "inlet",
        "is_known",
        "is_silent",
        "outbox",
        "outboxes",
        "untold",
    )

    def __init__(self, id: bytes) -> None:
        self.id = id
        self.outbox = Outbox()
        """Where everything goes whose order matters."""
        self.outboxes = {FIRST: self.outbox}
        """By the number of the channel."""
        # What it has told us.
        self.is_known = False
        """Whether it has said what its clients listen to."""
        self.is_silent = False
        self.inlet: Inlet | None = None
        """Where its news come in."""
        self.generation = 0
        """Of its news; see ``bus/outbox.py``."""
        self.attention_number = 0
        # What it is still to be told.
        self.untold = Untold()
        self.heard = 0
        """The end of a silence that is to be acknowledged, or 0."""
        self.attention_due: set[int] = set()
        """Channels on which it has not been told whether clients of ours track keys."""
