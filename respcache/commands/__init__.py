"""All command groups. A new file of commands is added here; a new command is not."""

from .command_commands import commands
from .hash_scans import hash_scans
from .hashes import hashes
from .pubsub import pubsub
from .transactions import transactions

GROUPS = (
    hashes,
    hash_scans,
    transactions,
    pubsub,
    commands,
)
