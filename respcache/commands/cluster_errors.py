"""What a client hears of a command that this node cannot run because of where its keys live.

Clients of Redis Cluster act on the first word: they follow MOVED, try again after TRYAGAIN and CLUSTERDOWN, and give
CROSSSLOT to the program that called them.
"""

from typing import Final

from ..protocol.replies import ErrorReply
from .errors import CommandError

NOT_SERVED: Final = "Hash slot not served"
DOWN: Final = "The cluster is down"

STRAYED: Final = ErrorReply("TRYAGAIN", "the owner of the key has changed while the command waited")
"""The answer to a command that was not run, because its keys went to another node before its turn came.

Whoever can send the command there looks for this very object, and no client sees it then.
"""


def moved(slot: int, host: str, port: int) -> CommandError:
    """Send the client to the owner of a slot; with an empty host, to another port of where it is."""
    return CommandError(f"{slot} {host}:{port}", "MOVED")


def crossslot() -> CommandError:
    """Refuse a command whose keys lie in different slots."""
    return CommandError("Keys in request don't hash to the same slot", "CROSSSLOT")


def tryagain(reason: str) -> CommandError:
    """Refuse a command that was not run, and that may well succeed in a moment."""
    return CommandError(reason, "TRYAGAIN")


def clusterdown(reason: str = DOWN) -> CommandError:
    """Refuse a command because nobody may serve it now: ``NOT_SERVED`` when only its slot has no owner."""
    return CommandError(reason, "CLUSTERDOWN")
