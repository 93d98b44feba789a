"""The connection of a client that is not here: its commands came over the bus, and their replies go where they are awaited."""

from typing import Final

from ..protocol.limits import Limits
from .client import Ending


class Nobody:
    """A ``client.Connection`` on which nothing is sent, held back or ended."""

    query_bytes = 0
    output_bytes = 0
    received_bytes = 0
    sent_bytes = 0

    def push(self, wire: bytes) -> None:
        """Send nothing: who runs commands over the bus subscribes to nothing."""

    def end(self, ending: Ending) -> None:
        """End nothing: the connection is many clients'."""

    def hold(self) -> None:
        """Hold nobody: others' commands come over the same connection."""

    def release(self) -> None:
        """See ``hold``."""

    def jam(self) -> None:
        """Hold nobody: what came over the bus is not sent on."""

    def clear_jam(self) -> None:
        """See ``jam``."""

    def dismiss(self) -> None:
        """End nobody."""

    def select(self, index: int) -> None:
        """Select nothing: each batch names its database."""

    def settle(self) -> None:
        """Settle nothing: no slots are kept here."""

    def set_request_limits(self, limits: Limits) -> None:
        """Limit nothing: frames have limits of their own."""


NOBODY: Final = Nobody()
