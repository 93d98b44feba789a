"""Settings of what a client may do, and how much of the server it may use."""

from .buffer_limits import BufferLimit, BufferLimits, OutputBufferLimits
from .kinds import LONG_MAX, UINT_MAX, Choice, Integer, Size, Text
from .memory_share import MemoryShare, SizeOrPercent
from .parameter import Parameter, Section


class Clients(Section, title="Clients"):
    """Passwords and limits."""

    requirepass = Parameter(
        "requirepass",
        Text(),
        "",
        secret=True,
        doc="Password that a client must give with AUTH or HELLO before anything else; empty for none.",
        reason="protected-mode keeps strangers out until a password is set.",
    )
    maxclients = Parameter(
        "maxclients",
        Integer(1, UINT_MAX),
        10000,
        doc="Connections served at once; one more is told so and closed.",
        reason="As Redis. The system's limit of open files may be lower, and then counts.",
    )
    proto_max_bulk_len_bytes = Parameter(
        "proto-max-bulk-len",
        Size(1024**2),
        512 * 1024**2,
        doc="Longest single argument of a command.",
        reason="The longest value that Redis' protocol documents.",
    )
    client_query_buffer_limit_bytes = Parameter(
        "client-query-buffer-limit",
        Size(1024**2),
        1024**3,
        doc="Most bytes of unfinished commands kept for one client; above it the client is closed.",
        reason="As Redis: room for two of the longest arguments.",
    )
    client_output_buffer_limit = Parameter(
        "client-output-buffer-limit",
        OutputBufferLimits(),
        BufferLimits(
            normal=BufferLimit(0, 0, 0),
            replica=BufferLimit(256 * 1024**2, 64 * 1024**2, 60),
            pubsub=BufferLimit(32 * 1024**2, 8 * 1024**2, 60),
        ),
        doc="For each class of clients: close it above the hard limit, or after so many seconds above the soft one.",
        reason="As Redis: who asks can be trusted to read the answer, who only listens cannot.",
    )
    maxmemory_clients = Parameter(
        "maxmemory-clients",
        SizeOrPercent(),
        MemoryShare(),
        doc="Most memory that the buffers of all clients together may take, in bytes or per cent of maxmemory; "
        "0 is no limit.",
        reason="As Redis: the limits above hold for each client already.",
    )
    tracking_table_max_keys = Parameter(
        "tracking-table-max-keys",
        Integer(0, LONG_MAX),
        1_000_000,
        doc="Keys remembered for clients that cache them (CLIENT TRACKING); beyond it, the oldest are invalidated. "
        "0 is no limit.",
        reason="As Redis: some 100 MB when the keys are short and each has one reader.",
    )
    enable_debug_command = Parameter(
        "enable-debug-command",
        Choice("no", "yes", "local"),
        "no",
        mutable=False,
        doc="Whether the DEBUG command may be used: no, yes, or only by clients on this machine.",
        reason="DEBUG can stop the server for as long as it likes.",
    )
