"""Words that are no commands, but the first line of another protocol.

A web page can make a browser send an HTTP request to this port, with commands
in its body. No client of ours begins a line with ``POST`` or ``Host:``; who does
is closed at once, before the body is read. Redis does the same.
"""

from collections.abc import Sequence
from typing import Final

from ..protocol.replies import Reply
from .context import Context
from .spec import CommandGroup, Flag, Trait

foreign = CommandGroup("server")

MARKS: Final = ("POST", "HOST:")


def end(context: Context, argv: Sequence[bytes]) -> Reply:
    """End the connection of a client that speaks HTTP."""
    raise AssertionError("the session has ended")


for mark in MARKS:
    foreign.command(
        mark,
        since="3.2.7",
        complexity="O(1)",
        flags=Flag.LOADING | Flag.STALE | Flag.NO_AUTH,
        args=(),
        traits=Trait.ENDS_SESSION,
        raw=True,
        least_words=-1,
        hidden=True,
    )(end)
