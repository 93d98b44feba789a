"""Between commands and loaders that write: a change goes to the database first, or is noted for later.

*Through*: a command that will change such keys is rehearsed (``rehearsal.py``). What it would make of them is written to the
database while the owners of all its keys are busy, and only then does the command run. So until the database has
agreed, nothing is seen of the change: no copy, no event, no client. When it refuses, nothing has happened here.

*Behind*: the command runs, and what it has made of its keys is handed to the loaders. Expiry, eviction and flushes are
no changes of that kind, nor is whatever ``Trait.KEEPS_VALUES`` does.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.node import Node
from ..commands.pending import Pending
from ..commands.spec import Command, Trait
from ..commands.transactions import forget_watches
from ..commands.writes import KeyChange, Verdict, Writes
from ..owners.owners import Owners
from ..protocol.replies import ErrorReply, Reply
from .noting import Noter
from .rehearsal import Place, Rehearsal, Snapshot, places_of
from .waiting import Call, Waiting, calls_of

MOVED_AWAY: Final = ErrorReply(
    "TRYAGAIN", "the owner of the key has changed; the database has the change already"
)


class Runner(Protocol):
    """The dispatcher, as far as it is needed here."""

    def run_written(self, context: Context, command: Command, argv: Sequence[bytes]) -> Reply | Pending:
        """Run a command that nothing stands against, and that need not be written any more."""

    def fail_of(self, command: Command, error: CommandError) -> ErrorReply: ...


class Job:
    """A command whose changes are on their way to the database."""

    __slots__ = ("argv", "busy", "command", "context", "db", "pending", "snapshot", "through")

    def __init__(self, context: Context, command: Command, argv: Sequence[bytes], snapshot: Snapshot) -> None:
        self.context = context
        self.command = command
        self.argv = argv
        self.db = context.client.db_index
        self.snapshot = snapshot
        self.through: list[KeyChange] = []
        self.busy: tuple[Place, ...] = ()
        self.pending = Pending()


class WriteGate:
    """Asked for every command on the long way, while there are loaders that write."""

    def __init__(self, node: Node, writes: Writes, owners: Owners, waiting: Waiting, runner: Runner) -> None:
        self._node = node
        self._writes = writes
        self._owners = owners
        self._waiting = waiting
        self._runner = runner
        self._rehearsal = Rehearsal(node)
        self._noter = Noter(node.keyspace.journal, node.keyspace.databases)
        self._written: frozenset[Place] = frozenset()
        """What the command that runs now changes, and what is in the database already."""

    # -- behind --------------------------------------------------------------------

    def listens(self, context: Context, command: Command, argv: Sequence[bytes]) -> bool:
        """Listen to what a command changes that is about to run, if that is of interest; then ``settle`` must follow."""
        if not command.is_write or Trait.KEEPS_VALUES in command.traits or not command.spans:
            return False
        places = places_of((context.db.index, command, argv), len(self._node.keyspace.databases))
        takes_writes = self._writes.takes_writes
        for db, key in places:
            if takes_writes(db, key):
                self._noter.begin()
                return True
        return False

    def settle(self) -> None:
        """Hand over what the command has changed."""
        changes = self._noter.end(self._is_unwritten)
        if changes:
            self._writes.note(changes)

    def _is_unwritten(self, db: int, key: bytes) -> bool:
        return (db, key) not in self._written and self._writes.takes_writes(db, key)

    # -- through -------------------------------------------------------------------

    def submit(self, context: Context, command: Command, argv: Sequence[bytes]) -> Pending | None:
        """Have what a command will change written first; None if it may run at once. The owners of its keys are idle."""
        job = self._job_of(context, command, argv) if self._writes.may_go_through else None
        if job is None:
            return None
        working = [place for place in job.busy if self._is_working(place)]
        if working:  # a key of another database, or one that was busy only since
            pending = self._owners.submit(working, lambda: self._submit_later(job))
        else:
            pending = job.pending
            self._start(job)
        if Trait.SESSION not in command.traits:
            return pending
        return self._waiting.block_until(pending, context.client)

    def _job_of(self, context: Context, command: Command, argv: Sequence[bytes]) -> Job | None:
        """Return what must be written before a command runs, if anything must."""
        calls = calls_of(self._node, context.client, command, argv)
        if not any(called.is_write for _, called, _ in calls):
            return None
        count = len(self._node.keyspace.databases)
        places = dict.fromkeys(place for call in calls for place in places_of(call, count))
        goes_through = self._writes.goes_through
        if not any(goes_through(db, key) for db, key in places):
            return None
        if Trait.RUNS_TRANSACTION in command.traits and self._is_void(context):
            return None
        job = Job(context, command, argv, Snapshot(self._node.keyspace, places))
        changes = self._rehearsal.run(
            calls, job.snapshot, context.client.connection, self._writes.takes_writes
        )
        job.through = [change for change in changes if goes_through(change.db, change.key)]
        job.busy = self._keys_of(job, calls)
        return job if job.through else None

    def _submit_later(self, job: Job) -> Reply | Pending:
        """Look at a command again that had to wait."""

        def run() -> Reply | Pending:
            pending = self.submit(job.context, job.command, job.argv)
            return pending or self._runner.run_written(job.context, job.command, job.argv)

        return self._run_in(job.db, job.context, run)

    def _is_working(self, place: Place) -> bool:
        owner = self._owners.awake.get(place)
        return owner is not None and owner.is_working

    def _is_void(self, context: Context) -> bool:
        """Say whether a transaction will run nothing: then there is nothing to write."""
        client = context.client
        for db, key in tuple(client.watched):
            self._node.keyspace.databases[db].find(key)  # one that has expired has changed
        return client.is_dirty or (client.transaction is not None and client.transaction.is_broken)

    def _keys_of(self, job: Job, calls: Sequence[Call]) -> tuple[Place, ...]:
        """Return whatever must not change until the command has run."""
        keys = {(db, key): None for db, called, words in calls for key in called.keys_in(words)}
        keys.update(dict.fromkeys((change.db, change.key) for change in job.through))
        if Trait.RUNS_TRANSACTION in job.command.traits:
            keys.update(dict.fromkeys(job.context.client.watched))
        return tuple(keys)

    def _start(self, job: Job) -> None:
        """Keep the keys busy, and begin to write. From now on the command will run, whatever happens to keys that it watches."""
        if Trait.RUNS_TRANSACTION in job.command.traits:
            forget_watches(self._node, job.context.client)
        for db, key in job.busy:
            self._owners.engage(db, key)
        for change in job.through:
            self._writes.overtake(change.db, change.key)
        self._writes.write(job.through, lambda verdict: self._finish(job, verdict))

    def _finish(self, job: Job, verdict: Verdict) -> None:
        """Answer a command whose changes were written, or were not."""
        for change in job.through:
            self._writes.overtake(change.db, change.key)  # what was begun meanwhile may be older
        reply = self._run(job) if verdict.error is None else self._fail(job, verdict)
        job.pending.resolve(reply)
        for db, key in job.busy:
            self._owners.release(db, key)

    def _run(self, job: Job) -> Reply:
        if self._has_moved(job):
            return MOVED_AWAY
        job.snapshot.restore()
        self._written = frozenset((change.db, change.key) for change in job.through)
        try:
            reply = self._run_in(
                job.db, job.context, lambda: self._runner.run_written(job.context, job.command, job.argv)
            )
        finally:
            self._written = frozenset()
        assert not isinstance(reply, Pending), "commands that change keys answer at once"
        return reply

    def _fail(self, job: Job, verdict: Verdict) -> Reply:
        error = verdict.error
        assert error is not None, "it has failed"
        if not verdict.is_known:
            for change in job.through:
                db = self._node.keyspace.databases[change.db]
                entry = db.find(change.key)
                if entry is not None:
                    db.evict(entry)  # nobody has deleted it
        return self._runner.fail_of(job.command, CommandError(error.message, error.code))

    def _run_in(self, db: int, context: Context, run: Callable[[], Reply | Pending]) -> Reply | Pending:
        """Run something in the database that was selected when its command came."""
        selected = context.client.db_index
        if db == selected:
            return run()
        context.select(db)
        try:
            return run()
        finally:
            context.select(selected)

    def _has_moved(self, job: Job) -> bool:
        """Say whether the keys have gone to another node meanwhile."""
        router = self._node.router
        calls = calls_of(self._node, job.context.client, job.command, job.argv)
        return router is not None and any(router.gone(command, words) for _, command, words in calls)
