"""Settings of copies: on how many nodes a key lies, when a write counts, and what a split of the network may do.

They stand in the file's table ``[cluster]`` like those of ``cluster``. What each of them promises is
told in ``docs/guarantees.md``.
"""

from .kinds import Choice, Integer, Size
from .parameter import Parameter, Section


class Copies(Section, title="Copies", table="cluster"):
    """Those that nodes must agree about, because all of them act on it, can be given at the start only."""

    cluster_copies = Parameter(
        "cluster-copies",
        Integer(1, 8),
        2,
        mutable=False,
        flags=("copies",),
        doc="Nodes that hold each key, its owner among them; equal on all nodes.",
        reason="The loss of any one node then loses nothing; each further copy costs its memory and every write a message.",
    )
    cluster_replication_ack = Parameter(
        "cluster-replication-ack",
        Choice("sync", "async"),
        "sync",
        flags=("ack",),
        doc="When a write is answered: sync, once every copy that is in step has it; async, at once.",
        reason="What was answered then survives the loss of any one node. async saves each write the way to another node "
        "and back, and what was answered in the last moments is lost with a node.",
    )
    cluster_mode = Parameter(
        "cluster-mode",
        Choice("available", "strict"),
        "available",
        mutable=False,
        flags=("mode",),
        doc="In a split of the network: available, every side serves, and the later write of a key wins when the sides find "
        "together; strict, only a side with the majority serves. Equal on all nodes.",
        reason="A cache should rather answer. strict is for locks and counters, and wants three nodes or more.",
    )
    cluster_min_members = Parameter(
        "cluster-min-members",
        Integer(1, 1024),
        1,
        mutable=False,
        flags=("min-members",),
        doc="Nodes that must be there for this one to serve anything; 1 for no matter how many.",
        reason="A node alone is a cluster, too. Half of your nodes and one more lets the smaller side of a split refuse.",
    )
    cluster_transfer_rate_bytes = Parameter(
        "cluster-transfer-rate",
        Size(1 << 16),
        64 << 20,
        doc="Bytes per second that a node sends at most to make copies whole: after a loss, a join or a leave.",
        reason="Half a gigabit: a gigabyte is whole again in 16 seconds, and neither a gigabit network nor the two nodes' "
        "clients are crowded out.",
    )
    cluster_leave_timeout_seconds = Parameter(
        "cluster-leave-timeout",
        Integer(1, 3600),
        30,
        doc="Seconds that a node takes at most to give away what it has before it stops.",
        reason="Two gigabytes at the default rate, and as long as Kubernetes gives a pod; a stop that hangs helps nobody.",
    )
