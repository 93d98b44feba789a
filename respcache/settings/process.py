"""Settings of the process: how it ends, and how much may wait inside it."""

from .kinds import Integer, Text
from .parameter import Parameter, Section


class Process(Section, title="Process"):
    """Limits of the whole server."""

    working_directory = Parameter(
        "dir",
        Text(),
        ".",
        mutable=False,
        doc="Directory to change to at the start; relative paths of other settings begin there.",
        reason="Where you started it.",
    )
    shutdown_timeout_seconds = Parameter(
        "shutdown-timeout",
        Integer(),
        10,
        doc="Most seconds that a shutdown waits for answers and events that are under way.",
        reason="As Redis, and less than what service managers allow before they kill.",
    )
    owner_mailbox_limit = Parameter(
        "owner-mailbox-limit",
        Integer(1),
        10000,
        doc="Commands that may wait for one key while it is busy; one more is answered with an error.",
        reason="As many as the default maxclients: each may have one command waiting.",
    )
