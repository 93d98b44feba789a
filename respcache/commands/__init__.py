"""All command groups. A new file of commands is added here; a new command is not."""

from .acl_commands import acl
from .client_commands import client_commands
from .client_kill import client_kill
from .cluster_commands import cluster
from .cluster_partitions import cluster_partitions
from .command_commands import commands
from .config import config
from .connection import connection
from .databases import databases
from .debug import debug_commands
from .expiry import expiry
from .foreign import foreign
from .hash_increments import hash_increments
from .hash_scans import hash_scans
from .hashes import hashes
from .increments import increments
from .info import info_commands
from .keys import keys
from .latency import latency
from .lcs import subsequences
from .loader_commands import loaders
from .memory import memory
from .modules import modules
from .object import objects
from .pubsub import pubsub
from .ranges import ranges
from .resources import resources
from .scanning import scanning
from .server_commands import server
from .slowlog import slowlog
from .string_lives import string_lives
from .strings import strings
from .tracking_commands import tracking_commands
from .transactions import transactions
from .wait import waiting

GROUPS = (
    strings,
    string_lives,
    increments,
    ranges,
    subsequences,
    keys,
    expiry,
    scanning,
    objects,
    databases,
    waiting,
    hashes,
    hash_increments,
    hash_scans,
    resources,
    transactions,
    pubsub,
    connection,
    client_commands,
    client_kill,
    tracking_commands,
    commands,
    info_commands,
    config,
    server,
    foreign,
    slowlog,
    latency,
    memory,
    acl,
    modules,
    cluster,
    cluster_partitions,
    loaders,
    debug_commands,
)
