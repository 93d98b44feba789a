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
    workers = Parameter(
        "workers",
        Integer(1, 128),
        1,
        mutable=False,
        doc="Processes that share the client port, each a node of the same cluster; above 1, cluster-enabled is implied, the "
        "bus port and cluster-port are the first of as many, and limits such as maxmemory hold for each process.",
        reason="One process uses one core, and needs no cluster; each further one uses another.",
    )
    owner_mailbox_limit = Parameter(
        "owner-mailbox-limit",
        Integer(1),
        10000,
        doc="Commands that may wait for one key while it is busy; one more is answered with an error.",
        reason="As many as the default maxclients: each may have one command waiting.",
    )
