"""MULTI, EXEC and what belongs to them.

Commands between MULTI and EXEC are queued by the dispatcher; here is how a
queue begins, how it grows and how it ends. EXEC runs it in one go, so nobody comes between
its commands. An error of one command does not stop the next: a transaction is
uninterrupted, not all or nothing.

WATCH makes EXEC conditional. The journal marks a client dirty when a key that
it watches changes, by whatever means; expiry is a change too, if the key was
alive when the watch began.
"""

from collections.abc import Sequence

from ..protocol.encoder import encode
from ..protocol.replies import NO_REPLY, NULL_ARRAY, OK, QUEUED, Raw, Reply
from . import arguments as arg
from .arguments import Access
from .client import Client, Ending, Transaction
from .context import Context
from .errors import CommandError
from .node import Node
from .spec import Command, CommandGroup, Flag, Trait

transactions = CommandGroup("transactions")


def forget_watches(node: Node, client: Client) -> None:
    """End all watches of a client, here and elsewhere."""
    if client.remote_watches and node.router is not None:
        node.router.unwatch(client)
    if client.watched:
        node.keyspace.journal.unwatch(client.watched, client)
        client.watched = set()
    client.is_dirty = False


def discard_transaction(node: Node, client: Client) -> None:
    """Drop what MULTI has collected, and the watches with it."""
    client.transaction = None
    forget_watches(node, client)


def aborted(refusal: CommandError) -> CommandError:
    """Say that a transaction has ended because its EXEC was refused."""
    code = "" if refusal.code == "ERR" else f"{refusal.code} "
    return CommandError(f"Transaction discarded because of: {code}{refusal.message}", "EXECABORT")


def queue_command(context: Context, command: Command, argv: list[bytes]) -> Reply:
    """Keep a command for EXEC. A client that queues more than it may have waiting unread is closed, as in Redis."""
    client = context.client
    if Flag.NO_MULTI in command.flags:
        raise CommandError("Command not allowed inside a transaction")
    assert client.transaction is not None
    client.transaction.add(command, argv)
    if client.transaction.size_bytes > context.node.settings.client_query_buffer_limit_bytes:
        client.connection.end(Ending.AT_ONCE)
        return NO_REPLY
    return QUEUED


@transactions.command(
    "MULTI",
    since="1.2.0",
    complexity="O(1)",
    flags=Flag.NOSCRIPT | Flag.LOADING | Flag.STALE | Flag.FAST | Flag.ALLOW_BUSY,
    args=(),
    traits=Trait.SESSION | Trait.IMMEDIATE,
)
def multi(context: Context) -> Reply:
    """Begin a transaction: the commands that follow are queued until EXEC.

    >>> MULTI
    OK
    """
    if context.client.transaction is not None:
        raise CommandError("MULTI calls can not be nested")
    context.client.transaction = Transaction()
    return OK


@transactions.command(
    "EXEC",
    since="1.2.0",
    complexity="That of the queued commands, one after another.",
    flags=Flag.NOSCRIPT | Flag.LOADING | Flag.STALE | Flag.SKIP_SLOWLOG,
    args=(),
    traits=Trait.SESSION | Trait.IMMEDIATE | Trait.RUNS_TRANSACTION,
)
def execute(context: Context) -> Reply:
    """Run the queued commands without interruption; answers all their replies.

    Answers null, and runs nothing, when a key under WATCH has changed.

    >>> MULTI
    OK
    >>> SET a 1
    QUEUED
    >>> INCR a
    QUEUED
    >>> EXEC
    ['OK', 2]
    """
    client = context.client
    transaction = client.transaction
    if transaction is None:
        raise CommandError("EXEC without MULTI")
    _notice_expiries(context)
    is_dirty = client.is_dirty
    forget_watches(context.node, client)
    try:
        if transaction.is_broken:
            raise CommandError("Transaction discarded because of previous errors.", "EXECABORT")
        return NULL_ARRAY if is_dirty else _run_queue(context, transaction)
    finally:
        client.transaction = None  # only now: some commands ask whether they run in a transaction


def _notice_expiries(context: Context) -> None:
    """Let watched keys that are past their deadline die now, which makes their watchers dirty."""
    for index, key in tuple(context.client.watched):
        context.node.keyspace.databases[index].find(key)


def _run_queue(context: Context, transaction: Transaction) -> Reply:
    client = context.client
    replies: list[Reply] = []
    protocol = client.protocol
    for command, argv in transaction.queue:
        reply = context.node.invoke(context, command, argv)
        if client.protocol != protocol:  # HELLO: the replies before it keep the shape they had
            replies = [Raw(encode(earlier, protocol)) for earlier in replies]
            protocol = client.protocol
        replies.append(reply)
    return replies


@transactions.command(
    "DISCARD",
    since="2.0.0",
    complexity="O(N), N being the number of queued commands.",
    flags=Flag.NOSCRIPT | Flag.LOADING | Flag.STALE | Flag.FAST | Flag.ALLOW_BUSY,
    args=(),
    traits=Trait.SESSION | Trait.IMMEDIATE,
)
def discard(context: Context) -> Reply:
    """End a transaction without running it, and all watches.

    >>> MULTI
    OK
    >>> SET a 1
    QUEUED
    >>> DISCARD
    OK
    >>> EXISTS a
    0
    """
    if context.client.transaction is None:
        raise CommandError("DISCARD without MULTI")
    discard_transaction(context.node, context.client)
    return OK


@transactions.command(
    "WATCH",
    since="2.2.0",
    complexity="O(N), N being the number of keys.",
    flags=Flag.NOSCRIPT | Flag.LOADING | Flag.STALE | Flag.FAST | Flag.ALLOW_BUSY,
    args=(arg.key("key", Access.RO, multiple=True),),
    traits=Trait.SESSION | Trait.IMMEDIATE | Trait.WATCHES,
)
def watch(context: Context, key: Sequence[bytes]) -> Reply:
    """Let the next EXEC run only if none of these keys changes until then.

    >>> WATCH a b
    OK
    """
    client = context.client
    if client.transaction is not None:
        raise CommandError("WATCH inside MULTI is not allowed")
    journal = context.node.keyspace.journal
    for name in key:
        context.db.find(name)  # a key that is dead already must not die a second time
        client.watched.add((client.db_index, name))
        journal.watch(client.db_index, name, client)
    return OK


@transactions.command(
    "UNWATCH",
    since="2.2.0",
    complexity="O(1)",
    flags=Flag.NOSCRIPT | Flag.LOADING | Flag.STALE | Flag.FAST | Flag.ALLOW_BUSY,
    args=(),
    traits=Trait.SESSION,
)
def unwatch(context: Context) -> Reply:
    """End all watches of this client.

    >>> WATCH a
    OK
    >>> UNWATCH
    OK
    """
    forget_watches(context.node, context.client)
    return OK
